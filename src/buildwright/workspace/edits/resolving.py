"""From what a model asks to a batch bound to the files it was shown, or the refusals."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from buildwright.workspace.edits.forms import (
    Batch,
    Edit,
    EditKind,
    EditRefused,
    Reason,
    Refusal,
    Refusals,
    Request,
    sha256,
)
from buildwright.workspace.edits.hunks import Taken, modified
from buildwright.workspace.edits.memory import CHANGED, apply_in_memory
from buildwright.workspace.edits.pages import BOM, Page, refuse_raw
from buildwright.workspace.edits.scope import collision, safe_path

ONE_EACH = "say once for each file what becomes of it"


class _Refused(Exception):
    def __init__(self, *items: Refusal) -> None:
        super().__init__(items)
        self.items = items


def resolve(
    request: Request | Sequence[Request], files: Mapping[str, bytes], shown: Mapping[str, str]
) -> Batch | Refusals:
    """Return the batch that makes all requests, or why some cannot land.

    `files` are the bytes now by path, `shown` the SHA-256 (hex) of each file as the model saw it.
    Nothing of the requests is applied when one of them is refused.
    """
    asked = [request] if isinstance(request, Request) else list(request)
    taken: list[Taken] = []
    refused: list[Refusal] = []
    for one in _merged(asked):
        try:
            taken.append(_resolved(one, files, shown))
        except _Refused as error:
            refused += error.items
        except EditRefused as error:
            refused.append(Refusal(_plain(one.path), Reason.PATH, error.message, error.next_step))
    refused = refused or _conflicts(taken, files)
    if refused:
        return Refusals(tuple(refused))
    return _batch(taken, files, frozenset().union(*(one.removes for one in asked)))


def _plain(path: str) -> str:
    return path[:120] if path.isprintable() else ascii(path[:120])


def _merged(asked: list[Request]) -> list[Request]:
    """Put the hunks for one file together; the same hunk twice counts once."""
    merged: dict[str, Request] = {}
    rest: list[Request] = []
    for one in asked:
        if one.kind is not EditKind.MODIFY:
            rest.append(one)
            continue
        key = str(PurePosixPath(one.path)) if one.path else ""
        known = merged.get(key)
        hunks = tuple(dict.fromkeys((*(known.hunks if known else ()), *one.hunks)))
        merged[key] = replace(known or one, hunks=hunks)
    return [*merged.values(), *rest]


def _resolved(one: Request, files: Mapping[str, bytes], shown: Mapping[str, str]) -> Taken:
    path = safe_path(one.path)
    one = replace(one, path=path)
    refuse_raw(one.content or "", *(line for h in one.hunks for line in (*h.old, *h.new)))
    data = files.get(path)
    if one.kind in (EditKind.WRITE, EditKind.CREATE):
        return _written(one, data, shown)
    if one.kind is EditKind.DELETE and data is None and path in shown:
        return Taken(already=(f"{path} is deleted already",))
    if data is None:
        raise _refusal(path, Reason.UNKNOWN_FILE, "there is no such file", _suggestion(path, files))
    _bound(path, data, shown)
    digest = sha256(data)
    if one.kind is EditKind.DELETE:
        return Taken((Edit(path, digest, None, "", EditKind.DELETE),))
    taken = Taken()
    if one.hunks:
        found = modified(one, data)
        if isinstance(found, list):
            raise _Refused(*found)
        taken = found
    if one.kind is EditKind.RENAME:
        edit = Edit(path, digest, None, "", EditKind.RENAME, safe_path(one.new_path or ""))
        taken = replace(taken, edits=(edit, *taken.edits))
    return taken


def _refusal(path: str, reason: Reason, message: str, next_step: str) -> _Refused:
    return _Refused(Refusal(path, reason, message, next_step))


def _suggestion(path: str, files: Mapping[str, bytes]) -> str:
    name = PurePosixPath(path).name
    same = sorted(other for other in files if PurePosixPath(other).name == name)
    near = same or difflib.get_close_matches(path, list(files)[:2000], n=1)
    return f"did you mean {near[0]!r}? " if near else "name a file that was shown"


def _bound(path: str, data: bytes, shown: Mapping[str, str]) -> None:
    """Refuse what is not based on the file as it is."""
    if path not in shown:
        message = "the file was not shown, so it cannot be edited"
        raise _refusal(path, Reason.NOT_SHOWN, message, "read the file first, then edit it")
    if shown[path] != sha256(data):
        message = f"file {path!r} has changed since it was shown"
        raise _refusal(path, Reason.STALE, message, CHANGED)


def _written(one: Request, data: bytes | None, shown: Mapping[str, str]) -> Taken:
    """A whole file: new, the same as before, or in place of the one that was shown."""
    content = one.content or ""
    if data is None:
        if content and not content.endswith("\n") and not one.exact_end:
            content += "\n"
        return Taken((Edit(one.path, None, None, content, EditKind.CREATE),))
    page = Page(one.path, data)
    text = _in_style(content, page, exact_end=one.exact_end)
    if text == page.text:
        return Taken(already=(f"{one.path} has this content already",))
    if one.kind is EditKind.CREATE and page.lines:
        message = "a new file is asked for, but the file exists"
        raise _refusal(one.path, Reason.EXISTS, message, "edit the file that is there")
    _bound(one.path, data, shown)
    if not page.is_utf8 and not text.isascii():
        message = "the file is not UTF-8, so only ASCII can be written to it"
        raise _refusal(one.path, Reason.ENCODING, message, "use ASCII, or leave the file alone")
    span = (page.offset, len(page.text))
    return Taken((Edit(one.path, sha256(data), span, text[page.offset :]),))


def _in_style(content: str, page: Page, *, exact_end: bool) -> str:
    """Return the content with the file's byte order mark, ends of lines and end of file."""
    body = content.removeprefix(BOM).replace("\r\n", "\n")
    if not exact_end:
        closed = page.ends_with_newline or not page.lines
        body = body.removesuffix("\n")
        body += "\n" if closed and (body or content) else ""
    return page.text[: page.offset] + body.replace("\n", page.newline)


