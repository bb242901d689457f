"""Snapshots of a tree: one file each, named by content, checked when read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from buildwright.core.errors import DiskError, StoreError
from buildwright.core.tree import FileEntry, RenderedFile, Tree
from buildwright.workspace.paths import checked_path, refuse_collisions


def tree_of(files: Sequence[RenderedFile]) -> Tree:
    """Return the tree of the files, sorted by path; refuses paths that are unsafe or collide."""
    refuse_collisions(file.path for file in files)
    entries = (
        FileEntry(
            str(checked_path(f.path)),
            hashlib.sha256(f.content).hexdigest(),
            len(f.content),
            f.source,
            f.executable,
        )
        for f in files
    )
    return Tree(tuple(sorted(entries, key=lambda entry: entry.path)))


def save(root: Path, files: Sequence[RenderedFile]) -> Tree:
    """Store the files under `root` durably and return their tree; known content costs nothing."""
    tree = tree_of(files)
    target = _location(root, tree)
    if target.exists():
        return tree
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for file in sorted(files, key=lambda f: f.path):
                    archive.writestr(zipfile.ZipInfo(file.path), file.content)
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise DiskError(
            f"snapshot {target} cannot be written: {error.strerror or error}",
            next_step="free disk space or set BUILDWRIGHT_HOME to another disk, then resume",
        ) from error
    return tree


def load(root: Path, tree: Tree) -> tuple[RenderedFile, ...]:
    """Return the files of a stored tree; raises StoreError when one is missing or altered."""
    path = _location(root, tree)
    try:
        with zipfile.ZipFile(path) as archive:
            files = tuple(
                RenderedFile(e.path, archive.read(e.path), e.source, e.executable)
                for e in tree.files
            )
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise StoreError(
            f"snapshot {path.name} cannot be read: {error}",
            next_step="start the build again with `buildwright build`",
        ) from error
    if tree_of(files).id != tree.id:
        raise StoreError(f"snapshot {path.name} was altered", next_step="start the build again")
    return files


def _location(root: Path, tree: Tree) -> Path:
    return root / f"{tree.id}.zip"
