"""Which relative paths a generated tree may hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from buildwright.core.errors import OutputError

MAX_SEGMENT_BYTES = 255
MAX_DEPTH = 32
TOOL_FOLDERS = frozenset({".git", ".hg", ".svn", ".bzr", ".vscode", ".idea"})
"""Folders whose content other tools execute: hooks, configuration, editor tasks."""


def checked_path(path: str) -> PurePosixPath:
    """Return the path when it stays beneath its root; raises OutputError that names the fault."""
    pure = PurePosixPath(path)
    faults = (
        (not path or path == ".", "it is empty"),
        (pure.is_absolute(), "it is absolute"),
        (".." in pure.parts, "it leaves the folder by '..'"),
        ("\\" in path or ":" in path, "it holds a backslash or colon"),
        (not path.isprintable(), "it holds control characters"),
        (any(len(part.encode()) > MAX_SEGMENT_BYTES for part in pure.parts), "a name is too long"),
        (len(pure.parts) > MAX_DEPTH, "it is nested too deeply"),
        (any(part.casefold() in TOOL_FOLDERS for part in pure.parts), "a tool would run it"),
    )
    for wrong, why in faults:
        if wrong:
            raise OutputError(
                f"generated path {path[:120]!r} is refused: {why}",
                next_step="correct the template or the model's edit that made it",
            )
    return pure


def refuse_collisions(paths: Iterable[str]) -> None:
    """Raise OutputError when two paths differ only by case or one is a folder of the other."""
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for path in paths:
        key = path.casefold()
        if key in seen:
            raise OutputError(
                f"generated paths {seen[key]!r} and {path!r} are one file on some systems",
                next_step="correct the template that made them",
            )
        seen[key] = path
        folders.update(str(parent) for parent in PurePosixPath(key).parents)
    clash = folders & seen.keys()
    if clash:
        raise OutputError(
            f"generated path {min(clash)!r} is both a file and a folder",
            next_step="correct the template that made it",
        )
