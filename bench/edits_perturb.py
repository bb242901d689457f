"""The perturbations, each with its truth. None says that the edit is not of the kind needed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from edits_cases import (
    Case,
    blocks,
    calls,
    diff,
    refused,
    simple,
    text,
    whole,
)
from edits_sources import Change, Source

Perturb = Callable[["Given"], Case | None]
INDENT = re.compile(r"^ +")


@dataclass(frozen=True, slots=True)
class Given:
    """An edit to perturb; `other` is another file of the tree."""

    source: Source
    made: list[Change]
    other: Source
    rng: random.Random

    def mapped(
        self, old: Callable[[str], str], new: Callable[[str], str] | None = None
    ) -> list[Change]:
        """The hunks with each line changed; new lines as the old ones unless said otherwise."""
        return [
            Change([old(x) for x in c.old], [(new or old)(x) for x in c.new], c.first)
            for c in self.made
        ]


def same(line: str) -> str:
    """The line as it is."""
    return line


def loose_text(lines: list[str]) -> list[str]:
    """Lines without any white space, blank ones left out."""
    return [x for x in ("".join(line.split()) for line in lines) if x]


def stands_in(lines: list[str], within: str) -> int:
    """How often the lines stand in a text, white space aside."""
    have = loose_text(within.splitlines())
    wanted = loose_text(lines)
    size = len(wanted)
    return sum(have[n : n + size] == wanted for n in range(len(have) - size + 1))


def clean_block(g: Given) -> Case | None:
    """Search/replace blocks as they should be."""
    return simple(g.source, g.made)


def clean_call(g: Given) -> Case | None:
    """Tool calls as they should be."""
    return simple(g.source, g.made, calls(g.source.path, g.made))


def clean_diff(g: Given) -> Case | None:
    """A unified diff as it should be."""
    return simple(g.source, g.made, diff(g.source.path, g.made))


def clean_whole(g: Given) -> Case | None:
    """The whole file as it should be."""
    case = simple(g.source, g.made, whole(g.source.path, g.source.after))
    return replace(case, pairs=[(g.source.before, g.source.after)])


def trailing_space(g: Given) -> Case | None:
    """Up to two spaces more at the ends of quoted lines."""
    made = g.mapped(lambda line: line + " " * g.rng.randrange(3), same)
    return simple(g.source, made)


def inner_space(g: Given) -> Case | None:
    """No spaces around operators, in both texts."""
    made = g.mapped(lambda x: re.sub(r"(?<=\S) ([=+*/<>-]+) ", r"\1", x), same)
    return None if made == g.made else simple(g.source, made)


def tabs_in_answer(g: Given) -> Case | None:
    """Tabs for four spaces, in both texts."""
    made = g.mapped(_tabbed)
    if made == g.made or not _round_trips(g):
        return None
    return simple(g.source, made)


def spaces_for_tabs_file(g: Given) -> Case | None:
    """The file is indented by tabs, the answer by spaces."""
    if not _round_trips(g) or _tabbed_text(g.source.before) == g.source.before:
        return None
    case = simple(g.source, g.made)
    before, after = (_tabbed_text(t).encode() for t in (g.source.before, g.source.after))
    return replace(case, files={g.source.path: before}, expected=after)


def _tabbed(line: str) -> str:
    return INDENT.sub(lambda m: "\t" * (len(m.group()) // 4) + " " * (len(m.group()) % 4), line)


def _tabbed_text(content: str) -> str:
    return "".join(f"{_tabbed(line)}\n" for line in content.splitlines())


def _round_trips(g: Given) -> bool:
    """Whether every depth is a multiple of four, so that there is one right answer."""
    lines = [line for c in g.made for line in (*c.old, *c.new)]
    return all((len(line) - len(line.lstrip(" "))) % 4 == 0 for line in lines)


def crlf_file(g: Given) -> Case | None:
    """The lines of the file end in CR LF."""
    case = simple(g.source, g.made)
    before, after = (t.replace("\n", "\r\n").encode() for t in (g.source.before, g.source.after))
    return replace(case, files={g.source.path: before}, expected=after)


def crlf_answer(g: Given) -> Case | None:
    """The lines of the answer end in CR LF."""
    answer = blocks(g.source.path, g.made).replace("\n", "\r\n")
    case = simple(g.source, g.made, answer)
    return replace(
        case, pairs=[(a.replace("\n", "\r\n"), b.replace("\n", "\r\n")) for a, b in case.pairs]
    )


def byte_order_mark(g: Given) -> Case | None:
    """The file begins with a byte order mark."""
    mark = b"\xef\xbb\xbf"
    case = simple(g.source, g.made)
    files = {g.source.path: mark + case.files[g.source.path]}
    return replace(case, files=files, expected=mark + (case.expected or b""))


def latin_1_file(g: Given) -> Case | None:
    """The file is not UTF-8."""
    tail = b"# caf\xe9\n"
    case = simple(g.source, g.made)
    files = {g.source.path: case.files[g.source.path] + tail}
    return replace(case, files=files, expected=(case.expected or b"") + tail)


def no_final_newline(g: Given) -> Case | None:
    """The last line of the file has no end."""
    case = simple(g.source, g.made)
    files = {g.source.path: case.files[g.source.path][:-1]}
    return replace(case, files=files, expected=(case.expected or b"")[:-1])


def stale_elsewhere(g: Given) -> Case | None:
    """The file has changed far from the place since it was shown; bound to what was shown."""
    now = ("# changed since\n" + g.source.before).encode()
    case = refused(g.source, g.made)
    return replace(case, files={g.source.path: now}, shown=case.files)


def stale_at_place(g: Given) -> Case | None:
    """The file has changed at the place since it was shown."""
    now = _changed_at_place(g)
    case = refused(g.source, g.made)
    return replace(case, files={g.source.path: now}, shown=case.files) if now else None


def rebased_elsewhere(g: Given) -> Case | None:
    """The same change, and the agent says that the file now is what the edit is for."""
    case = simple(g.source, g.made)
    files = {g.source.path: b"# changed since\n" + case.files[g.source.path]}
    return replace(case, files=files, expected=b"# changed since\n" + (case.expected or b""))


def rebased_at_place(g: Given) -> Case | None:
    """The same, and the agent says that the file now is what the edit is for."""
    now = _changed_at_place(g)
    if now is None or any(stands_in(c.old, g.source.before) > 1 for c in g.made):
        return None
    return replace(refused(g.source, g.made), files={g.source.path: now})


def _changed_at_place(g: Given) -> bytes | None:
    """The file with a line changed that the edit removes."""
    change = g.made[0]
    kept = {i for i, _ in change.kept}
    gone = [i for i in range(len(change.old)) if i not in kept and change.old[i].strip()]
    if not gone:
        return None
    lines = g.source.before.splitlines()
    at = change.first + g.rng.choice(gone)
    lines[at] += "  # now otherwise"
    return "".join(f"{line}\n" for line in lines).encode()


def duplicated(g: Given) -> Case | None:
    """The quoted lines stand in the file twice."""
    change = g.made[0]
    copy = f"\n\n# the same again\n{text(change.old)}\n"
    case = refused(g.source, g.made)
    return replace(case, files={g.source.path: (g.source.before + copy).encode()})


def duplicated_deeper(g: Given) -> Case | None:
    """The quoted lines stand in the file twice, deeper the other time; quoted without depth."""
    change = g.made[0]
    deeper = [f"    {line}" if line else line for line in change.old]
    copy = f"\n\nif 1 < 2:\n{text(deeper)}\n"
    case = refused(g.source, g.made)
    return replace(case, files={g.source.path: (copy + g.source.before).encode()})


def duplicated_anchors(g: Given) -> Case | None:
    """First and last line stand in the file twice, and a line between is misquoted."""
    case = misquoted_kept(g)
    if case is None:
        return None
    change = g.made[0]
    ends = f"\n{change.old[0]}\n{change.old[-1]}\n"
    if not (change.old[0].strip() and change.old[-1].strip()):
        return None
    files = {g.source.path: (g.source.before + ends).encode()}
    return replace(case, files=files, expected=None)


def partial_call(g: Given) -> Case | None:
    """The text quoted is a part of one line, and is in the file once."""
    if len(g.made) != 1:
        return None
    lines = zip(g.source.before.splitlines(), g.source.after.splitlines(), strict=False)
    changed = [(a, b) for a, b in lines if a != b]
    if len(changed) != 1 or g.source.before.count("\n") != g.source.after.count("\n"):
        return None
    old, new = changed[0]
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    start = max(0, old.rfind(" ", 0, max(0, start - 4)) + 1)
    part_old, part_new = old[start:], new[start:]
    if not part_old.strip() or new[:start] != old[:start] or g.source.before.count(part_old) != 1:
        return None
    change = [Change([part_old], [part_new], 0)]
    return simple(g.source, change, calls(g.source.path, change))


def partial_block(g: Given) -> Case | None:
    """The last quoted line is cut in its middle; what is to come of the rest is not known."""
    made = [replace(c, old=[*c.old[:-1], c.old[-1][: len(c.old[-1]) - 3]]) for c in g.made]
    if any(len(c.old[-1].strip()) < 7 for c in g.made):
        return None
    return refused(g.source, made)


def wrong_file(g: Given) -> Case | None:
    """The path named is that of another file of the tree, which does not hold the lines."""
    if (
        any(stands_in(x, g.other.before) for c in g.made for x in (c.old, c.new))
        or g.other.path == g.source.path
    ):
        return None
    case = refused(g.source, g.made, blocks(g.other.path, g.made))
    files = {**case.files, g.other.path: g.other.before.encode()}
    return replace(case, path=g.other.path, files=files)


def misquoted_kept(g: Given) -> Case | None:
    """A line that stays is quoted with another word in it, the same in both texts."""
    change = g.made[0]
    inner = [
        (i, j)
        for i, j in change.kept
        if 0 < i < len(change.old) - 1 and len(change.old[i].strip()) > 8
    ]
    if not inner:
        return None
    i, j = g.rng.choice(inner)
    old, new = [*change.old], [*change.new]
    old[i] = new[j] = change.old[i] + "  # as before"
    return simple(g.source, [Change(old, new, change.first), *g.made[1:]])
