"""A batch on a real folder: whole or not at all, beneath the folder, on the bytes it was made for.

Bytes are staged beside each file; the journal then says "landing", and from there on the batch is
finished even after a crash. Before that, or when a file cannot be put in place, all is undone.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from buildwright.core.errors import DiskError
from buildwright.workspace.edits.beneath import opened_root, parent_of, plain_file, read_plain
from buildwright.workspace.edits.forms import Batch, EditRefused, sha256
from buildwright.workspace.edits.journal import (
    Change,
    Journal,
    Phase,
    advance,
    drop_journal,
    journal_beside,
    write_journal,
)
from buildwright.workspace.edits.landing import finish, land, recover_open, stage, undo
from buildwright.workspace.edits.memory import apply_in_memory
from buildwright.workspace.edits.scope import safe_path


def apply(batch: Batch, root: Path, *, journal: Path | None = None) -> tuple[str, ...]:
    """Make the batch on the folder and return the paths that changed; () when it is there already.

    `journal` is a file outside of the folder that lasts as long as the batch takes; the default is
    beside the folder. Raises EditRefused when a path is a link or the like, or a file is not the
    one the batch was made for, and DiskError; the folder is then as it was.
    """
    place = journal or journal_beside(root)
    moves = [(edit.path, edit.new_path) for edit in batch.edits]
    paths = sorted({_plain(path) for move in moves for path in move if path is not None})
    with opened_root(root) as folder, _locked(folder, root):
        try:
            recover_open(folder, place)
            return _applied(folder, place, batch, paths)
        except OSError as error:
            raise _told(error) from error


def _applied(folder: int, place: Path, batch: Batch, paths: list[str]) -> tuple[str, ...]:
    before = {path: read_plain(folder, path) for path in paths if plain_file(folder, path)}
    _refuse_taken(batch, before)
    after = apply_in_memory(batch, before)
    changes = _changes(folder, batch, before, after)
    if changes:
        _commit(folder, place, Journal(Phase.STAGING, changes, _missing(folder, after)), after)
    return tuple(change.path for change in changes)


def _plain(path: str) -> str:
    if safe_path(path) != path:
        raise EditRefused(
            f"path {path[:120]!a} is not in its plain form",
            next_step="make the batch with `resolve`",
        )
    return path


def recover(root: Path, *, journal: Path | None = None) -> bool:
    """Finish or undo a batch that was broken off; return whether there was one.

    `apply` does so by itself first. Raises DiskError when a file was changed in the meantime.
    """
    with opened_root(root) as folder, _locked(folder, root):
        return recover_open(folder, journal or journal_beside(root))


@contextmanager
def _locked(folder: int, root: Path) -> Iterator[None]:
    """Hold the folder; two batches never land at once."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise DiskError(
            f"folder {str(root)!r} is being edited by another process",
            next_step="wait until it is done, then try again",
        ) from error
    yield


def _refuse_taken(batch: Batch, before: Mapping[str, bytes]) -> None:
    if batch.outcome and all(_now(before, path) == digest for path, digest in batch.outcome):
        return
    for edit in batch.edits:
        if edit.new_path and edit.new_path in before:
            raise EditRefused(
                f"file {edit.path!r} cannot be renamed: {edit.new_path!r} exists",
                next_step="choose another name",
            )


def _now(files: Mapping[str, bytes], path: str) -> str | None:
    return sha256(files[path]) if path in files else None


def _changes(
    folder: int,
    batch: Batch,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
) -> tuple[Change, ...]:
    token = secrets.token_hex(8)
    modes = {path: _mode(folder, path) for path in before}
    modes |= {edit.new_path: modes.get(edit.path) for edit in batch.edits if edit.new_path}
    return tuple(
        Change(
            path,
            _now(before, path),
            _now(after, path),
            modes.get(path),
            f".{token}-{number}.new",
            f".{token}-{number}.old",
        )
        for number, path in enumerate(sorted(before.keys() | after.keys()))
        if _now(before, path) != _now(after, path)
    )


def _mode(folder: int, path: str) -> int | None:
    status = plain_file(folder, path)
    return status.st_mode & 0o777 if status else None


def _missing(folder: int, after: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the folders that must be made, outermost first."""
    parents: set[str] = set()
    for path in after:
        parts = path.split("/")[:-1]
        parents.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return tuple(path for path in sorted(parents) if not _exists(folder, path))


def _exists(folder: int, path: str) -> bool:
    try:
        with parent_of(folder, path) as (above, name):
            os.stat(name, dir_fd=above, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _commit(folder: int, place: Path, journal: Journal, after: Mapping[str, bytes]) -> None:
    write_journal(place, journal)
    try:
        stage(folder, journal, after)
        journal = advance(place, journal, Phase.LANDING)
        for change in journal.changes:
            land(folder, change)
    except (OSError, EditRefused, DiskError) as error:
        _roll_back(folder, place, journal)
        raise _told(error) from error
    finish(folder, journal)
    drop_journal(place)


def _roll_back(folder: int, place: Path, journal: Journal) -> None:
    if journal.phase is Phase.LANDING:
        journal = advance(place, journal, Phase.UNDOING)
    undo(folder, journal)
    drop_journal(place)


def _told(error: OSError | EditRefused | DiskError) -> EditRefused | DiskError:
    if not isinstance(error, OSError):
        return error
    if error.errno in (errno.ELOOP, errno.EXDEV, errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return EditRefused(
            f"file {error.filename!r} cannot be written: {error.strerror}",
            next_step="leave it alone, or replace it by a plain file",
        )
    return DiskError(
        f"the edit cannot be written: {error.strerror or error}",
        next_step="free disk space or make the folder writable, then try again",
    )
