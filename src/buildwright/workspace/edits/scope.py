"""Which paths an edit may name, and globs over paths."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from buildwright.core.errors import OutputError
from buildwright.workspace.edits.forms import EditRefused
from buildwright.workspace.paths import checked_path

# What a tool of the host (git, an editor, a shell) runs or obeys when it meets the folder.
HOST_OWNED = frozenset(
    (".git", ".hg", ".svn", ".bzr", ".jj", ".gitmodules", ".githooks", ".husky",
     ".vscode", ".idea", ".devcontainer", ".envrc", ".buildwright")
)  # fmt: skip


def safe_path(path: str) -> str:
    """Return the path in its plain form; raises EditRefused when it may leave the folder."""
    try:
        pure = checked_path(path)
        path.encode()
    except OutputError as error:
        why = error.message.rpartition(": ")[2]
        raise _refused(path, why) from error
    except UnicodeEncodeError as error:
        raise _refused(path, "it is not valid Unicode") from error
    names = {part.rstrip(". ").casefold() for part in pure.parts}
    owned = sorted(names & HOST_OWNED)
    if owned:
        raise _refused(path, f"{owned[0]!r} belongs to tools of this machine")
    if any(part != part.strip() or part.startswith("~") for part in pure.parts):
        raise _refused(path, "a name begins or ends with a space, or begins with '~'")
    return str(pure)


def _refused(path: str, why: str) -> EditRefused:
    return EditRefused(
        f"path {path[:120]!a} is refused: {why}",
        next_step="name a file by its path relative to the project folder",
    )


def collision(path: str, others: Iterable[str]) -> str | None:
    """Return the other path that is the same file, or a folder of it, on some systems."""
    key = folded(path)
    for other in others:
        theirs = folded(other)
        same = theirs == key and other != path
        if same or theirs.startswith(key + "/") or key.startswith(theirs + "/"):
            return other
    return None


def folded(path: str) -> str:
    """Return the path as a system sees it that ignores case and Unicode forms."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether a glob fits the whole path; `*` stays within a folder, `**` does not."""
    return any(_pattern(glob).fullmatch(path) for glob in globs)


@lru_cache(maxsize=512)
def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    table = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(table.get(part, re.escape(part)) for part in parts), re.DOTALL)
