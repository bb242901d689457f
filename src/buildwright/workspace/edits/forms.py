"""What an edit is: what was asked (requests), where it lands (edits), and why it does not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from buildwright.core.errors import BuildwrightError

Span = tuple[int, int]

MAX_ANSWER_BYTES = 10 * 1024 * 1024
MAX_ANSWER_LINES = 200_000
MAX_HUNKS = 500
MAX_FILE_BYTES = 10 * 1024 * 1024


class EditRefused(BuildwrightError):
    """An answer that is no edit, or an edit that cannot land; nothing was changed."""

    code: ClassVar[str] = "edit_refused"
    exit_code: ClassVar[int] = 1


class EditKind(StrEnum):
    """WRITE is asked for only: the whole content, of a new file or one that is there."""

    MODIFY = "modify"
    WRITE = "write"
    CREATE = "create"
    DELETE = "delete"
    RENAME = "rename"


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines to find and lines to put there, without line ends.

    `line` is the 1-based place of the first old line, only where it can be believed.
    `partial` lets the text begin and end inside a line, as tool calls do.
    `final_newline` says how the file ends after the hunk; None keeps it as it is.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int | None = None
    partial: bool = False
    final_newline: bool | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a model asks of one file; `removes` are the public names it says it takes away.

    `exact_end` means that `content` ends exactly as it is given, with a final newline or without.
    """

    path: str
    kind: EditKind
    hunks: tuple[Hunk, ...] = ()
    content: str | None = None
    new_path: str | None = None
    exact_end: bool = False
    removes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Edit:
    """One change, bound to the bytes it was made for.

    `span` is a half-open range of characters of the decoded file (UTF-8, a byte order mark counts
    as one, bytes that are not UTF-8 as one each); None stands for the whole of a new file, and
    with DELETE and RENAME for no change of text. `base_sha256` is None for a new file only.
    """

    path: str
    base_sha256: str | None
    span: Span | None
    replacement: str
    kind: EditKind = EditKind.MODIFY
    new_path: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Edits that land together; `already` names what was there before, and changes nothing.

    `outcome` holds the SHA-256 of each touched path after the batch, None where it is gone.
    """

    edits: tuple[Edit, ...] = ()
    already: tuple[str, ...] = ()
    removes: frozenset[str] = frozenset()
    outcome: tuple[tuple[str, str | None], ...] = ()


class Reason(StrEnum):
    """Why an edit was refused."""

    PATH = "path"
    UNKNOWN_FILE = "unknown_file"
    NOT_SHOWN = "not_shown"
    STALE = "stale"
    BINARY = "binary"
    ENCODING = "encoding"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    DOUBTFUL = "doubtful"
    OVERLAP = "overlap"
    EXISTS = "exists"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One edit that cannot land; `hunk` counts from 1, `lines` are 1-based places in the file."""

    path: str
    reason: Reason
    message: str
    next_step: str
    hunk: int | None = None
    lines: tuple[int, ...] = ()
    excerpt: str = ""

    @property
    def text(self) -> str:
        """What can be sent back to a model: the failing hunk and the nearest real lines only."""
        where = self.path if self.hunk is None else f"{self.path}, edit {self.hunk}"
        body = f"{where}: {self.message}\n"
        return f"{body}{self.excerpt}next: {self.next_step}\n"


@dataclass(frozen=True, slots=True)
class Refusals:
    """Everything that keeps a batch from landing; nothing of it was applied."""

    items: tuple[Refusal, ...]

    @property
    def text(self) -> str:
        """All refusals, for a model or a person."""
        return "\n".join(item.text for item in self.items)


def sha256(data: bytes) -> str:
    """Return the hex SHA-256 of the bytes."""
    return hashlib.sha256(data).hexdigest()
