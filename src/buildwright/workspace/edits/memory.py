"""A batch applied to files in memory."""

from __future__ import annotations

from collections.abc import Mapping

from buildwright.workspace.edits.forms import Batch, Edit, EditKind, EditRefused, sha256
from buildwright.workspace.edits.pages import decode, encode

CHANGED = "show the model the file as it is now and ask again"


def apply_in_memory(batch: Batch, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files after the batch; raises EditRefused, and `files` is never changed."""
    if batch.outcome and all(_digest(files, path) == digest for path, digest in batch.outcome):
        return dict(files)
    after = dict(files)
    for path, edits in by_path(batch).items():
        content = contents_after(path, edits, files.get(path))
        moved = next((edit.new_path for edit in edits if edit.kind is EditKind.RENAME), None)
        if content is None or moved is not None:
            after.pop(path, None)
        if content is not None:
            after[moved or path] = content
    return after


def _digest(files: Mapping[str, bytes], path: str) -> str | None:
    return sha256(files[path]) if path in files else None


def by_path(batch: Batch) -> dict[str, list[Edit]]:
    """Return the edits of each path, in the order of the batch."""
    grouped: dict[str, list[Edit]] = {}
    for edit in batch.edits:
        grouped.setdefault(edit.path, []).append(edit)
    return grouped


def contents_after(path: str, edits: list[Edit], before: bytes | None) -> bytes | None:
    """Return the file's bytes after its edits, None when it is deleted; raises EditRefused."""
    digest = None if before is None else sha256(before)
    if any(edit.base_sha256 != digest for edit in edits):
        what = "is gone" if before is None else "is there"
        why = "has changed" if before is not None and edits[0].base_sha256 else what
        raise EditRefused(f"file {path!r} {why} since the edit was made", next_step=CHANGED)
    kinds = {edit.kind for edit in edits}
    if EditKind.DELETE in kinds:
        return None
    if EditKind.CREATE in kinds:
        return encode(edits[0].replacement)
    spans = sorted((e for e in edits if e.span is not None), key=lambda e: e.span or (0, 0))
    return _spliced(path, spans, before or b"") if spans else before


def _spliced(path: str, edits: list[Edit], before: bytes) -> bytes:
    text = decode(path, before)
    parts: list[str] = []
    reached = 0
    for edit in edits:
        start, stop = edit.span or (0, 0)
        if not reached <= start <= stop <= len(text):
            raise EditRefused(
                f"edits of file {path!r} overlap or lie outside of it",
                next_step="make the batch with `resolve`",
            )
        parts += [text[reached:start], edit.replacement]
        reached = stop
    return encode("".join([*parts, text[reached:]]))
