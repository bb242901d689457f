"""Search/replace blocks: a path, `<<<<<<< SEARCH`, `=======`, `>>>>>>> REPLACE`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from buildwright.workspace.edits.forms import (
    MAX_HUNKS,
    EditKind,
    EditRefused,
    Hunk,
    Request,
)
from buildwright.workspace.edits.reading import (
    FENCE,
    declared_removals,
    lines_of,
    mentions,
    path_in,
)

_OPEN = re.compile(r"(<{5,})\s*(?:SEARCH|ORIGINAL)\b.*")
_SHAPE = "<<<<<<< SEARCH, the old lines, =======, the new lines, >>>>>>> REPLACE"


@dataclass(slots=True)
class _Reading:
    lines: list[str]
    path: str | None = None
    prose: list[str] = field(default_factory=list)
    found: list[Request] = field(default_factory=list)
    used: set[int] = field(default_factory=set)


def parse_blocks(answer: str) -> tuple[Request, ...]:
    """Return one request for each block, in order; () when there is none.

    Raises EditRefused when a block is cut off, has more than one divider, or names no file.
    """
    return read_blocks(lines_of(answer))[0]


def read_blocks(lines: list[str]) -> tuple[tuple[Request, ...], set[int]]:
    """Return the requests and the numbers, from 0, of the lines they are made of."""
    reading = _Reading(lines)
    removes = declared_removals(lines)
    number = 0
    while number < len(lines):
        opened = _OPEN.fullmatch(lines[number]) if lines[number].startswith("<<<<<") else None
        if opened is None:
            reading.prose.append(lines[number])
            number += 1
            continue
        number = _block(reading, number, len(opened.group(1)), removes)
        if len(reading.found) > MAX_HUNKS:
            raise EditRefused(
                f"the answer has more than {MAX_HUNKS} blocks",
                next_step="send the edits in several answers",
            )
    return tuple(reading.found), reading.used


def _block(reading: _Reading, start: int, width: int, removes: frozenset[str]) -> int:
    """Read the block that begins at `start`; return the number of the line after it."""
    count = len(reading.found) + 1
    end, divider = _limits(reading.lines, start, width, count)
    path = _path(reading, count)
    old = tuple(reading.lines[start + 1 : divider])
    new = tuple(reading.lines[divider + 1 : end])
    reading.found.append(_request(path, old, new, removes))
    reading.used.update(range(start, end + 1))
    reading.path, reading.prose = path, []
    return end + 1


def _limits(lines: list[str], start: int, width: int, count: int) -> tuple[int, int]:
    close = re.compile(rf">{{{width}}}\s*(?:REPLACE|UPDATED)\b.*")
    dividers: list[int] = []
    for number in range(start + 1, len(lines)):
        line = lines[number].rstrip()
        opened = _OPEN.fullmatch(line) if line.startswith("<<<<<") else None
        if opened and len(opened.group(1)) == width:
            break
        if line == "=" * width:
            dividers.append(number)
        elif line.startswith(">" * width) and close.fullmatch(line):
            if len(dividers) == 1:
                return number, dividers[0]
            raise EditRefused(
                f"block {count} has {len(dividers)} lines {'=' * width}, expected one",
                next_step=f"write {_SHAPE}; use longer marks when the text holds such lines",
            )
    raise EditRefused(
        f"block {count} (line {start + 1} of the answer) has no end",
        next_step=f"send the whole block again: {_SHAPE}",
    )


def _path(reading: _Reading, count: int) -> str:
    """Return the file the block is for: named right before it, or the file of the last block."""
    named = _named(reading.prose)
    if named:
        return named
    told = {name.rsplit("/", 1)[-1] for line in reading.prose for name in mentions(line)}
    if reading.path and told <= {reading.path.rsplit("/", 1)[-1]}:
        return reading.path
    raise EditRefused(
        f"block {count} does not say which file it is for",
        next_step="write the file's path alone on the line before the block",
    )


def _named(prose: list[str]) -> str | None:
    """Return the path of the nearest lines: alone on a line, or in the fence's first line."""
    nearest = [line for line in prose[-6:] if line.strip()][-3:]
    for line in reversed(nearest):
        fence = FENCE.fullmatch(line)
        if fence is None:
            return path_in(line)
        named = path_in_info(fence.group(2))
        if named:
            return named
    return None


def path_in_info(info: str) -> str | None:
    """Return the path in what follows the marks of a fence: `python src/a.py`, `title="a.py"`."""
    words = info.strip().split()
    for word in words:
        name = word.partition("=")[2] if "=" in word else word.rpartition(":")[2]
        found = path_in(name.strip("\"'{}")) if name else None
        if found and (found != word or len(words) > 1 or "/" in found or "." in found[1:]):
            return found
    return None


def _request(
    path: str, old: tuple[str, ...], new: tuple[str, ...], removes: frozenset[str]
) -> Request:
    if not old:
        content = "".join(f"{line}\n" for line in new)
        return Request(path, EditKind.CREATE, content=content, removes=removes)
    return Request(path, EditKind.MODIFY, (Hunk(old, new),), removes=removes)
