"""Brackets, bounds, units and closed lists of values around a field's name."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from buildwright.core.requirements import FieldType
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.text import Token

_NUMBER = re.compile(r"\d+(?:[.,]\d+)?$")
_RANGE = re.compile(r"(\d+(?:[.,]\d+)?)-(\d+(?:[.,]\d+)?)$")
_MAX_VALUES = 30


@dataclass(frozen=True, slots=True)
class Marks:
    """What is said about a field beside its name; `whole` is False if some of it was not read."""

    values: tuple[str, ...] = ()
    required: bool = True
    unique: bool = False
    minimum: str | None = None
    maximum: str | None = None
    kind: FieldType | None = None
    whole: bool = True
    limited: bool = False


def enum_values(parts: list[list[Token]]) -> tuple[str, ...]:
    """Values as written in the text, without quotes, "either", "still" and empty ones."""
    found: list[str] = []
    for part in parts:
        marked = [t for t in part if t.text not in "\"'.“”-\u2013\u2014"]
        kept = [t for t in marked if t.low not in _VALUE_NOISE] or marked
        if kept:
            found.append(" ".join(token.text for token in kept))
    return tuple(dict.fromkeys(found))[:_MAX_VALUES]


_VALUE_NOISE = frozenset({"either", "etc", "still", "a", "an", "the"})


def marks_of(group: list[Token], marks: Marks) -> Marks:
    """`marks` and what the bracketed `group` adds."""
    lows = tuple(token.low for token in group)
    if not lows or _is_example(lows):
        return marks
    if "optional" in lows or "empty" in lows or ("if" in lows and len(lows) <= 4):
        marks = replace(marks, required=False)
        group = [t for t in group if t.low != "optional"]
    if "unique" in lows:
        return replace(marks, unique=True, whole=marks.whole and len(lows) == 1)
    if any(types.is_yes_no(low) for low in lows) or lows in (("yes", "or", "no"), ("yes", "no")):
        return replace(marks, kind="boolean")
    found = _range(lows)
    if found:
        return replace(marks, minimum=found[0], maximum=found[1])
    unit = types.unit_of(tuple(low for low in lows if low not in ("in", "exactly")))
    if unit:
        return replace(marks, kind=unit[1])
    return _typed_or_valued(group, marks)


def _typed_or_valued(group: list[Token], marks: Marks) -> Marks:
    lows = tuple(token.low for token in group)
    if len(lows) == 1:
        kind = _TYPE_WORDS.get(lows[0])
        if kind:
            return replace(marks, kind=kind)
        if "/" not in lows[0] or lows[0].startswith("/"):
            return marks if lows[0] in ("required", "mandatory") else replace(marks, whole=False)
    values = split_values(group)
    if len(values) >= 2 and all(len(value.split()) <= 4 for value in values):
        return replace(marks, values=values)
    return replace(marks, whole=marks.whole and not lows)


_TYPE_WORDS: dict[str, FieldType] = {
    "text": "text",
    "string": "string",
    "integer": "integer",
    "int": "integer",
    "number": "decimal",
    "decimal": "decimal",
    "float": "decimal",
    "boolean": "boolean",
    "bool": "boolean",
    "date": "date",
    "datetime": "datetime",
    "timestamp": "datetime",
    "time": "time",
    "money": "money",
    "url": "url",
    "email": "email",
    "json": "json",
    "image": "image",
}


def split_values(tokens: list[Token]) -> tuple[str, ...]:
    """Values of "open, paid or shipped", "low/medium/high", "a | b"."""
    if len(tokens) == 1 and "/" in tokens[0].text:
        return tuple(part for part in tokens[0].text.split("/") if part)
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.low in (",", "or", "|", "/", ";", "and"):
            parts.append([])
        elif token.low == ":":
            parts = [[]]
        else:
            parts[-1].append(token)
    return enum_values(parts)


def _is_example(lows: tuple[str, ...]) -> bool:
    return lows[0] in ("e.g", "eg", "i.e", "like", "say") or lows[:2] in (
        ("for", "example"),
        ("such", "as"),
        ("for", "instance"),
    )


def _range(lows: tuple[str, ...]) -> tuple[str, str] | None:
    for index, low in enumerate(lows):
        match = _RANGE.match(low)
        if match:
            return _plain(match[1]), _plain(match[2])
        if index + 2 < len(lows) and lows[index + 1] in ("to", "and", "until", "-", "through"):
            second = lows[index + 2]
            if _NUMBER.match(low) and _NUMBER.match(second):
                return _plain(low), _plain(second)
    return None


def _plain(number: str) -> str:
    return number.replace(",", ".")


def bounds_of(
    tokens: list[Token], marks: Marks
) -> tuple[list[Token], Marks, tuple[str, FieldType] | None]:
    """`tokens` without bounds and unit, the marks with bounds, and the unit (suffix, type)."""
    lows = tuple(token.low for token in tokens)
    found = _range(lows)
    if found:
        marks = replace(marks, minimum=found[0], maximum=found[1])
        cut = next(i for i, low in enumerate(lows) if low[:1].isdigit())
        while cut > 0 and lows[cut - 1] in ("from", "between", "of", "in", "range"):
            cut -= 1
        tokens, lows = tokens[:cut], lows[:cut]
    return _unit(tokens, lows, marks)


def _unit(
    tokens: list[Token], lows: tuple[str, ...], marks: Marks
) -> tuple[list[Token], Marks, tuple[str, FieldType] | None]:
    if "in" in lows[1:]:
        cut = lows.index("in", 1)
        unit = types.unit_of(lows[cut + 1 :])
        if unit:
            return tokens[:cut], marks, unit
    whole = types.unit_of(lows)
    if whole and len(lows) == 2 and lows[0] in ("square", "cubic"):
        return tokens, marks, ("", whole[1])
    if len(lows) > 1 and lexicon.is_nominal(lows[-1]) and len(lows[-1]) <= 3:
        unit = types.unit_of(lows[-1:])
        if unit:
            return tokens[:-1], marks, unit
    return tokens, marks, None
