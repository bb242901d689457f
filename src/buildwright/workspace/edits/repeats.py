"""Signs that an edit was made already, or that its quoted text was cut short."""

from __future__ import annotations

from collections.abc import Sequence

from buildwright.workspace.edits.aligning import Unfit, changes
from buildwright.workspace.edits.forms import Hunk
from buildwright.workspace.edits.pages import Page, squeezed
from buildwright.workspace.edits.spans import Match


def covered(page: Page, hunk: Hunk, match: Match) -> bool:
    """Whether a hunk that only adds lines finds them around its place already."""
    if any(op.i1 != op.i2 for op in changes(hunk.old, hunk.new)):
        return False
    known = [number for number in match.places if number is not None]
    wanted = tuple(line for line in map(squeezed, hunk.new) if line)
    if not known or len(wanted) == sum(1 for line in hunk.old if line.strip()):
        return hunk.new in _around(page, known, len(hunk.new))
    for place in page.loose_places(wanted):
        numbers = page.solid[place : place + len(wanted)]
        if numbers[0] <= known[0] and known[-1] <= numbers[-1]:
            return True
    return False


def _around(page: Page, known: list[int], size: int) -> list[tuple[str, ...]]:
    if not known:
        return []
    firsts = range(max(0, known[-1] - size + 1), known[0] + 1)
    return [tuple(page.lines[first : first + size]) for first in firsts]


def refuse_repeats(page: Page, hunk: Hunk, match: Match) -> None:
    """Raise Unfit when new lines at an edge of the hunk repeat the file's lines beside it.

    So it is when a model quotes less than it replaces: the rest would stand there twice.
    """
    ops = changes(hunk.old, hunk.new)
    known = [number for number in match.places if number is not None]
    if not ops or not known:
        return
    first, last = ops[0], ops[-1]
    if last.i2 == len(hunk.old):
        added = [line.strip() for line in hunk.new[last.j1 : last.j2] if line.strip()]
        _refuse(added, _near(page, known[-1] + 1, 1, len(added)))
    if first.i1 == 0:
        added = [line.strip() for line in hunk.new[first.j1 : first.j2] if line.strip()]
        _refuse(added[::-1], _near(page, known[0] - 1, -1, len(added)))


def _near(page: Page, start: int, step: int, added: int) -> list[str]:
    """Return up to 2 x added + 5 lines that are not blank, from `start` on."""
    lines: list[str] = []
    number = start
    while 0 <= number < len(page.lines) and len(lines) < 2 * added + 5:
        if page.lines[number].strip():
            lines.append(page.lines[number].strip())
        number += step
    return lines


def _refuse(added: Sequence[str], near: Sequence[str]) -> None:
    if len(added) < 2 or not near:
        return
    outermost = added[-1]
    if sum(character.isalnum() for character in outermost) >= 3 and outermost in near:
        raise Unfit(f"the new text repeats {outermost[:80]!r}, which stands beside it in the file")
