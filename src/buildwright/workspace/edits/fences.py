"""Whole files: fenced blocks with a path before them or in their first line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from buildwright.workspace.edits.blocks import path_in_info
from buildwright.workspace.edits.forms import MAX_HUNKS, EditKind, EditRefused, Request
from buildwright.workspace.edits.reading import FENCE, declared_removals, lines_of, path_in

_COMMENT = re.compile(
    r"\s*(?:#|//|--|;|/\*|<!--)\s*(?:file(?:name)?:|path:)?\s*(\S+?)\s*(?:\*/|-->)?\s*"
)


@dataclass(frozen=True, slots=True)
class _Fence:
    start: int
    end: int
    path: str


def parse_files(answer: str) -> tuple[Request, ...]:
    """Return one request for each fenced block that has a path; () when there is none.

    Raises EditRefused when such a block is not closed, or two are for one file.
    """
    return read_files(lines_of(answer), set())


def read_files(lines: list[str], used: set[int]) -> tuple[Request, ...]:
    """Return the whole files among the lines that are not `used` (numbers from 0)."""
    removes = declared_removals(lines)
    found: dict[str, Request] = {}
    for fence in _fences(lines, used):
        content = "".join(f"{line}\n" for line in lines[fence.start + 1 : fence.end])
        request = Request(fence.path, EditKind.WRITE, content=content, removes=removes)
        if found.setdefault(fence.path, request) != request:
            raise EditRefused(
                f"the answer holds file {fence.path!r} twice, with other content",
                next_step="send each file once",
            )
    if len(found) > MAX_HUNKS:
        raise EditRefused(
            f"the answer has more than {MAX_HUNKS} files",
            next_step="send the files in several answers",
        )
    return tuple(found.values())


def _fences(lines: list[str], used: set[int]) -> list[_Fence]:
    found: list[_Fence] = []
    number = 0
    while number < len(lines):
        fence = FENCE.fullmatch(lines[number])
        if fence is None or number in used:
            number += 1
            continue
        end = _end(lines, number, fence.group(1))
        if end is None:
            _refuse_cut(number, used)
            break
        path = _path(lines, number, fence)
        if path is not None and used.isdisjoint(range(number, end)):
            found.append(_Fence(number, end, path))
        number = end + 1
    return found


def _refuse_cut(number: int, used: set[int]) -> None:
    """What follows a fence without an end is lost; beside other edits it is an illustration."""
    if not used:
        raise EditRefused(
            f"the fence at line {number + 1} of the answer is not closed, so it is cut off",
            next_step="send the whole file again, or only the lines that change",
        )


def _end(lines: list[str], start: int, marks: str) -> int | None:
    """Return the number of the closing line; a fence with a word inside opens another one."""
    depth = 1
    for number in range(start + 1, len(lines)):
        fence = FENCE.fullmatch(lines[number]) if marks in lines[number] else None
        if fence is None or not fence.group(1).startswith(marks):
            continue
        depth += 1 if fence.group(2).strip() and fence.group(1) == marks else -1
        if depth == 0:
            return number
    return None


def _path(lines: list[str], start: int, fence: re.Match[str]) -> str | None:
    """Return the path in the fence's first line, on the line before, or in a first comment."""
    named = path_in_info(fence.group(2))
    if named:
        return named
    for number in (start - 1, start - 2):
        if number >= 0 and lines[number].strip():
            found = path_in(lines[number])
            if found:
                return found
            break
    first = lines[start + 1] if start + 1 < len(lines) else ""
    comment = _COMMENT.fullmatch(first) if len(first) < 300 else None
    return path_in(comment.group(1)) if comment else None
