"""Which processes are alive: each holds the lock of a file of its own for as long as it lives.

The kernel drops a lock with its process, however that dies; a stopped or swapped-out process keeps
it. No clock and no process number that could be used again is involved.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from buildwright.core.errors import StoreError


def lock_path(folder: Path, owner: str) -> Path:
    """Return the owner's lock file; a name that is no plain file name is replaced by its hash."""
    plain = owner.replace("-", "").replace("_", "").replace(".", "").replace(":", "").isalnum()
    name = owner if plain and len(owner) < 100 else sha256(owner.encode()).hexdigest()
    return folder / f"{name}.lock"


def hold(folder: Path, owner: str) -> int:
    """Take the owner's lock; return the descriptor to close at the end.

    Raises StoreError when a living process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = _locked(lock_path(folder, owner))
    if descriptor is None:
        raise StoreError(
            f"another running process calls itself {owner!r}",
            next_step="stop that process, or give this one another owner name",
        )
    return descriptor


@contextmanager
def judged(folder: Path, owner: str) -> Iterator[bool]:
    """Yield True when the owner is dead; its lock is held meanwhile, and its file then removed."""
    path = lock_path(folder, owner)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = _locked(path)
    if descriptor is None:
        yield False
        return
    try:
        yield True
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove the lock files of dead processes, which would gather with every kill."""
    for path in folder.glob("*.lock"):
        descriptor = _locked(path)
        if descriptor is not None:
            path.unlink(missing_ok=True)
            os.close(descriptor)


def _locked(path: Path) -> int | None:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        # A judge may have removed the file between opening and locking it: then it locks nothing.
        if _same_file(path, descriptor):
            return descriptor
        os.close(descriptor)


def _same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def release(folder: Path, owner: str, descriptor: int) -> None:
    """Give the owner's lock back and remove its file."""
    lock_path(folder, owner).unlink(missing_ok=True)
    os.close(descriptor)
