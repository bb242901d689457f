"""The type of a field, from the words of its name and the unit beside it."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from buildwright.core.requirements import FieldType
from buildwright.design.analysis import lexicon
from buildwright.design.words import singular

_NOT_NAME = re.compile(r"[^a-z0-9]+")
_MAX_NAME = 40


@cache
def type_of(words: tuple[str, ...]) -> FieldType | None:
    """The type that the end of a name suggests ("due date" -> date), None if nothing does."""
    if words[-1:] == ("time",) and words[-2:-1] and _takes_time(words[-2]):
        return "duration"
    for size in (3, 2, 1):
        if len(words) >= size:
            tail = "-".join(words[-size:])
            found = _heads().get(tail) or _heads().get(singular(tail))
            if found:
                return found
    if len(words) == 1 and len(words[0]) > 4 and words[0].isalpha() and unit_of(words):
        unit: FieldType = lexicon.table("types")["units"][words[0]][1]
        return unit
    if len(words) == 1 and "_" in words[0].strip("_"):
        return _type_of_identifier(tuple(part for part in words[0].split("_") if part))
    if len(words) > 1 and lexicon.is_past(words[-1]):
        return type_of(words[:-1])
    return "decimal" if len(words) > 1 and words[0] in _STATISTIC else None


def _takes_time(low: str) -> bool:
    """ "walking time" lasts, "closing time" is a moment."""
    return low in lexicon.words("lasting")


_STATISTIC = frozenset({"mean", "average", "median", "minimum", "maximum", "lowest", "highest"})
_SUFFIXES: dict[str, FieldType] = {"at": "datetime", "on": "date", "id": "string"}
_PREFIXES = frozenset({"is", "has", "can", "needs"})


def _type_of_identifier(parts: tuple[str, ...]) -> FieldType | None:
    """ "opened_at", "is_paid", "due_date": a name as programs write it."""
    if parts[-1] in _SUFFIXES:
        return _SUFFIXES[parts[-1]]
    return "boolean" if parts[0] in _PREFIXES else type_of(parts)


def is_named(low: str) -> bool:
    """True if the word itself, not only its singular, is known as the name of a property."""
    return low in _heads()


@cache
def _heads() -> dict[str, FieldType]:
    found: dict[str, FieldType] = {}
    for kind, names in lexicon.table("types")["heads"].items():
        for name in names.split():
            found.setdefault(name, kind)
    return found


def unit_of(words: tuple[str, ...]) -> tuple[str, FieldType] | None:
    """Name suffix and type for a unit ("square metres" -> m2), None if it is no unit."""
    if not words:
        return None
    units = lexicon.table("types")["units"]
    entry = units.get(words[-1])
    if entry is None:
        return None
    suffix, kind = entry
    power = {"square": "2", "sq": "2", "cubic": "3"}.get(words[-2] if len(words) > 1 else "")
    return (f"{suffix}{power}" if power else suffix), kind


def is_boolean_adjective(low: str) -> bool:
    """True for adjectives that make a yes/no field when they stand alone ("active")."""
    return low in lexicon.table("types")["boolean_words"]["adjectives"].split()


def is_yes_no(low: str) -> bool:
    """True for "yes/no", "y/n" and the like."""
    return low in lexicon.table("types")["boolean_words"]["values"].split()


@lru_cache(maxsize=4096)
def snake(words: tuple[str, ...]) -> str:
    """A snake_case ASCII name; empty if nothing of the words can stand in a name."""
    joined = "_".join(word for word in words if word)
    plain = unicodedata.normalize("NFKD", joined).encode("ascii", "ignore").decode()
    name = _NOT_NAME.sub("_", plain.lower()).strip("_")[:_MAX_NAME].rstrip("_")
    return name if name[:1].isalpha() else ""


@lru_cache(maxsize=4096)
def pascal(words: tuple[str, ...]) -> str:
    """A PascalCase ASCII name; empty if nothing of the words can stand in a name."""
    return "".join(part[:1].upper() + part[1:] for part in snake(words).split("_"))
