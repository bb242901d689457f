"""Tool calls: JSON with a path and old and new text, or the whole content."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from buildwright.workspace.edits.forms import (
    MAX_ANSWER_BYTES,
    MAX_HUNKS,
    EditKind,
    EditRefused,
    Hunk,
    Request,
)
from buildwright.workspace.edits.pages import refuse_raw

SHAPE = 'send {"path", "old_text", "new_text"}, {"path", "content"} or {"path", "delete": true}'
_NAMES = {
    "path": ("path", "file_path", "filepath", "file", "filename"),
    "old": ("old_text", "old_str", "old_string", "search"),
    "new": ("new_text", "new_str", "new_string", "replace"),
    "content": ("content", "file_text", "contents"),
    "new_path": ("new_path", "rename_to"),
}
_WRAPPERS = ("function", "arguments", "input", "parameters")


def parse_call(call: Mapping[str, Any] | str) -> tuple[Request, ...]:
    """Return the requests of one tool call, given as its arguments, whole, or as JSON text.

    Raises EditRefused that names the field at fault.
    """
    given = _unwrapped(_loaded(call) if isinstance(call, str) else call)
    if not isinstance(given, Mapping):
        raise _wrong("the call", given, "an object")
    edits = given.get("edits")
    if edits is None:
        return (_request(given),)
    if not isinstance(edits, Sequence) or isinstance(edits, str) or len(edits) > MAX_HUNKS:
        raise _wrong("edits", edits, f"a list of at most {MAX_HUNKS} objects")
    path = _text(given, "path")
    return tuple(_request({"path": path, **_object(edit)}) for edit in edits)


def parse_calls(calls: Any) -> tuple[Request, ...]:
    """Return the requests of one call or a list of calls, given or as JSON text."""
    given = _loaded(calls) if isinstance(calls, str) else calls
    if isinstance(given, Mapping):
        return parse_call(given)
    if not isinstance(given, Sequence) or len(given) > MAX_HUNKS:
        raise _wrong("the list", given, f"at most {MAX_HUNKS} objects")
    return tuple(request for call in given for request in parse_call(_object(call)))


def _loaded(text: str) -> Any:
    if len(text) > MAX_ANSWER_BYTES:
        raise EditRefused(
            f"the call has {len(text)} characters, at most {MAX_ANSWER_BYTES} are read",
            next_step="send only the text that changes",
        )
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise EditRefused(f"the call is not JSON: {error}", next_step=SHAPE) from error


def _unwrapped(given: Any) -> Any:
    """Return the arguments inside of what an API wraps around them."""
    for _ in range(3):
        inner = given
        if isinstance(given, Mapping) and not any(name in given for name in _NAMES["path"]):
            inner = next((given[name] for name in _WRAPPERS if name in given), given)
        given = _loaded(inner) if isinstance(inner, str) else inner
    return given


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong("edits", value, "objects")
    return value


def _request(given: Mapping[str, Any]) -> Request:
    path = _text(given, "path")
    if path is None:
        raise EditRefused("the call has no path", next_step=SHAPE)
    texts = {what: _text(given, what) for what in ("old", "new", "content", "new_path")}
    removes = _removes(given.get("removes", ()))
    refuse_raw(*(text for text in texts.values() if text))
    kinds = (given.get("delete") is True, texts["content"] is not None, texts["old"] is not None)
    if sum(kinds) + (texts["new_path"] is not None and not kinds[2]) != 1:
        raise EditRefused(f"the call for {path!r} asks for no one thing", next_step=SHAPE)
    if given.get("replace_all") is True:
        raise EditRefused(
            f"the call for {path!r} asks to replace every occurrence, which is not done",
            next_step="send one edit for each place, each with the lines around it",
        )
    if kinds[0]:
        return Request(path, EditKind.DELETE, removes=removes)
    if texts["content"] is not None:
        return Request(
            path, EditKind.WRITE, content=texts["content"], exact_end=True, removes=removes
        )
    hunks = () if texts["old"] is None else (_hunk(path, texts["old"], texts["new"]),)
    kind = EditKind.MODIFY if texts["new_path"] is None else EditKind.RENAME
    if hunks and not hunks[0].old:
        content = texts["new"] or ""
        return Request(path, EditKind.CREATE, content=content, exact_end=True, removes=removes)
    return Request(path, kind, hunks, new_path=texts["new_path"], removes=removes)


def _hunk(path: str, old: str, new: str | None) -> Hunk:
    if new is None:
        raise EditRefused(f"the call for {path!r} has no new_text", next_step=SHAPE)
    old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    if old.endswith("\n"):
        whole = new.removesuffix("\n").split("\n") if new else []
        return Hunk(tuple(old[:-1].split("\n")), tuple(whole))
    return Hunk(tuple(old.split("\n")) if old else (), tuple(new.split("\n")), partial=True)


def _text(given: Mapping[str, Any], what: str) -> str | None:
    named = [name for name in _NAMES[what] if given.get(name) is not None]
    if not named:
        return None
    value = given[named[0]]
    if not isinstance(value, str):
        raise _wrong(named[0], value, "text")
    return value


def _removes(value: Any) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong("removes", value, "a list of names")
    return frozenset(str(name) for name in value[:1000])


def _wrong(field: str, value: Any, expected: str) -> EditRefused:
    kind = type(value).__name__
    return EditRefused(f"{field} of the call is {kind}, expected {expected}", next_step=SHAPE)
