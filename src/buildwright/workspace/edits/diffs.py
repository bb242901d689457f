"""Unified diffs, git's and plain ones; line numbers and counts may be wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from buildwright.workspace.edits.diff_hunks import AT, read_hunk
from buildwright.workspace.edits.forms import (
    MAX_HUNKS,
    EditKind,
    EditRefused,
    Hunk,
    Request,
)
from buildwright.workspace.edits.reading import FENCE, declared_removals, lines_of

_GIT = re.compile(r'diff --git (?:"?a/(.*?)"?) (?:"?b/(.*?)"?)')
MAX_NAMES = 4096
_NULL = "/dev/null"
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_BINARY = ("GIT binary patch", "Binary files ")


@dataclass(slots=True)
class _File:
    old: str | None = None
    new: str | None = None
    old_null: bool = False
    new_null: bool = False
    renamed: bool = False
    headed: bool = False
    hunks: list[Hunk] = field(default_factory=list)

    @property
    def named(self) -> bool:
        return bool(self.old or self.new)


@dataclass(slots=True)
class _Reading:
    lines: list[str]
    trusted: bool
    number: int = 0
    fenced: str | None = None
    current: _File = field(default_factory=_File)
    files: list[_File] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    hunks: int = 0

    @property
    def line(self) -> str:
        return self.lines[self.number]

    def begin(self) -> None:
        self.current = _File()
        self.files.append(self.current)


def parse_diff(answer: str, *, trusted: bool = False) -> tuple[Request, ...]:
    """Return one request for each file of the diffs in the answer; () when there is none.

    `trusted` is for diffs made by a program: a hunk that stands exactly at its line number is then
    taken there even where its text is in the file twice. Raises EditRefused for a hunk that is cut
    off, names no file, or is binary.
    """
    return read_diffs(lines_of(answer), trusted=trusted)[0]


def read_diffs(lines: list[str], *, trusted: bool) -> tuple[tuple[Request, ...], set[int]]:
    """Return the requests and the numbers, from 0, of the lines they are made of."""
    reading = _Reading(lines, trusted)
    while reading.number < len(lines):
        _step(reading)
    removes = declared_removals(lines) if reading.files else frozenset()
    asked = (_request(file, removes) for file in reading.files)
    return tuple(one for one in asked if one is not None), reading.used


def _step(reading: _Reading) -> None:
    line = reading.line
    if line.startswith(_BINARY) and reading.current.named:
        raise EditRefused(
            "the diff holds a binary patch", next_step="send text only; leave binary files alone"
        )
    if line.startswith("diff --git "):
        reading.begin()
        _git_names(reading.current, line)
    elif line.startswith("--- ") and _next_starts(reading, "+++ "):
        _header(reading)
    elif AT.match(line) and reading.files:
        _hunk(reading)
        return
    elif not _extended_header(reading.current, line):
        _prose(reading, line)
        reading.number += 1
        return
    reading.used.add(reading.number)
    reading.number += 1


def _prose(reading: _Reading, line: str) -> None:
    fence = FENCE.fullmatch(line)
    if fence:
        reading.fenced = None if reading.fenced else fence.group(1)


def _next_starts(reading: _Reading, begin: str) -> bool:
    after = reading.number + 1
    return after < len(reading.lines) and reading.lines[after].startswith(begin)


def _git_names(file: _File, line: str) -> None:
    found = _GIT.fullmatch(line) if len(line) < MAX_NAMES else None
    if found:
        file.old, file.new = found.groups()


def _header(reading: _Reading) -> None:
    """Read `--- old` and `+++ new`; they begin another file unless git's line did."""
    if reading.current.hunks or not reading.files or reading.current.headed:
        reading.begin()
    file = reading.current
    old, new = _name(reading.line[4:]), _name(reading.lines[reading.number + 1][4:])
    reading.used.add(reading.number)
    reading.number += 1
    file.headed = True
    file.old_null, file.new_null = old == _NULL, new == _NULL
    prefixed = (file.old_null or old.startswith("a/")) and (file.new_null or new.startswith("b/"))
    file.old = None if file.old_null else old[2:] if prefixed else old
    file.new = None if file.new_null else new[2:] if prefixed else new


def _name(text: str) -> str:
    """Return the path of a header line without its time stamp, git's quoting undone."""
    name = text.split("\t")[0].strip()
    if not (len(name) > 1 and name[0] == name[-1] == '"'):
        return name
    raw = _ESCAPE.sub(_unescaped, name[1:-1].encode())
    return raw.decode("utf-8", "replace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match.group(1)
    if len(code) == 3:
        return bytes([int(code, 8) & 255])
    return {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(code, code)


def _extended_header(file: _File, line: str) -> bool:
    """Take in git's lines between `diff --git` and the first hunk."""
    if not file.named or file.hunks:
        return False
    if line.startswith("rename from "):
        file.old, file.renamed = _name(line[12:]), True
    elif line.startswith("rename to "):
        file.new, file.renamed = _name(line[10:]), True
    elif line.startswith("new file mode "):
        file.old_null = True
    elif line.startswith("deleted file mode "):
        file.new_null = True
    else:
        return line.startswith(("index ", "similarity index ", "old mode ", "new mode "))
    return True


def _hunk(reading: _Reading) -> None:
    if not reading.current.named:
        raise EditRefused(
            "a hunk of the diff does not say which file it is for",
            next_step="begin each file of the diff with '--- a/PATH' and '+++ b/PATH'",
        )
    reading.hunks += 1
    if reading.hunks > MAX_HUNKS:
        raise EditRefused(
            f"the answer has more than {MAX_HUNKS} hunks",
            next_step="send the edits in several answers",
        )
    start = reading.number
    hunk, reading.number = read_hunk(
        reading.lines, start, fenced=reading.fenced is not None, trusted=reading.trusted
    )
    reading.used.update(range(start, reading.number))
    reading.current.hunks.append(hunk)


def _request(file: _File, removes: frozenset[str]) -> Request | None:
    path = file.old or file.new or ""
    hunks = tuple(file.hunks)
    if file.old_null and not file.new_null:
        return _created(file, hunks, removes)
    if file.new_null:
        return Request(path, EditKind.DELETE, hunks, removes=removes)
    if file.renamed or (file.old and file.new and file.old != file.new):
        if not file.renamed:
            raise EditRefused(
                f"the diff names two files, {file.old!r} and {file.new!r}",
                next_step="use 'rename from' and 'rename to', or the same path twice",
            )
        return Request(path, EditKind.RENAME, hunks, new_path=file.new, removes=removes)
    if file.headed and not hunks:
        raise EditRefused(
            f"the diff of file {path!r} has no hunk",
            next_step="begin each hunk with a line '@@ @@'",
        )
    return Request(path, EditKind.MODIFY, hunks, removes=removes) if hunks else None


def _created(file: _File, hunks: tuple[Hunk, ...], removes: frozenset[str]) -> Request:
    if any(hunk.old for hunk in hunks):
        raise EditRefused(
            f"the diff makes file {file.new!r} and removes lines of it",
            next_step="begin a diff of a file that exists with '--- a/PATH'",
        )
    lines = [line for hunk in hunks for line in hunk.new]
    content = "".join(f"{line}\n" for line in lines)
    if hunks and hunks[-1].final_newline is False:
        content = content.removesuffix("\n")
    return Request(
        file.new or "", EditKind.CREATE, content=content, exact_end=True, removes=removes
    )
