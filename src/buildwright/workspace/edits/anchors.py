"""Finding a hunk whose middle is misquoted or elided, by lines that stand in the file once."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher

from buildwright.workspace.edits.forms import Hunk
from buildwright.workspace.edits.pages import Page, squeezed
from buildwright.workspace.edits.spans import Match, spread

# Of the lines between two unique anchors at least this part must stand in the file, in order. The
# lines that change are quoted right in any case (a misquoted line is kept as the file has it, and
# never replaced), so this only guards against anchors that belong to another part of the file:
# below one half most of what the model believes to see is not there.
LIKENESS = 0.6
MAX_LINES = 200

_ELISION = re.compile(r"\s*(?:(?:#|//|--|;|/\*|<!--)\s*(?:\.\.\.|…).*|\.\.\.|…)\s*")


def anchored(page: Page, hunk: Hunk) -> Match | None:
    """Return the place between the hunk's first and last line when both are in the file once."""
    mine = [(number, text) for number, text in enumerate(map(squeezed, hunk.old)) if text]
    if not 3 <= len(mine) <= MAX_LINES:
        return None
    region = _region(page, mine[0][1], mine[-1][1])
    if not region or len(region) > 2 * len(mine) + 10:
        return None
    old = [text for _, text in mine]
    theirs = [page.loose[number] for number in region]
    blocks = SequenceMatcher(None, old, theirs, autojunk=False).get_matching_blocks()
    pairs = [(b.a + n, b.b + n) for b in blocks for n in range(b.size)]
    if len(pairs) < LIKENESS * max(len(old), len(theirs)):
        return None
    often = {t for lines in (old, theirs) for t, count in Counter(lines).items() if count > 1}
    places: list[int | None] = [None] * len(mine)
    for a, b in pairs:
        if old[a] not in often:
            places[a] = region[b]
    return spread(page, hunk, places)


def _region(page: Page, first: str, last: str) -> list[int]:
    """Return the numbers of the lines from one anchor to the other; none where one is unsure."""
    if first == last or not (_tells(first) and _tells(last)):
        return []
    begins = page.loose_places((first,))
    ends = page.loose_places((last,))
    if len(begins) != 1 or len(ends) != 1:
        return []
    return page.solid[begins[0] : ends[0] + 1]


def _tells(line: str) -> bool:
    return sum(character.isalnum() for character in line) >= 3


def elided(hunk: Hunk) -> list[Hunk]:
    """Return the parts between lines like `...`, when old and new leave out the same lines."""
    old, new = _split(hunk.old), _split(hunk.new)
    if len(old) < 2 or len(old) != len(new):
        return []
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if a != b or "".join(a).strip()]
    parts = [Hunk(a, b) for a, b in pairs]
    if not all(any(line.strip() for line in part.old) for part in parts):
        return []
    return parts


def _split(lines: tuple[str, ...]) -> list[tuple[str, ...]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if _ELISION.fullmatch(line):
            parts.append([])
        else:
            parts[-1].append(line)
    return [tuple(part) for part in parts]
