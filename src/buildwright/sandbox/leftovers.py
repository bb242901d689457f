"""Folders of boxes bear the pid of their maker, so that what a `kill -9` leaves can be removed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

NAME = re.compile(r"buildwright-(?:box|tree|group)-(\d+)-[0-9a-f]+")


def own_name(kind: str) -> str:
    """A fresh name for a folder of `kind`: box, tree or group."""
    return f"buildwright-{kind}-{os.getpid()}-{secrets.token_hex(8)}"


def own_folder(kind: str) -> Path:
    """A fresh private folder in the place for temporary files. Raises OSError."""
    folder = Path(tempfile.gettempdir(), own_name(kind))
    folder.mkdir(mode=0o700)
    return folder


def sweep(groups: Iterable[Path]) -> None:
    """Remove folders whose maker is gone: temporary ones, and control groups below `groups`."""
    for above in (*groups, Path(tempfile.gettempdir())):
        for entry in _orphans(above):
            if above in groups:
                with contextlib.suppress(OSError):
                    entry.rmdir()
            else:
                shutil.rmtree(entry, ignore_errors=True)


def _orphans(above: Path) -> list[Path]:
    found = []
    with contextlib.suppress(OSError):
        for entry in above.iterdir():
            named = NAME.fullmatch(entry.name)
            if named and not Path("/proc", named[1]).exists() and _is_ours(entry):
                found.append(entry)
    return found


def _is_ours(path: Path) -> bool:
    try:
        return path.lstat().st_uid == os.geteuid() and not path.is_symlink()
    except OSError:
        return False
