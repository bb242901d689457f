"""Checking a request before anything is counted or sent: every door and every service uses this.

Refused are plain errors of type in fields that all providers share. What only some know passes
untouched, and so do numbers that are out of a provider's range.
"""

from __future__ import annotations

from typing import Any

from buildwright.gateway.errors import GatewayError, invalid

MAX_TOKENS = 10_000_000
MAX_CHOICES = 128
MAX_NAME = 300
SHOWN = 60
COUNTS = (("max_tokens", MAX_TOKENS), ("max_completion_tokens", MAX_TOKENS), ("n", MAX_CHOICES))

Types = frozenset[type]
_NOTHING = type(None)
_ANY: Types = frozenset()
_NUMBER: Types = frozenset({int, float, _NOTHING})
_WHOLE: Types = frozenset({int, _NOTHING})
_OBJECT: Types = frozenset({dict, _NOTHING})
_LIST: Types = frozenset({list, _NOTHING})
_CONTENT: Types = frozenset({str, list, _NOTHING})
_CHOICE: Types = frozenset({str, dict, _NOTHING})
_PARTS: Types = frozenset({dict, str})

Kinds = tuple[Types, Types, str]
"""Types a field may have, those of its items when it is a list (empty = any), and in words."""

SHARED_FIELDS: dict[str, Kinds] = {
    "temperature": (_NUMBER, _ANY, "a number"),
    "top_p": (_NUMBER, _ANY, "a number"),
    "tools": (_LIST, frozenset({dict}), "a list of objects"),
}
CHAT_FIELDS: dict[str, Kinds] = {
    **SHARED_FIELDS,
    "presence_penalty": (_NUMBER, _ANY, "a number"),
    "frequency_penalty": (_NUMBER, _ANY, "a number"),
    "seed": (_WHOLE, _ANY, "a whole number"),
    "stop": (_CONTENT, frozenset({str}), "a string or a list of strings"),
    "tool_choice": (_CHOICE, _ANY, "a string or an object"),
    "response_format": (_OBJECT, _ANY, "an object"),
}
MESSAGES_FIELDS: dict[str, Kinds] = {
    **SHARED_FIELDS,
    "top_k": (_WHOLE, _ANY, "a whole number"),
    "tool_choice": (_OBJECT, _ANY, "an object"),
    "thinking": (_OBJECT, _ANY, "an object"),
    "metadata": (_OBJECT, _ANY, "an object"),
}


def check_common(body: dict[str, Any]) -> None:
    """Check what every wire has: model, stream and the bounds of an answer."""
    model = body.get("model")
    if not isinstance(model, str) or not model.strip() or len(model) > MAX_NAME:
        raise unusable("model", model or None, "the name of a model")
    if not isinstance(body.get("stream", False), bool | None):
        raise unusable("stream", body["stream"], "true or false")
    for name, most in COUNTS:
        if name in body:
            check_count(body, name, most)
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise unusable("stream_options", options, "an object")


def check_count(body: dict[str, Any], name: str, most: int) -> None:
    """Check that a field is absent, null or a whole number from 1 to `most`."""
    value = body.get(name)
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise unusable(name, value, f"a whole number from 1 to {most}")


def check_chat(body: dict[str, Any]) -> None:
    """Check `messages` and the types of the fields that every chat model knows."""
    check_messages(body)
    check_fields(body, CHAT_FIELDS)


def check_messages(body: dict[str, Any]) -> None:
    """Check that `messages` is a list of objects, each with a role and content that is one."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise unusable("messages", messages, "a list of messages")
    for number, message in enumerate(messages):
        if type(message) is not dict or type(message.get("role")) is not str:
            raise unusable(f"messages[{number}]", message, "an object with a role")
        content = message.get("content")
        if type(content) is not str:
            _check_content(f"messages[{number}].content", content)


def check_fields(body: dict[str, Any], kinds: dict[str, Kinds]) -> None:
    """Check the types of those fields that are there."""
    for name, value in body.items():
        if name in kinds:
            _check_kind(name, value, kinds[name])


def check_input(body: dict[str, Any]) -> None:
    """Check that `input` is a text, a list of texts, tokens, or a list of lists of tokens."""
    given = body.get("input")
    if body.get("stream"):
        raise invalid("stream is true, but embeddings are not streamed", "stream")
    listed = isinstance(given, list) and given and all(_embeddable(part) for part in given)
    if not listed and not isinstance(given, str):
        raise unusable("input", given, "a text or a list of texts")


def unusable(where: str, value: object, expected: str) -> GatewayError:
    """400 that names the field, what is in it and what should be."""
    return invalid(f"{where} is {shown(value)}, expected {expected}", where)


def shown(value: object) -> str:
    """Return a value as a short text, "missing" for null."""
    text = "missing" if value is None else repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _check_content(where: str, content: object) -> None:
    if type(content) not in _CONTENT:
        raise unusable(where, content, "a string, null or a list of parts")
    if isinstance(content, list):
        for number, part in enumerate(content):
            if type(part) not in _PARTS:
                raise unusable(f"{where}[{number}]", part, "a part, e.g. an object with a type")


def _check_kind(name: str, value: object, kinds: Kinds) -> None:
    types, items, expected = kinds
    # Exact types, because JSON has no others, and True is no number.
    if type(value) not in types:
        raise unusable(name, value, expected)
    if items and isinstance(value, list):
        for number, item in enumerate(value):
            if type(item) not in items:
                raise unusable(f"{name}[{number}]", item, expected)


def _embeddable(part: object) -> bool:
    if isinstance(part, list):
        return bool(part) and all(type(token) is int for token in part)
    return isinstance(part, str) or type(part) is int
