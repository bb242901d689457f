"""The calls of a build as files in a folder: one JSON file a call, and an index.

Names come from the calls' keys, so recording again changes only what has become different.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from buildwright.core.errors import DiskError, UsageError
from buildwright.core.ledger import NO_USAGE, TokenUsage
from buildwright.core.redact import Redactor
from buildwright.gateway.comparing import differing, in_words

INDEX = "index.json"
FORM = 1
USAGE = (
    "fresh_input", "cache_read", "cache_write", "output", "reasoning", "reported_total",
    "estimated", "cache_write_1h",
)  # fmt: skip

PLACE = re.compile(r"buildwright-tree-[A-Za-z0-9_-]+")
"""Folder of one run of tests; messages of tests name it, and it is another one each time."""


class NotRecordedError(UsageError):
    """A call that the cassette has no answer for; nothing is sent."""

    code = "not_recorded"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call and what came back: the bytes of the answer, an error, or a part and then an error.

    `error` holds the arguments of a GatewayError by name. `cost_nano` is what it cost then.
    """

    key: str
    request: Mapping[str, Any]
    answer: bytes = b""
    stream: bool = True
    model: str = ""
    usage: TokenUsage = NO_USAGE
    cost_nano: int = 0
    error: Mapping[str, Any] | None = None


@dataclass
class Cassette:
    """Recorded calls by their key, in the order in which they were made.

    `model` is the name that the build asked for, `tools` whether it may call tools.
    """

    folder: Path
    model: str
    tools: bool
    calls: dict[str, list[Recorded]] = field(default_factory=dict)

    def add(self, call: Recorded, redact: Redactor) -> None:
        """Write a call, unless it is there already; raises DiskError.

        It takes the place of one that there was no money for: a replay costs nothing.
        """
        same = self.calls.setdefault(call.key, [])
        if call.error is None and same and _equal(same[-1], call):
            return
        if same and _unpaid(same[-1]):
            same.pop()
        same.append(call)
        row = redact.data(_row(call))
        write(self.folder / _name(call.key, len(same)), row)
        self.write_index()

    def find(self, key: str, request: Mapping[str, Any], time: int) -> Recorded:
        """Return what came back when `key` was called for the `time`th time (from 0).

        Raises NotRecordedError that names the key and what differs from the nearest request.
        """
        same = self.calls.get(key, [])
        if same:
            recorded = same[min(time, len(same) - 1)]
            if not differing(_placeless(recorded.request), _placeless(request)):
                return recorded
        raise NotRecordedError(
            f"call {key!r} is not in the cassette {str(self.folder)!r}: {self._nearest(request)}",
            next_step="record the build again: buildwright build --record DIR",
        )

    def write_index(self) -> None:
        """Write the list of all calls; raises DiskError."""
        rows = [
            {"key": key, "file": _name(key, number)}
            for key, same in sorted(self.calls.items())
            for number in range(1, len(same) + 1)
        ]
        index = {"form": FORM, "model": self.model, "tools": self.tools, "calls": rows}
        write(self.folder / INDEX, index)

    def _nearest(self, request: Mapping[str, Any]) -> str:
        every = [call for same in self.calls.values() for call in same]
        if not every:
            return "it holds no calls"
        wanted = _placeless(request)
        near = min(every, key=lambda call: len(differing(wanted, _placeless(call.request))))
        parts = differing(wanted, _placeless(near.request))
        if not parts:
            return f"the same request was recorded as {near.key!r}"
        return f"its {in_words(parts)} differs from the nearest recorded call {near.key!r}"


def new_cassette(folder: Path, model: str, *, tools: bool) -> Cassette:
    """Return an empty cassette in a folder that is new, empty or holds an older cassette.

    Raises UsageError for a folder with other files, else DiskError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in _old_files(folder):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"{str(folder)!r} cannot be written: {error.strerror}") from error
    made = Cassette(folder, model, tools)
    made.write_index()
    return made


def read_cassette(folder: Path) -> Cassette:
    """Return the cassette in a folder; raises UsageError that names what is wrong with it."""
    index = _loaded(folder / INDEX)
    try:
        if index["form"] != FORM:
            raise UsageError(f"cassette {str(folder)!r} has form {index['form']}; expected {FORM}")
        cassette = Cassette(folder, str(index["model"]), bool(index["tools"]))
        for row in index["calls"]:
            call = _recorded(_loaded(folder / Path(row["file"]).name))
            cassette.calls.setdefault(call.key, []).append(call)
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(folder, f"{type(error).__name__}: {error}") from error
    return cassette


def write(path: Path, row: Mapping[str, Any]) -> None:
    """Write JSON for people and for comparing, whole or not at all; raises DiskError."""
    passing = path.with_name(path.name + ".new")
    text = json.dumps(row, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    try:
        passing.write_text(text, encoding="utf-8")
        passing.replace(path)
    except OSError as error:
        raise DiskError(f"{str(path)!r} cannot be written: {error.strerror}") from error


def _unpaid(call: Recorded) -> bool:
    return (call.error or {}).get("error_code") == "insufficient_quota"


def _equal(one: Recorded, other: Recorded) -> bool:
    """True for an answer that a resumed build was given once more out of the ledger."""
    return (one.request, one.answer, one.error) == (other.request, other.answer, other.error)


def _placeless(request: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(request, ensure_ascii=False)
    loaded: dict[str, Any] = json.loads(PLACE.sub("buildwright-tree", text))
    return loaded


def _old_files(folder: Path) -> Iterator[Path]:
    here = {path.name for path in folder.iterdir()}
    if here and INDEX not in here:
        raise UsageError(
            f"--record {str(folder)!r} holds other files and no cassette",
            next_step="give a new or empty folder",
        )
    if here:
        yield from (
            folder / Path(str(row["file"])).name for row in _loaded(folder / INDEX)["calls"]
        )


def _row(call: Recorded) -> dict[str, Any]:
    row = {
        "key": call.key,
        "request": call.request,
        "stream": call.stream,
        "model": call.model,
        "usage": {name: getattr(call.usage, name) for name in USAGE},
        "cost_nano": call.cost_nano,
        "error": call.error,
    }
    try:
        return {**row, "answer": call.answer.decode("utf-8")}
    except UnicodeDecodeError:
        return {**row, "answer_base64": base64.b64encode(call.answer).decode()}


def _recorded(row: Mapping[str, Any]) -> Recorded:
    coded = row.get("answer_base64")
    answer = row["answer"].encode() if coded is None else base64.b64decode(coded)
    return Recorded(
        key=row["key"],
        request=row["request"],
        answer=answer,
        stream=row["stream"],
        model=row["model"],
        usage=TokenUsage(**row["usage"]),
        cost_nano=int(row["cost_nano"]),
        error=row["error"],
    )


def _name(key: str, number: int) -> str:
    again = "" if number == 1 else f"~{number}"
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', key) or 'call'}{again}.json"


def _loaded(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{str(path)!r} cannot be read: {error.strerror}",
            next_step="record one with: buildwright build --record DIR ...",
        ) from error
    except ValueError as error:
        raise _broken(path, str(error)) from error
    if not isinstance(loaded, dict):
        raise _broken(path, "not a JSON object")
    return loaded


def _broken(path: Path, why: str) -> UsageError:
    return UsageError(
        f"cassette {str(path)!r} is damaged: {why}", next_step="record the build again"
    )
