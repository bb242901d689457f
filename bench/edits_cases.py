"""One perturbed edit: what the model sends, the files, and what must come of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from edits_sources import Change, Source

Answer = str | list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """`expected` is the right content of `path` afterwards, None when it must be refused.

    `pairs` are the old and new texts the baseline replaces; `shown` are the bytes the model saw.
    """

    answer: Answer
    path: str
    files: dict[str, bytes]
    expected: bytes | None
    pairs: list[tuple[str, str]]
    shown: dict[str, bytes] = field(default_factory=dict)
    gates: bool = False

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file as the model saw it."""
        seen = {**self.files, **self.shown}
        return {path: hashlib.sha256(data).hexdigest() for path, data in seen.items()}


def block(path: str, change: Change) -> str:
    """A search/replace block."""
    lines = [path, "```python", "<<<<<<< SEARCH", *change.old, "=======", *change.new]
    return "\n".join([*lines, ">>>>>>> REPLACE", "```"])


def blocks(path: str, made: Iterable[Change]) -> str:
    """Several blocks with some prose around them."""
    return "I changed what was asked for.\n\n" + "\n\n".join(block(path, c) for c in made) + "\n"


def calls(path: str, made: Iterable[Change]) -> list[dict[str, Any]]:
    """Tool calls."""
    return [{"path": path, "old_text": text(c.old), "new_text": text(c.new)} for c in made]


def whole(path: str, content: str) -> str:
    """A whole file in a fence."""
    return f"Here is the file.\n\n{path}\n```python\n{content}```\nThat is all.\n"


def diff(path: str, made: Iterable[Change], *, shift: int = 0, counts: int = 0) -> str:
    """A unified diff in a fence; line numbers off by `shift`, counts off by `counts`."""
    lines = ["```diff", f"--- a/{path}", f"+++ b/{path}"]
    for change in made:
        first = max(1, change.first + 1 + shift)
        old, new = len(change.old) + counts, len(change.new) + counts
        lines.append(f"@@ -{first},{old} +{first},{new} @@")
        lines += diff_lines(change)
    return "\n".join([*lines, "```", ""])


def diff_lines(change: Change) -> list[str]:
    """The body of a hunk."""
    lines: list[str] = []
    a = b = 0
    for i, j in [*change.kept, (len(change.old), len(change.new))]:
        lines += [f"-{line}" for line in change.old[a:i]]
        lines += [f"+{line}" for line in change.new[b:j]]
        lines += [f" {line}" for line in change.old[i : i + 1]]
        a, b = i + 1, j + 1
    return lines


def text(lines: list[str]) -> str:
    """Lines as one text."""
    return "\n".join(lines)


def replaced(made: Iterable[Change]) -> list[tuple[str, str]]:
    """What the baseline is given."""
    return [(text(c.old), text(c.new)) for c in made]


def simple(source: Source, made: list[Change], answer: Answer | None = None) -> Case:
    """A case on the file as it is, whose right result is the edit."""
    return Case(
        blocks(source.path, made) if answer is None else answer,
        source.path,
        {source.path: source.before.encode()},
        source.after.encode(),
        replaced(made),
    )


def refused(source: Source, made: list[Change], answer: Answer | None = None) -> Case:
    """A case on the file as it is that must be refused."""
    case = simple(source, made, answer)
    return Case(case.answer, case.path, case.files, None, case.pairs)
