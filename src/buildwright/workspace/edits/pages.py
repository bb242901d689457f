"""A text file as lines: its bytes, ends of lines, byte order mark and what is not UTF-8, kept."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, islice, pairwise

from buildwright.workspace.edits.forms import MAX_FILE_BYTES, EditRefused

BOM = "\ufeff"
_RUN = re.compile(r"[^\S\n]+")
_LOOSE = re.compile(r"(?<!\w) | (?!\w)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_RAW = re.compile("[\udc80-\udcff]")
_INDENT = re.compile(r"[ \t]*")
MAX_PLACES = 50


def decode(path: str, data: bytes) -> str:
    """Return the text, bytes that are not UTF-8 as lone surrogates; raises EditRefused."""
    if len(data) > MAX_FILE_BYTES:
        raise EditRefused(
            f"file {path!r} has {len(data)} bytes, at most {MAX_FILE_BYTES} can be edited",
            next_step="leave this file alone, or split it",
        )
    if b"\0" in data:
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        what = "UTF-16 or UTF-32 text" if wide else "binary"
        raise EditRefused(
            f"file {path!r} is {what} and cannot be edited as text",
            next_step="delete it and create another, or leave it alone",
        )
    return data.decode("utf-8", "surrogateescape")


def refuse_raw(*texts: str) -> None:
    """Raise EditRefused when a model's text holds what no text file can."""
    for text in texts:
        if "\0" in text or (not text.isascii() and _SURROGATE.search(text)):
            raise EditRefused(
                "the answer holds NUL characters or lone surrogates",
                next_step="send text only; binary files cannot be edited",
            )


def encode(text: str) -> bytes:
    """Return the bytes of a text from `decode`."""
    return text.encode("utf-8", "surrogateescape")


def squeezed(text: str) -> str:
    """Return the text without the white space that does not part two words; newlines stay."""
    return _LOOSE.sub("", _RUN.sub(" ", text))


def indent_of(line: str) -> str:
    """Return the spaces and tabs that begin the line."""
    found = _INDENT.match(line)
    return found.group() if found else ""


def unit_of(lines: Sequence[str]) -> str:
    """Return one level of indentation: a tab, or the smallest step of spaces (4 if none)."""
    indents = [indent_of(line) for line in lines if line.strip()]
    tabs = sum(1 for indent in indents if indent.startswith("\t"))
    if tabs * 2 > sum(1 for indent in indents if indent):
        return "\t"
    widths = [len(indent) for indent in indents]
    steps = [later - earlier for earlier, later in pairwise(widths) if later > earlier]
    counts = {step: steps.count(step) for step in (2, 3, 4, 8) if step in steps}
    return " " * max(counts, key=lambda step: counts[step]) if counts else "    "


class Page:
    """The lines of one file without their ends, and where each one starts."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.text = decode(path, data)
        self.offset = 1 if self.text.startswith(BOM) else 0
        pieces = self.text[self.offset :].split("\n")
        self.ends_with_newline = pieces[-1] == ""
        if self.ends_with_newline:
            pieces.pop()
        self.starts = list(accumulate((len(p) + 1 for p in pieces), initial=self.offset))
        if not self.ends_with_newline:
            self.starts[-1] -= 1
        closed = len(pieces) if self.ends_with_newline else len(pieces) - 1
        self.ends = ["\r\n" if p.endswith("\r") else "\n" for p in islice(pieces, closed)]
        self.ends += [""] * (len(pieces) - closed)
        self.lines = [
            piece[:-1] if end == "\r\n" else piece
            for piece, end in zip(pieces, self.ends, strict=True)
        ]

    @cached_property
    def newline(self) -> str:
        """The end most lines have; a newline where there are none."""
        return "\r\n" if self.ends.count("\r\n") > self.ends.count("\n") else "\n"

    @property
    def is_utf8(self) -> bool:
        """Whether every byte was UTF-8."""
        return _RAW.search(self.text) is None

    @cached_property
    def joined(self) -> str:
        """All lines with newlines between, whatever the file has."""
        return "\n".join(self.lines)

    @cached_property
    def loose(self) -> list[str]:
        """The lines, squeezed."""
        return squeezed(self.joined).split("\n") if self.lines else []

    @cached_property
    def solid(self) -> list[int]:
        """Numbers, from 0, of the lines that are not blank."""
        return [number for number, line in enumerate(self.loose) if line]

    @cached_property
    def unit(self) -> str:
        """One level of indentation."""
        return unit_of(self.lines)

    @cached_property
    def _exact_index(self) -> LineIndex:
        return LineIndex(self.lines)

    @cached_property
    def _loose_index(self) -> LineIndex:
        return LineIndex([self.loose[number] for number in self.solid])

    def exact_places(self, old: tuple[str, ...]) -> list[int]:
        """First line numbers, from 0, at which exactly these lines stand; at most 50."""
        return self._exact_index.places(old)

    def loose_places(self, squeezed_old: tuple[str, ...]) -> list[int]:
        """Places in `solid` at which these squeezed lines stand, blank lines passed over."""
        return self._loose_index.places(squeezed_old)


class LineIndex:
    """Finds runs of whole lines in time linear in the text."""

    def __init__(self, lines: list[str]) -> None:
        self._text = "\n" + "\n".join(lines) + "\n" if lines else ""
        self._starts = list(accumulate((len(line) + 1 for line in lines), initial=0))

    def places(self, lines: tuple[str, ...]) -> list[int]:
        """Numbers, from 0, of the lines at which the run begins; at most 50, none for no lines."""
        if not lines:
            return []
        wanted = "\n" + "\n".join(lines) + "\n"
        found: list[int] = []
        position = self._text.find(wanted)
        while position != -1 and len(found) < MAX_PLACES:
            found.append(bisect_right(self._starts, position) - 1)
            position = self._text.find(wanted, position + 1)
        return found
