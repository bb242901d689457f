"""One hunk of a unified diff, told from what follows it by its counts or by its form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from buildwright.workspace.edits.forms import EditRefused, Hunk
from buildwright.workspace.edits.reading import FENCE

AT = re.compile(r"@@(?:\s*-(\d{1,9})(?:,(\d{1,9}))?\s+\+(\d{1,9})(?:,(\d{1,9}))?\s*@@.*|.*)")
_NO_NEWLINE = "\\"


@dataclass(slots=True)
class _Body:
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    old_open: bool = False
    new_open: bool = False
    last: str = ""

    def take(self, line: str) -> None:
        mark, text = (line[0], line[1:]) if line else (" ", "")
        if mark == _NO_NEWLINE:
            self.old_open = self.old_open or self.last in " -"
            self.new_open = self.new_open or self.last in " +"
            return
        if mark in " -":
            self.old.append(text)
        if mark in " +":
            self.new.append(text)
        self.last = mark


def read_hunk(lines: list[str], start: int, *, fenced: bool, trusted: bool) -> tuple[Hunk, int]:
    """Return the hunk whose `@@` line is at `start`, and the number of the line after it.

    `fenced` says that the diff stands in a fence, where every line belongs to it. Raises
    EditRefused when the hunk is cut off or a line has no mark.
    """
    found = AT.match(lines[start])
    numbers = found.groups() if found else (None,) * 4
    counts = _counts(numbers)
    end = _end_by_counts(lines, start + 1, counts) if counts else None
    if end is None:
        end = _end_by_form(lines, start + 1)
        _refuse_cut(lines, start, end, counts, fenced=fenced)
    body = _Body()
    for line in lines[start + 1 : end]:
        body.take(line)
    return _hunk(body, numbers[0] if trusted else None), end


def _counts(numbers: tuple[str | None, ...]) -> tuple[int, int] | None:
    if numbers[0] is None:
        return None
    old, new = (1 if count is None else int(count) for count in (numbers[1], numbers[3]))
    return old, new


def _hunk(body: _Body, line: str | None) -> Hunk:
    final = None
    if body.new_open:
        final = False
    elif body.old_open:
        final = True
    first = None
    if line is not None:
        first = int(line) + (0 if body.old else 1)
    return Hunk(tuple(body.old), tuple(body.new), first, final_newline=final)


def _end_by_counts(lines: list[str], start: int, counts: tuple[int, int]) -> int | None:
    """Return where the hunk ends when its counts hold, None when they do not."""
    old, new = counts
    number = start
    while (old or new) and number < len(lines):
        mark = lines[number][:1] or " "
        if mark not in " +-\\":
            return None
        old -= mark in " -"
        new -= mark in " +"
        number += 1
    if old or new:
        return None
    while number < len(lines) and lines[number].startswith(_NO_NEWLINE):
        number += 1
    return number if _may_follow(lines, number) else None


def _may_follow(lines: list[str], number: int) -> bool:
    """Whether a hunk can end before this line: it is no line of a hunk."""
    if number >= len(lines):
        return True
    line = lines[number]
    if line[:1] not in ("+", "-", " "):
        return True
    return _is_header(lines, number)


def _is_header(lines: list[str], number: int) -> bool:
    following = lines[number + 1] if number + 1 < len(lines) else ""
    return lines[number].startswith("--- ") and following.startswith("+++ ")


def _end_by_form(lines: list[str], start: int) -> int:
    """Return where the marked lines end; blank lines before the end are not the hunk's."""
    number = start
    while number < len(lines) and not _is_header(lines, number):
        if lines[number][:1] not in ("", " ", "+", "-", _NO_NEWLINE):
            break
        number += 1
    while number > start and not lines[number - 1]:
        number -= 1
    return number


def _refuse_cut(
    lines: list[str], start: int, end: int, counts: tuple[int, int] | None, *, fenced: bool
) -> None:
    rest = next((n for n in range(end, len(lines)) if lines[n].strip()), None)
    stated = sum(counts) if counts else 0
    held = sum((line[:1] or " ") in " -" for line in lines[start + 1 : end])
    held += sum((line[:1] or " ") in " +" for line in lines[start + 1 : end])
    if rest is None:
        if fenced or held < stated or end == start + 1:
            raise _cut(start)
        return
    line = lines[rest]
    ends = AT.match(line) or line.startswith("diff --git ") or _is_header(lines, rest)
    if ends or FENCE.fullmatch(line):
        return
    if fenced or held < stated:
        raise EditRefused(
            f"line {rest + 1} of the answer is in a hunk but has no mark",
            next_step="begin each line of a hunk with ' ', '+' or '-'",
        )


def _cut(start: int) -> EditRefused:
    return EditRefused(
        f"the hunk at line {start + 1} of the answer is cut off",
        next_step="send the diff again, whole, or fewer files at once",
    )
