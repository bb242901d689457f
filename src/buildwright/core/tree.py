"""The project tree being built: files with their hashes and where each came from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A file to write; `path` is POSIX and relative, `source` its provenance.

    Provenance is `template NAME@VERSION`, `model PROVIDER/NAME`, `user` or `buildwright VERSION`.
    """

    path: str
    content: bytes
    source: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A stored file; `sha256` is the hex digest of its bytes, `size` in bytes."""

    path: str
    sha256: str
    size: int
    source: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """An immutable set of files, sorted by path."""

    files: tuple[FileEntry, ...] = ()

    @property
    def id(self) -> str:
        """Content address: hex SHA-256 over (path, mode, digest) of every file."""
        rows = [[f.path, f.executable, f.sha256] for f in self.files]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
