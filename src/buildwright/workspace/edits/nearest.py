"""What a refusal shows: the failing hunk and the real lines nearest to it, 20 at most."""

from __future__ import annotations

import re
from collections import Counter

from buildwright.workspace.edits.forms import Hunk
from buildwright.workspace.edits.pages import Page, squeezed

MAX_SHOWN = 20
MAX_WIDTH = 160
_WORDS = re.compile(r"\w{2,}")


def excerpt(page: Page | None, hunk: Hunk, places: tuple[int, ...] = ()) -> str:
    """Return the quoted lines and the nearest lines of the file with their numbers."""
    quoted = [f"  {_cut(line)}" for line in hunk.old[:MAX_SHOWN]]
    if len(hunk.old) > MAX_SHOWN:
        quoted.append(f"  ({len(hunk.old) - MAX_SHOWN} more lines)")
    parts = ["quoted:", *quoted] if quoted else []
    if page is not None and page.lines:
        shown = _numbers(page, hunk, places)
        parts += [
            "nearest lines of the file:",
            *(f"{n + 1:5}|{_cut(page.lines[n])}" for n in shown),
        ]
    return "".join(f"{part}\n" for part in parts)


def _cut(line: str) -> str:
    plain = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line[:MAX_WIDTH])
    return plain if len(line) <= MAX_WIDTH else plain + " (cut)"


def _numbers(page: Page, hunk: Hunk, places: tuple[int, ...]) -> list[int]:
    total = len(page.lines)
    if places:
        return [n - 1 for n in places if n <= total][:MAX_SHOWN]
    size = min(MAX_SHOWN, len(hunk.old) + 4, total)
    first = min(max(0, _guess(page, hunk) - 2), total - size)
    return list(range(first, first + size))


def _guess(page: Page, hunk: Hunk) -> int:
    """Return the line, from 0, where most quoted lines would stand in their places."""
    mine: dict[str, list[int]] = {}
    for number, line in enumerate(hunk.old[:500]):
        mine.setdefault(squeezed(line), []).append(number)
    mine.pop("", None)
    votes: Counter[int] = Counter()
    for number, line in enumerate(page.loose):
        for quoted in mine.get(line, ())[:5]:
            votes[max(0, number - quoted)] += 1
    if votes:
        return max(votes, key=lambda start: (votes[start], -start))
    longest = max(hunk.old[:500], key=len, default="")
    words = set(_WORDS.findall(longest))
    scores = [len(words & set(_WORDS.findall(line))) for line in page.lines]
    return max(0, scores.index(max(scores)) - hunk.old.index(longest)) if hunk.old else 0
