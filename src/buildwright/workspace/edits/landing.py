"""The steps of a batch on disk: stage beside each file, land by renames, undo, finish, recover."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from buildwright.core.errors import DiskError
from buildwright.workspace.edits.beneath import (
    make_folders,
    open_beneath,
    parent_of,
    plain_file,
    read_plain,
)
from buildwright.workspace.edits.forms import EditRefused, sha256
from buildwright.workspace.edits.journal import (
    Change,
    Journal,
    Phase,
    advance,
    drop_journal,
    read_journal,
    sweep,
)
from buildwright.workspace.edits.memory import CHANGED


def stage(root: int, journal: Journal, after: Mapping[str, bytes]) -> None:
    """Write the new bytes beside each file; raises OSError."""
    for change in journal.changes:
        if change.after is not None:
            make_folders(root, change.path)
            _write(root, change, after[change.path])


def _write(root: int, change: Change, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with parent_of(root, change.path) as (folder, _):
        descriptor = os.open(change.temporary, flags, 0o644, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as handle:
        if change.mode is not None:
            os.fchmod(handle.fileno(), change.mode)
            _keep_owner(root, change, handle.fileno())
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())


def _keep_owner(root: int, change: Change, descriptor: int) -> None:
    status, mine = plain_file(root, change.path), os.fstat(descriptor)
    if status is not None and (status.st_uid, status.st_gid) != (mine.st_uid, mine.st_gid):
        with suppress(PermissionError):
            os.fchown(descriptor, status.st_uid, status.st_gid)


def land(root: int, change: Change) -> None:
    """Put one file in its place; raises EditRefused when it is not what it was, or OSError."""
    now = sha256(read_plain(root, change.path)) if plain_file(root, change.path) else None
    if now != change.before:
        raise EditRefused(
            f"file {change.path!r} was changed while the edit was written", next_step=CHANGED
        )
    with parent_of(root, change.path) as (folder, name):
        if change.before is None:
            # A link fails where a file has come up meanwhile; a rename would replace it.
            os.link(change.temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.unlink(change.temporary, dir_fd=folder)
            return
        os.link(name, change.backup, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        if change.after is None:
            os.unlink(name, dir_fd=folder)
        else:
            os.rename(change.temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def undo(root: int, journal: Journal) -> None:
    """Put everything back as it was before the batch; raises OSError."""
    for change in reversed(journal.changes):
        try:
            with parent_of(root, change.path) as (folder, name):
                _put_back(root, change, folder, name)
        except (FileNotFoundError, NotADirectoryError):
            continue
    for made in reversed(journal.folders):
        with suppress(OSError), parent_of(root, made) as (folder, name):
            os.rmdir(name, dir_fd=folder)


def _put_back(root: int, change: Change, folder: int, name: str) -> None:
    if change.before is not None:
        with suppress(FileNotFoundError):
            os.rename(change.backup, name, src_dir_fd=folder, dst_dir_fd=folder)
    elif change.after is not None and _is_ours(folder, change, name):
        os.unlink(name, dir_fd=folder)
    _remove(folder, change.backup)
    _remove(folder, change.temporary)


def _is_ours(folder: int, change: Change, name: str) -> bool:
    return _digest(folder, name) == change.after


def _remove(folder: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def finish(root: int, journal: Journal) -> None:
    """Remove what was kept in case of an undo, and make the folders durable; raises OSError."""
    for change in journal.changes:
        try:
            with parent_of(root, change.path) as (folder, _):
                _remove(folder, change.backup)
                _remove(folder, change.temporary)
                os.fsync(folder)
        except FileNotFoundError:
            continue


def recover_open(root: int, path: Path) -> bool:
    """Finish or undo the batch the journal tells of; return whether there was one.

    Raises DiskError when a file is neither as before nor as after the batch.
    """
    journal = read_journal(path)
    if journal is None:
        sweep(path)
        return False
    if journal.phase is Phase.LANDING and not _can_finish(root, journal):
        journal = advance(path, journal, Phase.UNDOING)
    if journal.phase is Phase.LANDING:
        for change in journal.changes:
            _land_again(root, change)
        finish(root, journal)
    else:
        undo(root, journal)
    drop_journal(path)
    return True


def _can_finish(root: int, journal: Journal) -> bool:
    """Whether each file is there, or its staged bytes are; raises DiskError at foreign changes."""
    can = True
    for change in journal.changes:
        now = _digest_beneath(root, change.path)
        if now == change.after:
            continue
        if now != change.before:
            raise DiskError(
                f"file {change.path!r} was changed after an edit of it was broken off",
                next_step="look at the folder's files, then delete the journal beside it",
            )
        staged = change.path.rpartition("/")[0] + "/" + change.temporary
        ready = change.after is None or _digest_beneath(root, staged.lstrip("/")) == change.after
        can = can and ready
    return can


def _land_again(root: int, change: Change) -> None:
    if _digest_beneath(root, change.path) == change.after:
        return
    with parent_of(root, change.path) as (folder, _):
        _remove(folder, change.backup)
    land(root, change)


def _digest_beneath(root: int, path: str) -> str | None:
    try:
        with parent_of(root, path) as (folder, name):
            return _digest(folder, name)
    except OSError:
        return None


def _digest(folder: int, name: str) -> str | None:
    """Return the SHA-256 of a regular file, whatever its number of names; None for all else."""
    try:
        descriptor = open_beneath(folder, name, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as handle:
        if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
            return None
        return sha256(handle.read())
