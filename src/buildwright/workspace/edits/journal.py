"""What a batch on disk is about to do, kept beside the folder so that a crash can be undone."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from buildwright.core.errors import DiskError


class Phase(StrEnum):
    """STAGING and UNDOING are taken back after a crash, LANDING is finished."""

    STAGING = "staging"
    LANDING = "landing"
    UNDOING = "undoing"


@dataclass(frozen=True, slots=True)
class Change:
    """One file: SHA-256 before and after (None: no file), its mode, and names used meanwhile."""

    path: str
    before: str | None
    after: str | None
    mode: int | None
    temporary: str
    backup: str


@dataclass(frozen=True, slots=True)
class Journal:
    """A batch in progress; `folders` are made for it, outermost first."""

    phase: Phase
    changes: tuple[Change, ...]
    folders: tuple[str, ...]


def journal_beside(root: Path) -> Path:
    """Return where the journal of a folder is kept unless said otherwise: beside it."""
    folder = root.resolve()
    return folder.with_name(f".{folder.name}.edits.json")


def write_journal(path: Path, journal: Journal) -> None:
    """Write the journal durably; raises DiskError."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as handle:
            json.dump(asdict(journal), handle)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise DiskError(
            f"journal {str(path)!r} cannot be written: {error.strerror or error}",
            next_step="free disk space, or keep the journal in a folder that is writable",
        ) from error


def sweep(path: Path) -> None:
    """Remove what a crash left of a journal that was being written."""
    with suppress(OSError):
        path.with_name(f"{path.name}.tmp").unlink()


def read_journal(path: Path) -> Journal | None:
    """Return the journal, None when there is none; raises DiskError when it cannot be read."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        changes = tuple(Change(**change) for change in given["changes"])
        return Journal(Phase(given["phase"]), changes, tuple(given["folders"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DiskError(
            f"journal {str(path)!r} of a broken-off edit cannot be read: {error}",
            next_step="look at the folder's files, then delete the journal",
        ) from error


def advance(path: Path, journal: Journal, phase: Phase) -> Journal:
    """Write the journal with another phase and return it."""
    moved = replace(journal, phase=phase)
    write_journal(path, moved)
    return moved


def drop_journal(path: Path) -> None:
    """Remove the journal: the batch is done or undone."""
    with suppress(FileNotFoundError):
        path.unlink()
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