def _conflicts(taken: list[Taken], files: Mapping[str, bytes]) -> list[Refusal]:
    """Two fates for one file, or a new path that some system takes for another."""
    refused: list[Refusal] = []
    roles: dict[str, int] = {}
    for one in taken:
        for path in {path for edit in one.edits for path in (edit.path, edit.new_path) if path}:
            roles[path] = roles.get(path, 0) + 1
    for path, count in sorted(roles.items()):
        if count > 1:
            message = "the answer says twice what becomes of the file"
            refused.append(Refusal(path, Reason.CONFLICT, message, ONE_EACH))
    return refused or _collisions([edit for one in taken for edit in one.edits], files)


def _collisions(edits: list[Edit], files: Mapping[str, bytes]) -> list[Refusal]:
    new = [
        edit.new_path or edit.path
        for edit in edits
        if edit.kind in (EditKind.CREATE, EditKind.RENAME)
    ]
    if not new:
        return []
    gone = {edit.path for edit in edits if edit.kind in (EditKind.DELETE, EditKind.RENAME)}
    stay = [path for path in files if path not in gone]
    refused = []
    for number, path in enumerate(new):
        other = path if path in stay else collision(path, [*stay, *new[:number]])
        if other is not None:
            message = f"the new path is the same as {other!r}, on some systems at least"
            refused.append(Refusal(path, Reason.CONFLICT, message, "choose another name"))
    return refused


def _batch(taken: list[Taken], files: Mapping[str, bytes], removes: frozenset[str]) -> Batch:
    edits = tuple(edit for one in taken for edit in one.edits)
    already = tuple(note for one in taken for note in one.already)
    batch = Batch(edits, already, removes)
    after = apply_in_memory(batch, files)
    touched = sorted({p for e in edits for p in (e.path, e.new_path) if p})
    outcome = tuple((path, sha256(after[path]) if path in after else None) for path in touched)
    return replace(batch, outcome=outcome)
