"""Which lines of a hunk change, and how its indentation answers to the file's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise, takewhile

from buildwright.workspace.edits.pages import indent_of, squeezed, unit_of

# A comparison takes up to lines x lines steps; above this the whole middle counts as changed.
MAX_COMPARED = 40_000


@dataclass(frozen=True, slots=True)
class Op:
    """Old lines [i1, i2) become new lines [j1, j2)."""

    i1: int
    i2: int
    j1: int
    j2: int


def changes(old: Sequence[str], new: Sequence[str]) -> list[Op]:
    """Return the changed parts in order; the lines between them are alike, one by one."""
    head = sum(1 for _ in takewhile(_alike, zip(old, new, strict=False)))
    rest = min(len(old), len(new)) - head
    backwards = zip(reversed(old), reversed(new), strict=False)
    tail = min(rest, sum(1 for _ in takewhile(_alike, backwards)))
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    if not a and not b:
        return []
    if len(a) * len(b) > MAX_COMPARED:
        return [Op(head, head + len(a), head, head + len(b))]
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return [
        Op(head + i1, head + i2, head + j1, head + j2)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _alike(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


class Unfit(Exception):
    """The indentation of the hunk does not answer to the file's; the text says how."""


@dataclass(frozen=True, slots=True)
class Reindent:
    """Turns the indentation of the hunk into the file's.

    `known` holds what the matched lines show. Other depths follow only from a shift that all of
    them agree on: `ratio` file characters for each character of the hunk, from `base`.
    `file_frame` says that only the old lines are indented unlike the file.
    """

    known: dict[str, str]
    base: tuple[int, int] | None = None
    ratio: tuple[int, int] = (1, 1)
    sign: str = " "
    identity: bool = False
    file_frame: bool = False

    def line(self, line: str) -> str:
        """Return the line with the file's indentation; raises Unfit where that is not sure."""
        if self.identity or not line.strip():
            return line
        indent = indent_of(line)
        if indent in self.known:
            return self.known[indent] + line[len(indent) :]
        if self.base is None or len(set(indent)) > 1:
            raise Unfit("the indentation of a new line cannot be told from the lines around it")
        up, down = self.ratio
        depth, rest = divmod((len(indent) - self.base[0]) * up, down)
        if rest or self.base[1] + depth < 0:
            raise Unfit("the indentation of a new line does not fit the file's")
        return self.sign * (self.base[1] + depth) + line[len(indent) :]


def reindent(
    pairs: Sequence[tuple[str, str]], old: Sequence[str], new: Sequence[str], file_unit: str
) -> Reindent:
    """Return how new lines are to be indented; raises Unfit when that is in doubt.

    `pairs` are (hunk line, file line) that match; `file_unit` is one level in the file.
    """
    indents = [(indent_of(mine), indent_of(theirs)) for mine, theirs in pairs]
    if all(mine == theirs for mine, theirs in indents):
        return Reindent({}, identity=True)
    if _new_in_file_frame(pairs, old, new):
        return Reindent({}, identity=True, file_frame=True)
    known: dict[str, str] = {}
    for mine, theirs in indents:
        if known.setdefault(mine, theirs) != theirs:
            raise Unfit("the lines to replace are indented unlike the file's")
    return _extended(known, [*old, *new], file_unit)


def _new_in_file_frame(
    pairs: Sequence[tuple[str, str]], old: Sequence[str], new: Sequence[str]
) -> bool:
    """Whether the new lines have the file's indentation already, though the old ones have not."""
    first_old, first_new = _first(old), _first(new)
    if first_new is None or first_old is None or indent_of(first_old) == indent_of(first_new):
        return False
    mine, theirs = ({(squeezed(p[0]), indent_of(p[side])) for p in pairs} for side in (0, 1))
    quoted = {text for text, _ in mine}
    shared = {(squeezed(line), indent_of(line)) for line in new if squeezed(line) in quoted}
    if shared and shared <= mine and not shared <= theirs:
        return False
    fits = shared and shared <= theirs and not shared <= mine
    if not fits or indent_of(first_new) != indent_of(pairs[0][1]):
        raise Unfit("the old and the new lines of the edit are indented unlike each other")
    return True


def _first(lines: Sequence[str]) -> str | None:
    return next((line for line in lines if line.strip()), None)


def _extended(known: dict[str, str], lines: Sequence[str], file_unit: str) -> Reindent:
    """Add the shift where all known pairs agree on one."""
    if any(len(set(mine)) > 1 or len(set(theirs)) > 1 for mine, theirs in known.items()):
        return Reindent(known)
    signs = {theirs[0] for theirs in known.values() if theirs}
    hunk_signs = {indent[0] for indent in map(indent_of, lines) if indent}
    if len(signs) > 1 or len(hunk_signs) > 1:
        return Reindent(known)
    sign = signs.pop() if signs else file_unit[:1] or " "
    hunk_sign = hunk_signs.pop() if hunk_signs else sign
    points = sorted((len(mine), len(theirs)) for mine, theirs in known.items())
    up, down = (1, 1)
    if sign != hunk_sign:
        if sign != file_unit[:1]:
            return Reindent(known)
        up, down = len(file_unit), len(unit_of(lines))
    fits = all((d - b) * down == (c - a) * up for (a, b), (c, d) in pairwise(points))
    return Reindent(known, points[0] if fits else None, (up, down), sign)
