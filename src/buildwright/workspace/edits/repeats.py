"""Signs that an edit was made already, or that its quoted text was cut short."""

from __future__ import annotations

from collections.abc import Sequence

from buildwright.workspace.edits.aligning import Unfit, changes
from buildwright.workspace.edits.forms import Hunk
from buildwright.workspace.edits.pages import Page, squeezed
from buildwright.workspace.edits.spans import Match

# A text counts as "there already" only with this many characters that are not white space: less
# (`return None`) stands in many places by chance.
MIN_EVIDENCE = 20


def covered(page: Page, hunk: Hunk, match: Match) -> bool:
    """Whether the new lines stand around the place of the old ones already.

    Of a hunk that was found exactly, and takes lines away, that is no sign. Raises Unfit when a
    longer new text stands at another place: then the edit was made there, perhaps.
    """
    known = [number for number in match.places if number is not None]
    if not known:
        return False
    adds_only = all(op.i1 == op.i2 for op in changes(hunk.old, hunk.new))
    for first, last in standing(page, hunk.new):
        if first <= known[0] and known[-1] <= last and last - first >= known[-1] - known[0]:
            if adds_only or not match.exact:
                return True
        elif (last < known[0] or known[-1] < first) and says_much(hunk.new, 2):
            raise Unfit(f"the new text stands at line {first + 1} already, the old one elsewhere")
    return False


def standing(page: Page, lines: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return first and last number of the places where the lines stand, indentation aside.

    Blank lines count where there are no others.
    """
    wanted = [line.strip() for line in lines if line.strip()]
    if not wanted:
        return [(n, n + len(lines) - 1) for n in page.exact_places(lines)]
    found = []
    for place in page.loose_places(tuple(map(squeezed, wanted))):
        numbers = page.solid[place : place + len(wanted)]
        if [page.lines[n].strip() for n in numbers] == wanted:
            found.append((numbers[0], numbers[-1]))
    return found


def shows_itself(hunk: Hunk) -> bool:
    """Whether the new text alone tells that the edit was made.

    Where lines are only taken away, it does so only if lines that stay are on both sides.
    """
    ops = changes(hunk.old, hunk.new)
    bare = [op for op in ops if op.j1 == op.j2]
    return says_much(hunk.new) and all(
        any(line.strip() for line in hunk.old[: op.i1])
        and any(line.strip() for line in hunk.old[op.i2 :])
        for op in bare
    )


def says_much(lines: tuple[str, ...], count: int = 1) -> bool:
    """Whether a text of so many lines that are not blank is there by no chance."""
    solid = [line for line in map(squeezed, lines) if line]
    return len(solid) >= count and sum(map(len, solid)) >= MIN_EVIDENCE


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
    """Raise Unfit by the outermost new line, or when half of the new lines stand beside it."""
    if not added or not near:
        return
    outermost = added[-1]
    told = _letters(outermost)
    few = len(added) == 1
    beside = near[:3] if few else near
    twice = near[0] == outermost and told >= 3
    twice = twice or (outermost in beside and told >= (8 if few else 2))
    shared = [line for line in added if _letters(line) >= 3 and line in near]
    if twice or (len(shared) > 1 and 2 * len(shared) >= len(added)):
        line = outermost if twice else shared[0]
        raise Unfit(f"the new text repeats {line[:80]!r}, which stands beside it in the file")


def _letters(line: str) -> int:
    return sum(character.isalnum() for character in line)
