"""In which of its parts a request differs from another one, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SYSTEM_ROLES = ("system", "developer")


def parts_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's parts by name: model, system prompt, tools, each message, parameters.

    The system prompt is the field `system` or the messages of that role before all others; messages
    are named by their place in `messages`, everything else by its field.
    """
    rest = dict(body)
    messages = rest.pop("messages", None) or []
    parts: dict[str, Any] = {"model": rest.pop("model", None)}
    first = 0
    while first < len(messages) and _role(messages[first]) in SYSTEM_ROLES:
        first += 1
    system = (rest.pop("system", None), messages[:first])
    if any(system):
        parts["system prompt"] = system
    if rest.get("tools"):
        parts["tools"] = rest["tools"]
    rest.pop("tools", None)
    for place, message in enumerate(messages[first:], first):
        parts[f"messages[{place}]"] = message
    return parts | {f"parameter {name}": rest[name] for name in sorted(rest)}


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the parts in which two requests differ, in reading order."""
    mine, theirs = parts_of(one), parts_of(other)
    missing = object()
    return tuple(
        name
        for name in dict.fromkeys((*mine, *theirs))
        if mine.get(name, missing) != theirs.get(name, missing)
    )


def in_words(parts: tuple[str, ...], most: int = 4) -> str:
    """Return the first differing parts as one text."""
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return ", ".join(parts[:most]) + more


def _role(message: Any) -> str:
    return str(message.get("role", "")) if isinstance(message, dict) else ""
