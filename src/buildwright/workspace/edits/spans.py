"""From matched lines to edits of characters, with the file's own ends of lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buildwright.workspace.edits.aligning import Op, Reindent, Unfit, changes, reindent
from buildwright.workspace.edits.forms import Hunk, Span
from buildwright.workspace.edits.pages import Page, indent_of

Piece = tuple[Span, str]


@dataclass(frozen=True, slots=True)
class Match:
    """Where each old line of a hunk stands: its number in the file from 0, None if unsure."""

    places: tuple[int | None, ...]
    exact: bool


def pieces(page: Page, hunk: Hunk, match: Match) -> list[Piece]:
    """Return the replacements of character spans that make the hunk; raises Unfit when unsure."""
    shift = Reindent({}, identity=True) if match.exact else _shift(page, hunk, match)
    if shift.file_frame:
        hunk = replace(hunk, old=_as_in_file(page, hunk, match))
    found: list[Piece] = []
    for op in changes(hunk.old, hunk.new):
        begin, end = _region(hunk, match, op)
        lines = [shift.line(line) for line in hunk.new[op.j1 : op.j2]]
        found.append(_piece(page, begin, end, lines, hunk))
    return _with_final_newline(page, hunk, match, found)


def _shift(page: Page, hunk: Hunk, match: Match) -> Reindent:
    pairs = [
        (line, page.lines[place])
        for line, place in zip(hunk.old, match.places, strict=True)
        if place is not None and line.strip()
    ]
    return reindent(pairs, hunk.old, hunk.new, page.unit)


def _as_in_file(page: Page, hunk: Hunk, match: Match) -> tuple[str, ...]:
    """Return the old lines with the file's indentation."""
    return tuple(
        line
        if place is None or not line.strip()
        else indent_of(page.lines[place]) + line.lstrip(" \t")
        for line, place in zip(hunk.old, match.places, strict=True)
    )


def _region(hunk: Hunk, match: Match, op: Op) -> tuple[int, int]:
    """Return the file lines [begin, end) that the op replaces."""
    places = match.places
    if op.i1 == op.i2:
        return _gap(places, op.i1)
    mine = places[op.i1 : op.i2]
    begin, end = mine[0], mine[-1]
    if begin is None or end is None or None in mine or end - begin != len(mine) - 1:
        raise Unfit("a line that is to be replaced is not quoted as it stands in the file")
    _refuse_unsure_edges(hunk, match, op)
    return begin, end + 1


def _gap(places: tuple[int | None, ...], index: int) -> tuple[int, int]:
    if not places:
        return 0, 0
    before = places[index - 1] if index else None
    after = places[index] if index < len(places) else None
    if index and index < len(places):
        if before is None or after is None or after != before + 1:
            raise Unfit("where new lines go, the lines around are not quoted as in the file")
        return after, after
    if before is None and after is None:
        raise Unfit("where new lines go, the line beside is not quoted as in the file")
    place = after if after is not None else (before or 0) + 1
    return place, place


def _refuse_unsure_edges(hunk: Hunk, match: Match, op: Op) -> None:
    """Blank lines the model left out or made up, right beside blank lines of the new text."""
    new = hunk.new[op.j1 : op.j2]
    for blank, left, right in (
        (bool(new) and not new[0].strip(), op.i1 - 1, op.i1),
        (bool(new) and not new[-1].strip(), op.i2 - 1, op.i2),
    ):
        if not blank or left < 0 or right >= len(hunk.old):
            continue
        before, after = match.places[left], match.places[right]
        if before is None or after is None or after != before + 1:
            raise Unfit("blank lines beside the change differ from the file's")


def _piece(page: Page, begin: int, end: int, lines: list[str], hunk: Hunk) -> Piece:
    """Return the span of file lines [begin, end) and its new text, ends of lines included."""
    total = len(page.lines)
    ends = [page.ends[n] if n < end else "" for n in range(begin, begin + len(lines))]
    ends = [kept or page.newline for kept in ends]
    start, stop = page.starts[begin], page.starts[end]
    if end < total:
        return (start, stop), "".join(map("".join, zip(lines, ends, strict=True)))
    closed = page.ends_with_newline if hunk.final_newline is None else hunk.final_newline
    text = "".join(map("".join, zip(lines, ends, strict=True)))
    if lines and not closed:
        text = text[: -len(ends[-1])]
    if begin and lines and not page.ends[begin - 1]:
        text = page.newline + text
    if begin and not lines and not closed:
        start -= len(page.ends[begin - 1])
    return (start, stop), text


def _with_final_newline(page: Page, hunk: Hunk, match: Match, found: list[Piece]) -> list[Piece]:
    """Add the change of the file's last end of line where the hunk keeps that line."""
    last = match.places[-1] if match.places else None
    wanted = hunk.final_newline
    if wanted is None or not page.lines or wanted == page.ends_with_newline:
        return found
    if last != len(page.lines) - 1:
        raise Unfit("the hunk changes the end of the file but does not reach it")
    stop = page.starts[-1]
    if any(span[1] == stop for span, _ in found):
        return found
    if wanted:
        return [*found, ((stop, stop), page.newline)]
    return [*found, ((stop - len(page.ends[-1]), stop), "")]


def spread(page: Page, hunk: Hunk, solid: list[int] | list[int | None]) -> Match:
    """Return the match of all lines from that of the lines which are not blank.

    Blank lines between two matched lines count as matched when there are as many in the file.
    """
    places: list[int | None] = [None] * len(hunk.old)
    for number, place in zip(_solid_numbers(hunk), solid, strict=True):
        places[number] = place
    blanks: list[int] = []
    for number, line in enumerate(hunk.old):
        if not line.strip():
            blanks.append(number)
            continue
        _match_blanks(page, places, blanks, number)
        blanks = []
    _match_blanks(page, places, blanks, len(hunk.old))
    return Match(tuple(places), exact=False)


def _solid_numbers(hunk: Hunk) -> list[int]:
    return [number for number, line in enumerate(hunk.old) if line.strip()]


def _match_blanks(page: Page, places: list[int | None], blanks: list[int], after: int) -> None:
    if not blanks:
        return
    before = places[blanks[0] - 1] if blanks[0] else None
    behind = places[after] if after < len(places) else None
    if before is not None and behind is not None and behind - before != len(blanks) + 1:
        return
    start = before + 1 if before is not None else (behind or 0) - len(blanks)
    if before is None and behind is None:
        return
    numbers = range(start, start + len(blanks))
    if start >= 0 and all(n < len(page.lines) and not page.lines[n].strip() for n in numbers):
        for blank, number in zip(blanks, numbers, strict=True):
            places[blank] = number
