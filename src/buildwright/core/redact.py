"""Taking secrets out of foreign text before it is stored, shown, logged or sent to a model.

Two kinds are known: values this process holds (keys of providers and whatever else its environment
names as a secret), and words shaped like a key of a well-known kind. Both searches are linear in
the text. A cut of a known value is found too, from TOLD characters on, wherever it lies; a key that
is known by its shape only is found as long as its beginning is there.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

T = TypeVar("T")
MARK = "[redacted]"
SHORTEST = 8
"""Characters of a known value below which it is taken for a word, not for a secret."""
WINDOW, TOLD = 8, 12
STEP = TOLD - WINDOW + 1
SECRET_NAMES = re.compile(
    r"(?:^|_)(?:KEY|KEYS|TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|PAT)(?:$|_)"
    r"|APIKEY",
    re.IGNORECASE,
)
_END = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
SHAPES: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (needles, re.compile(pattern))
    for needles, pattern in (
        # what follows a prefix is bounded below only: a longer run is one key
        # hyphened words begin so too; a key has a digit, or many letters in a row
        (
            ("sk-",),
            r"\bsk-(?=[A-Za-z_-]{0,60}\d|[A-Za-z-]{0,24}[A-Za-z]{16})[A-Za-z0-9_-]{16,}+",
        ),
        (("k_live_", "k_test_"), r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{16,}+"),
        (("bw_",), r"\bbw_[A-Za-z0-9]{20,}+"),
        (("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
        (("gho_", "ghp_", "ghs_", "ghu_", "ghr_"), r"\bgh[opsur]_[A-Za-z0-9]{20,}+"),
        (("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{20,}+"),
        (("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}+"),
        (("xox", "xapp-"), r"\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}+"),
        (("AIza",), r"\bAIza[A-Za-z0-9_-]{35}"),
        (("hf_", "npm_", "gsk_"), r"\b(?:hf|npm|gsk)_[A-Za-z0-9]{20,}+"),
        (("pypi-",), r"\bpypi-[A-Za-z0-9_-]{40,}+"),
        (("eyJ",), r"\beyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+"),
        (
            ("uthorization", "UTHORIZATION"),
            r"(?i:\bauthorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:bearer|basic|token)\s{1,4})"
            r"[^\s\"',;]{6,}+",
        ),
        (("earer", "EARER"), r"(?i:\bbearer\s{1,4})[A-Za-z0-9._~+/=-]{20,}+"),
        (
            ("PRIVATE KEY",),
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            rf"(?:[A-Za-z0-9+/=\s\\:,.]|-(?!----))*+(?:{_END})?+",
        ),
        (("PRIVATE KEY",), rf"\A[A-Za-z0-9+/=\s\\]*+{_END}"),
    )
)
"""Texts of which one is in any key of a kind, and what such a key looks like."""


def redact_shapes(text: str) -> str:
    """Return the text without words shaped like keys; see SHAPES for the kinds."""
    for needles, shape in SHAPES:
        if any(needle in text for needle in needles):
            text = shape.sub(MARK, text)
    return text


@dataclass(frozen=True)
class Redactor:
    """Takes known values and shapes of keys out of text; `values` shorter than SHORTEST are left.

    Each value is also found as JSON and as a URL would write it.
    """

    values: tuple[str, ...] = field(default=(), repr=False)

    def __call__(self, text: str) -> str:
        """Return the text with MARK in place of each secret."""
        for value in self._forms:
            if value in text:
                text = text.replace(value, MARK)
        return redact_shapes(self._without_cuts(text))

    def data(self, value: T) -> T:
        """Return a value with every text in dataclasses, mappings, lists and tuples redacted."""
        changed: Any = _walked(value, self)
        return changed  # type: ignore[no-any-return]

    @cached_property
    def _forms(self) -> tuple[str, ...]:
        forms = {
            form
            for value in self.values
            if len(value) >= SHORTEST
            for form in (value, json.dumps(value)[1:-1], quote(value, safe=""))
        }
        return tuple(sorted(forms, key=lambda form: (-len(form), form)))

    @cached_property
    def _windows(self) -> dict[str, list[tuple[str, int]]]:
        """Each WINDOW characters of a known value -> the values and where they are in them."""
        found: dict[str, list[tuple[str, int]]] = {}
        for form in self._forms:
            for at in range(len(form) - WINDOW + 1 if len(form) >= TOLD else 0):
                found.setdefault(form[at : at + WINDOW], []).append((form, at))
        return found

    def _without_cuts(self, text: str) -> str:
        """Look at every STEP-th place: a part of a known value is the longest run it shares."""
        known, done, at = self._windows, 0, 0
        kept: list[str] = []
        while known and at + WINDOW <= len(text):
            hits = known.get(text[at : at + WINDOW], ())
            runs = (_shared(text, at, value, place) for value, place in hits)
            start, end = max(runs, key=lambda run: run[1] - run[0], default=(at, at))
            if end - start >= TOLD:
                kept += [text[done : max(start, done)], MARK]
                done = at = end
            else:
                at += STEP
        return "".join((*kept, text[done:])) if kept else text


def known_secrets(variables: Mapping[str, str], named: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the values of the variables that are `named`, or whose name says they are secret."""
    wanted = {name for name in variables if SECRET_NAMES.search(name)} | set(named) - {""}
    return tuple(sorted({variables[name].strip() for name in wanted if variables.get(name)}))


class RedactingFilter(logging.Filter):
    """Redacts log records: the message with its arguments, and the text of an exception."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place and let it pass."""
        record.msg, record.args = self._redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redact(record.exc_text)
        return True


def redact_logs(redact: Callable[[str], str]) -> None:
    """Let every handler of the root logger redact what it writes; call it after they are made."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, RedactingFilter) for one in handler.filters):
            handler.addFilter(RedactingFilter(redact))


def _shared(text: str, at: int, value: str, place: int) -> tuple[int, int]:
    """The run around `at` that the text has in common with `value` around `place`."""
    start, end = at, at + WINDOW
    while start and place and text[start - 1] == value[place - 1]:
        start, place = start - 1, place - 1
    place += end - start
    while end < len(text) and place < len(value) and text[end] == value[place]:
        end, place = end + 1, place + 1
    return start, end


def _walked(value: Any, redact: Redactor) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            redact(k) if isinstance(k, str) else k: _walked(v, redact) for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(_walked(part, redact) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
        changed = {k: new for k, old in parts.items() if (new := _walked(old, redact)) != old}
        return replace(value, **changed) if changed else value
    return value
