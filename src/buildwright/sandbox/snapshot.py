"""The tree as the box sees it: a copy that nobody else holds, with the locked files verified."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from buildwright.core.errors import DiskError
from buildwright.sandbox.leftovers import own_name

STEERING = frozenset(
    {
        *("conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini"),
        *("sitecustomize.py", "usercustomize.py"),
    }
)
"""Names by which a tree could steer the test runner: left out unless they are locked."""

LEFT_OUT = frozenset({".git", ".hg", ".svn", ".buildwright", ".venv", "__pycache__"})
CONFIGURATIONS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml")
MORE_CONFIGURATIONS = ("tox.ini", "setup.cfg")
SECTIONS = ("[tool.pytest", "[pytest]", "[tool:pytest]")
TREE_BYTES, TREE_FILES, TREE_DEPTH = 256 << 20, 20_000, 64


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`root` is the copied tree in a folder of its own; `changed` are locked files that differ."""

    root: Path
    changed: tuple[str, ...]
    locked: Mapping[str, bytes]

    @property
    def configuration(self) -> Path | None:
        """The locked file pytest is configured by, in pytest's own order of preference."""
        for name in (*CONFIGURATIONS, *MORE_CONFIGURATIONS):
            content = self.locked.get(name)
            if content is None:
                continue
            text = content.decode(errors="replace")
            if "pytest.ini" in name or any(section in text for section in SECTIONS):
                return self.root / name
        return None

    def remove(self) -> None:
        """Take the copy away."""
        shutil.rmtree(self.root.parent, ignore_errors=True)


def take_snapshot(tree: Path, locked: Mapping[str, str]) -> Snapshot:
    """Copy the regular files of `tree`; locked files (path → SHA-256) are hashed as copied.

    Links, devices and pipes are left out, and so are unlocked files that steer pytest.
    Raises DiskError when the copy cannot be written or the tree is larger than 256 MiB, holds
    more than 20,000 files or is nested deeper than 64 folders; sizes are looked at before reading.
    """
    folder = Path(tempfile.gettempdir(), own_name("tree"))
    root = folder / "project"
    contents: dict[str, bytes] = {}
    try:
        folder.mkdir(mode=0o700)
        root.mkdir()
        for relative, content, executable in _files(tree, locked):
            _write(root / relative, content, executable=executable)
            if relative in locked:
                contents[relative] = content
        _open_folders(folder)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DiskError(
            f"project tree {tree} could not be copied for the test run: {error}",
            next_step="free some space in the temporary folder, then run again",
        ) from error
    except DiskError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    changed = tuple(name for name in sorted(locked) if _digest(contents, name) != locked[name])
    return Snapshot(root, changed, contents)


def _files(tree: Path, locked: Mapping[str, str]) -> Iterator[tuple[str, bytes, bool]]:
    room, count = TREE_BYTES, TREE_FILES
    for relative, descriptor in _opened(tree, locked):
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            room, count = room - facts.st_size, count - 1
            if room < 0 or count < 0 or relative.count("/") > TREE_DEPTH:
                raise DiskError(
                    f"project tree {tree} is too large: more than {TREE_BYTES >> 20} MiB,"
                    f" {TREE_FILES} files or {TREE_DEPTH} folders deep at {relative[-80:]!r}",
                    next_step="remove data and build products from the project, then run again",
                )
            if stat.S_ISREG(facts.st_mode):
                content = file.read(facts.st_size + 1)
                yield relative, content, bool(facts.st_mode & 0o111)


def _opened(tree: Path, locked: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Path and descriptor of each regular file; no link is followed, whatever changes meanwhile."""
    for place, folders, names, folder in os.fwalk(tree):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted(names):
            relative = Path(place, name).relative_to(tree).as_posix()
            if name in STEERING and relative not in locked:
                continue
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            if stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                yield relative, os.open(name, flags, dir_fd=folder)


def _write(path: Path, content: bytes, *, executable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755 if executable else 0o644)


def _open_folders(folder: Path) -> None:
    """Root's boxes read under another uid; the outermost folder stays ours alone."""
    for place, folders, _ in os.walk(folder):
        for name in folders:
            Path(place, name).chmod(0o755)


def _digest(contents: Mapping[str, bytes], name: str) -> str:
    content = contents.get(name)
    return "" if content is None else hashlib.sha256(content).hexdigest()
