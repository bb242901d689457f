"""Reading other people's JSON: what is missing or of a wrong kind is one clear refusal."""

from __future__ import annotations

from typing import Any

import orjson

from buildwright.gateway.checking import shown, unusable
from buildwright.gateway.errors import GatewayError, invalid

Json = dict[str, Any]


def not_offered(where: str, value: object, upstream: str) -> GatewayError:
    """400 for a field that the upstream's wire has no word for."""
    error = invalid(f"{where}: {shown(value)} cannot be sent to {upstream}", where)
    error.next_step = "leave it out, or ask a model of another provider"
    return error


def an_object(where: str, value: object) -> Json:
    """Return a JSON object; raises GatewayError 400."""
    if not isinstance(value, dict):
        raise unusable(where, value, "an object")
    return value


def a_list(where: str, value: object) -> list[Any]:
    """Return a JSON array, empty for null; raises GatewayError 400."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise unusable(where, value, "a list")
    return value


def a_text(where: str, value: object) -> str:
    """Return a string; raises GatewayError 400."""
    if not isinstance(value, str):
        raise unusable(where, value, "a string")
    return value


def object_of(where: str, text: object) -> Json:
    """Return the JSON object in a string, empty for an empty one; raises GatewayError 400."""
    if isinstance(text, str):
        try:
            loaded = orjson.loads(text or "{}")
        except ValueError:
            loaded = None
        if isinstance(loaded, dict):
            return loaded
    raise unusable(where, text, "a JSON object as a string")


def picture_of(url: str) -> tuple[str, str] | None:
    """Return media type and base64 of a data URL, None for any other URL."""
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return None
    return head[5:-7].partition(";")[0] or "application/octet-stream", data


def text_of(parts: object) -> str:
    """Return the text in a string or in the text parts of a list, joined; "" for the rest."""
    if isinstance(parts, str):
        return parts
    if not isinstance(parts, list):
        return ""
    found = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in found if isinstance(text, str))
