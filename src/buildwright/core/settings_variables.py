"""Settings in variables: levels parted by `__`, names of the user's own in lower case.

What is more than one value (a list, a mapping, a whole section) is JSON: `BUILDWRIGHT_TEMPLATES`
as `["one"]`, `BUILDWRIGHT_GATEWAY__ROUTES` as `{"fast": {...}}`. The deeper variable wins.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from buildwright.core.environment import PREFIX
from buildwright.core.errors import SettingsError

NOT_SETTINGS = ("BUILDWRIGHT_CONFIG", "BUILDWRIGHT_KEY", "BUILDWRIGHT_TEST_")
STEP = "see `buildwright config schema` for what it may be"


@dataclass(frozen=True, slots=True)
class Given:
    """A setting that a variable gives; `path` is its place in the tree."""

    variable: str
    path: tuple[str, ...]
    value: Any

    def holds(self, place: Sequence[str | int]) -> bool:
        """Return whether a place of the tree comes from this variable."""
        if tuple(place[: len(self.path)]) != self.path:
            return False
        value = self.value
        for part in place[len(self.path) :]:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return False
        return True


def given_by(env: Mapping[str, str], tree: type[Any]) -> tuple[Given, ...]:
    """Return what the variables give, sections first; raises SettingsError that names one."""
    ours = (one for one in env if one.startswith(PREFIX) and not one.startswith(NOT_SETTINGS))
    found = [_given(name, env[name], tree) for name in sorted(ours)]
    return tuple(sorted(found, key=lambda one: len(one.path)))


def as_tree(given: Iterable[Given]) -> dict[str, Any]:
    """Return the settings that were given, one within the other."""
    whole: dict[str, Any] = {}
    for one in given:
        value = one.value
        for part in reversed(one.path):
            value = {part: value}
        whole = _merged(whole, value)
    return whole


def kind_at(tree: Any, place: Sequence[str | int]) -> Any:
    """Return the type of a place in the tree, or None where the tree has none."""
    kind = tree
    for part in place:
        kind = _inner(kind, part)
    return kind


@cache
def fields_of(kind: Any) -> dict[str, tuple[Any, str]]:
    """Return name -> type and description of a section; nothing of another type."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        known = kind.model_fields.items()
        return {name: (one.annotation, one.description or "") for name, one in known}
    if isinstance(kind, type) and is_dataclass(kind):
        types = get_type_hints(kind)
        told = {one.name: one.metadata.get("description", "") for one in fields(kind)}
        return {name: (types[name], text) for name, text in told.items()}
    return {}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the nearest name as the end of a message, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f": did you mean {close[0]}?" if close else ""


def _inner(kind: Any, part: str | int) -> Any:
    origin = get_origin(kind)
    if origin is dict:
        return get_args(kind)[1]
    if origin is tuple and isinstance(part, int):
        return get_args(kind)[0]
    return fields_of(kind).get(str(part), (None, ""))[0]


def _given(variable: str, text: str, tree: type[Any]) -> Given:
    path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
    kind: Any = tree
    for depth, part in enumerate(path):
        inner = _inner(kind, part) if part else None
        if inner is None:
            before = PREFIX + "".join(f"{one}__" for one in path[:depth]).upper()
            known = [before + name.upper() for name in _below(kind)] or [before[:-2]]
            raise SettingsError(
                f"unknown environment variable {variable}{nearest(variable, known)}",
                next_step="unset it, or see `buildwright config schema`",
            )
        kind = inner
    return Given(variable, path, _value(variable, text, kind))


def _below(kind: Any) -> Iterable[str]:
    for name, (inner, _) in fields_of(kind).items():
        yield name
        yield from (f"{name}__{one}" for one in _below(inner))


def _value(variable: str, text: str, kind: Any) -> Any:
    many = get_origin(kind) is tuple
    if not (many or get_origin(kind) is dict or fields_of(kind)):
        return text
    wanted = "a JSON list [...]" if many else "a JSON object {...}"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"environment variable {variable} has to be {wanted}: {error}", next_step=STEP
        ) from error
    if not isinstance(value, list if many else dict):
        raise SettingsError(
            f"environment variable {variable} has to be {wanted}, not {text[:80]}", next_step=STEP
        )
    return value


def _merged(one: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {**one, **other}
    for name in one.keys() & other.keys():
        if isinstance(one[name], dict) and isinstance(other[name], dict):
            both[name] = _merged(one[name], other[name])
    return both
