"""Frozen dataclasses to JSON and back; a row of another version is checked, not trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from buildwright.core.errors import StoreError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _adapters:
        from pydantic import TypeAdapter

        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump(value: object) -> str:
    """Return compact JSON of a dataclass instance."""
    return _adapter(type(value)).dump_json(value).decode()


def dump_pretty(value: object) -> str:
    """Return JSON with an indent of two, for people and files."""
    return _adapter(type(value)).dump_json(value, indent=2).decode() + "\n"


def load(kind: type[T], text: str) -> T:
    """Return the dataclass that `dump` wrote; raises StoreError when the shape does not fit."""
    from pydantic import ValidationError

    try:
        value: T = _adapter(kind).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(
            f"stored {kind.__name__} cannot be read: {where}: {first['msg']}",
            next_step="it was written by another version; export it with that version",
        ) from error
    return value
