"""Text that begins or ends inside a line, as tool calls may quote it."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from buildwright.workspace.edits.aligning import Unfit
from buildwright.workspace.edits.forms import Hunk, Reason
from buildwright.workspace.edits.missed import MORE, Missed
from buildwright.workspace.edits.pages import MAX_PLACES, Page, indent_of
from buildwright.workspace.edits.spans import Piece

MAX_LOOKED = 1000


def occurrences(page: Page, text: str) -> list[int]:
    """Offsets in `page.joined` where the text stands and splits no word; at most 50.

    Raises Missed when it stands in so many places that not all are looked at.
    """
    found: list[int] = []
    position = page.joined.find(text) if text else -1
    looked = 0
    while position != -1 and len(found) < MAX_PLACES:
        looked += 1
        if looked > MAX_LOOKED:
            raise Missed(Reason.AMBIGUOUS, "the text stands in very many places", MORE)
        if not _splits_a_word(page.joined, position, position + len(text)):
            found.append(position)
        position = page.joined.find(text, position + 1)
    return found


def _splits_a_word(text: str, start: int, stop: int) -> bool:
    return any(
        0 < edge < len(text) and _in_word(text[edge - 1]) and _in_word(text[edge])
        for edge in (start, stop)
    )


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def inside_lines(page: Page, hunk: Hunk) -> list[Piece] | None:
    """Return the replacement of the only occurrence; None when it is whole lines, or nowhere.

    An empty list says that the new text is there already. Raises Missed or Unfit.
    """
    old, new = "\n".join(hunk.old), "\n".join(hunk.new)
    found = occurrences(page, old)
    if not found:
        return None
    starts = list(accumulate((len(line) + 1 for line in page.lines), initial=0))
    if len(found) > 1:
        numbers = tuple(bisect_right(starts, position) for position in found)
        told = ", ".join(map(str, numbers))
        message = f"the text to replace is at {len(found)} places: lines {told}"
        raise Missed(Reason.AMBIGUOUS, message, MORE, numbers)
    begin, end = found[0], found[0] + len(old)
    first, last = bisect_right(starts, begin) - 1, bisect_right(starts, end) - 1
    if begin == starts[first] and end == starts[last] + len(page.lines[last]):
        return None
    if old in new and _covers(page, new, begin, end):
        return []
    _refuse_unsure_indent(page.lines[first][: begin - starts[first]], hunk)
    span = (
        page.starts[first] + begin - starts[first],
        page.starts[last] + end - starts[last],
    )
    return [(span, new.replace("\n", page.newline))]


def _covers(page: Page, new: str, begin: int, end: int) -> bool:
    position = page.joined.find(new, max(0, end - len(new)))
    return position != -1 and position <= begin


def _refuse_unsure_indent(before: str, hunk: Hunk) -> None:
    """The quoted text lacks the indentation of its first line: is the new one's meant to?"""
    if not before or before.strip() or indent_of(hunk.old[0]):
        return
    if hunk.new and indent_of(hunk.new[0]):
        raise Unfit("the indentation of the first line is left out of the quoted text only")
    rest = [line for line in hunk.new[1:] if line.strip()]
    if len(hunk.old) == 1 and any(len(indent_of(line)) < len(before) for line in rest):
        raise Unfit("the indentation of the first line is left out")
