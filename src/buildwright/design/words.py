"""Singular and plural of English nouns: suffix rules plus a table of irregular words."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_name("words") / "inflection.toml"
_SIBILANTS = ("s", "x", "z", "ch", "sh")
_HARD_CH = ("monarch", "stomach", "epoch", "eunuch", "patriarch", "matriarch", "loch", "tech")


@lru_cache(maxsize=8192)
def singular(word: str) -> str:
    """Return the singular of a lower-case noun or term; a singular comes back unchanged.

    Of several words only the last one changes: `stock items` -> `stock item`.
    """
    rest, head = _split(word)
    return rest + _singular_head(head)


def plural(word: str) -> str:
    """Return the plural of a lower-case singular noun or term.

    Of several words only the last one changes: `stock item` -> `stock items`.
    """
    rest, head = _split(word)
    return rest + _plural_head(head)


@dataclass(frozen=True, slots=True)
class _Words:
    invariant: frozenset[str]
    singular_s: frozenset[str]
    to_plural: dict[str, str]
    to_singular: dict[str, str]


@cache
def _words() -> _Words:
    raw = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    to_plural: dict[str, str] = {word: word + "es" for word in raw["oes"]}
    to_plural |= {word: word.removesuffix("e")[:-1] + "ves" for word in raw["ves"]}
    to_plural |= {word: word + "s" for word in (*raw["ie"], *raw["e_s"], *_HARD_CH)}
    to_plural |= {word: word + "es" for word in raw["singular_s"]}
    to_plural |= raw["doubled"]
    to_plural |= raw["irregular"]
    to_singular = dict(raw["also"])
    to_singular |= {many: one for one, many in to_plural.items()}
    to_singular |= {word: word for word in raw["invariant"]}
    return _Words(
        invariant=frozenset(raw["invariant"]),
        singular_s=frozenset(raw["singular_s"]),
        to_plural=to_plural,
        to_singular=to_singular,
    )


def _split(word: str) -> tuple[str, str]:
    cut = max(word.rfind(" "), word.rfind("_"), _hyphen(word))
    return word[: cut + 1], word[cut + 1 :]


def _hyphen(word: str) -> int:
    tables = _words()
    known = word in tables.to_plural or word in tables.to_singular
    return -1 if known else word.rfind("-")


def _plural_head(head: str) -> str:
    tables = _words()
    if not head or head in tables.invariant:
        return head
    if head in tables.to_plural:
        return tables.to_plural[head]
    if head.endswith(_SIBILANTS):
        return head + "es"
    if head.endswith("y") and head[-2:-1] not in ("", *"aeiou"):
        return head[:-1] + "ies"
    if (
        head.endswith("man")
        and len(head) > 5
        and head not in ("human", "german", "roman", "shaman")
    ):
        return head[:-3] + "men"
    return head + "s"


def _singular_head(head: str) -> str:
    tables = _words()
    if head in tables.to_singular:
        return tables.to_singular[head]
    if head in tables.singular_s or len(head) < 3 or head.endswith(("ss", "us", "is")):
        return head
    if head.endswith("men") and len(head) > 5 and head not in ("specimen", "abdomen", "regimen"):
        return head[:-3] + "man"
    return _strip_s(head) if head.endswith("s") else head


def _strip_s(head: str) -> str:
    if head.endswith("ies") and len(head) > 4:
        return head[:-3] + "y"
    if head.endswith(("sses", "xes", "ches", "shes", "zzes", "tzes")):
        return head[:-2]
    return head[:-1]
