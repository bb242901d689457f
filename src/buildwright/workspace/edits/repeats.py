"""Signs that an edit was made already, or that its quoted text was cut short."""

from __future__ import annotations

import re
from collections.abc import Sequence

from buildwright.workspace.edits.aligning import Unfit, changes
from buildwright.workspace.edits.forms import Hunk
from buildwright.workspace.edits.pages import Page, indent_of, squeezed
from buildwright.workspace.edits.spans import Match

# A text counts as "there already" only with this many characters that are not white space: less
# (`return None`) stands in many places by chance.
MIN_EVIDENCE = 20
# So many lines on either side of a hunk are compared with its new lines.
MAX_BESIDE = 200

_WORD = re.compile(r"\w+")


def covered(page: Page, hunk: Hunk, match: Match) -> bool:
    """Whether the new lines stand around the place of the old ones already.

    Of a hunk that was found exactly, and takes lines away, that is no sign. Raises Unfit when a
    longer new text stands at another place: then the edit was made there, perhaps.
    """
    places = zip(hunk.old, match.places, strict=True)
    known = [number for line, number in places if number is not None and line.strip()]
    if not known:
        return False
    adds_only = all(op.i1 == op.i2 for op in changes(hunk.old, hunk.new))
    blanks_only = [x for x in hunk.old if x.strip()] == [x for x in hunk.new if x.strip()]
    for first, last in standing(page, hunk.new, exactly=blanks_only):
        if first <= known[0] and known[-1] <= last and last - first >= known[-1] - known[0]:
            if adds_only or not match.exact:
                return True
        elif (last < known[0] or known[-1] < first) and says_much(hunk.new, 2):
            raise Unfit(f"the new text stands at line {first + 1} already, the old one elsewhere")
    return False


def standing(page: Page, lines: tuple[str, ...], *, exactly: bool = False) -> list[tuple[int, int]]:
    """Return first and last number of the places where the lines stand.

    Indentation and blank lines do not matter, unless there is nothing else or `exactly` is given.
    """
    wanted = [line.strip() for line in lines if line.strip()]
    if exactly or not wanted:
        return [(n, n + len(lines) - 1) for n in page.exact_places(lines)]
    found = []
    for place in page.loose_places(tuple(map(squeezed, wanted))):
        numbers = page.solid[place : place + len(wanted)]
        if [page.lines[n].strip() for n in numbers] == wanted:
            found.append((numbers[0], numbers[-1]))
    return found


def shows_itself(page: Page, hunk: Hunk) -> bool:
    """Whether the new text alone tells that the edit was made.

    Where lines are only taken away it does so when lines that stay are on both sides, and no line
    of the file is like the ones taken away: it could be one of them, misquoted.
    """
    if not says_much(hunk.new) or _still_there(page, hunk):
        return False
    for op in changes(hunk.old, hunk.new):
        before, after = "".join(hunk.old[: op.i1]), "".join(hunk.old[op.i2 :])
        if op.j1 == op.j2 and not (before.strip() and after.strip()):
            return False
        if op.j1 == op.j2 and any(_is_alike(page, line) for line in hunk.old[op.i1 : op.i2]):
            return False
    return True


def _still_there(page: Page, hunk: Hunk) -> bool:
    """Whether a line that is to go stands beside the new text."""
    new = set(map(squeezed, hunk.new))
    gone = {line for line in map(squeezed, hunk.old) if line not in new and _letters(line) >= 3}
    reach = len(hunk.old) + 3
    return any(
        not gone.isdisjoint(page.loose[max(0, first - reach) : last + reach])
        for first, last in standing(page, hunk.new)
    )


def _is_alike(page: Page, line: str) -> bool:
    """Whether a line of the file shares half of the words."""
    words = set(_WORD.findall(line))
    if not words:
        return False
    return any(
        2 * len(words & theirs) >= len(words | theirs)
        for theirs in (set(_WORD.findall(other)) for other in page.lines)
    )


def says_much(lines: tuple[str, ...], count: int = 1) -> bool:
    """Whether a text of so many lines that are not blank is there by no chance."""
    solid = [line for line in map(squeezed, lines) if line]
    return len(solid) >= count and sum(map(len, solid)) >= MIN_EVIDENCE


def refuse_repeats(page: Page, hunk: Hunk, match: Match) -> None:
    """Raise Unfit when the new text repeats lines of the file right before or after the hunk.

    So it is when a model quotes less than it replaces: the rest would stand there twice.
    """
    known = [number for number in match.places if number is not None]
    if not known or not changes(hunk.old, hunk.new):
        return
    new = [line for line in hunk.new if line.strip()]
    old, loose = ([_key(x) for x in lines if x.strip()] for lines in (hunk.old, new))
    head = _common(old, loose)
    tail = min(_common(old[::-1], loose[::-1]), min(len(old), len(new)) - head)
    added = new[head : len(new) - tail]
    reach = min(2 * len(added) + 5, MAX_BESIDE)
    _refuse(added, _near(page, known[-1] + 1, 1, reach), at_edge=not tail)
    _refuse(added[::-1], _near(page, known[0] - 1, -1, reach), at_edge=not head)


def _key(line: str) -> str:
    return indent_of(line) + squeezed(line)


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(old), len(new)))


def _near(page: Page, start: int, step: int, reach: int) -> list[str]:
    """Return so many lines that are not blank, the nearest first."""
    lines: list[str] = []
    number = start
    while 0 <= number < len(page.lines) and len(lines) < reach:
        if page.lines[number].strip():
            lines.append(page.lines[number])
        number += step
    return lines


def _refuse(added: Sequence[str], near: Sequence[str], *, at_edge: bool) -> None:
    """Compare new lines, outermost last, with the lines beside the hunk, nearest first."""
    mine, theirs = [x.strip() for x in added[-MAX_BESIDE:]], [x.strip() for x in near]
    twice = {line for line in mine if _letters(line) >= 3 and line in theirs}
    many = len(twice) > 1 and 2 * len(twice) >= len(set(mine))
    next_ones = bool(twice) and theirs[: len(mine)] == mine
    telling = any(_letters(line) >= 12 for line in twice)
    edge = at_edge and mine and (telling or _outermost(mine, theirs) or _runs_on(added, near))
    if many or next_ones or edge:
        told = next((line for line in reversed(mine) if line in theirs), mine[-1])
        raise Unfit(f"the new text repeats {told[:80]!r}, which stands beside it in the file")


def _outermost(mine: list[str], theirs: list[str]) -> bool:
    """Whether the outermost new line stands beside; a lone line must be near, and tell more."""
    if len(mine) == 1:
        return mine[0] in theirs[:3] and _letters(mine[0]) >= 4
    return mine[-1] in theirs and _letters(mine[-1]) >= 2


def _runs_on(added: Sequence[str], near: Sequence[str]) -> bool:
    """Whether the outermost new lines are just the lines that come next, in their order."""
    for size in range(1, min(len(added), len(near), 50) + 1):
        mine, theirs = list(added[-size:]), list(near[:size])
        if mine == theirs:
            return True
        same = [x.strip() for x in mine] == [x.strip() for x in theirs]
        if same and any(_letters(line) >= 3 for line in mine):
            return True
    return False


def _letters(line: str) -> int:
    return sum(character.isalnum() for character in line)
