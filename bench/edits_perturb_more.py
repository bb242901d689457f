"""More perturbations: blank lines, indentation, cuts, elisions, diffs; and the list of all."""

from __future__ import annotations

from dataclasses import replace

import edits_perturb as p
from edits_cases import Case, blocks, calls, diff, diff_lines, refused, simple, text, whole
from edits_perturb import Given, same, stands_in
from edits_sources import Change, changes


def missing_blanks(g: Given) -> Case | None:
    """Blank lines between kept lines are left out of both texts."""
    made = [_without_blanks(c) for c in g.made]
    return None if made == g.made else simple(g.source, made)


def _without_blanks(change: Change) -> Change:
    kept = change.kept
    inner = {
        (i, j)
        for i, j in kept
        if not change.old[i].strip() and (i - 1, j - 1) in kept and (i + 1, j + 1) in kept
    }
    drop_old, drop_new = {i for i, _ in inner}, {j for _, j in inner}
    return Change(
        [line for n, line in enumerate(change.old) if n not in drop_old],
        [line for n, line in enumerate(change.new) if n not in drop_new],
        change.first,
    )


def extra_blanks(g: Given) -> Case | None:
    """A blank line too many between two kept lines of both texts."""
    change = g.made[0]
    kept = change.kept
    inner = [(i, j) for i, j in kept if (i + 1, j + 1) in kept]
    if not inner:
        return None
    i, j = g.rng.choice(inner)
    old = [*change.old[: i + 1], "", *change.old[i + 1 :]]
    new = [*change.new[: j + 1], "", *change.new[j + 1 :]]
    return simple(g.source, [Change(old, new, change.first), *g.made[1:]])


def dedented(g: Given) -> Case | None:
    """Old and new lines lack their common depth."""
    depth = min((_depth(x) for c in g.made for x in (*c.old, *c.new) if x.strip()), default=0)
    return None if not depth else simple(g.source, g.mapped(lambda line: line[depth:]))


def indented(g: Given) -> Case | None:
    """Old and new lines are one level too deep."""
    return simple(g.source, g.mapped(_deeper))


def indented_search(g: Given) -> Case | None:
    """Only the old lines are one level too deep."""
    return simple(g.source, g.mapped(_deeper, same))


def first_line_dedented(g: Given) -> Case | None:
    """The first line, which stays, lacks its depth in both texts."""
    if not all(c.old[0] == c.new[:1][0] and c.old[0][:1] == " " for c in g.made if c.new):
        return None
    if not all(c.new for c in g.made):
        return None
    made = [
        Change([c.old[0].lstrip(), *c.old[1:]], [c.new[0].lstrip(), *c.new[1:]], c.first)
        for c in g.made
    ]
    return simple(g.source, made)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _deeper(line: str) -> str:
    return f"    {line}" if line.strip() else line


def search_lost_tail(g: Given) -> Case | None:
    """The old text lost its last lines, the new one is whole."""
    change = g.made[0]
    tail = _kept_tail(change)
    if (
        tail < 2
        or not any(len(x.strip()) > 6 for x in change.old[-tail:])
        or not change.old[-1].strip()
    ):
        return None
    cut = g.rng.randrange(1, len(change.old))
    made = [replace(change, old=change.old[:-cut]), *g.made[1:]]
    return refused(g.source, made) if any(x.strip() for x in made[0].old) else None


def search_lost_head(g: Given) -> Case | None:
    """The old text lost its first lines, the new one is whole."""
    change = g.made[0]
    if not change.kept or change.kept[0] != (0, 0) or not change.old[0].strip():
        return None
    if sum(c.isalnum() for c in change.old[0]) < 3:
        return None
    cut = g.rng.randrange(1, len(change.old))
    made = [replace(change, old=change.old[cut:]), *g.made[1:]]
    return refused(g.source, made) if any(x.strip() for x in made[0].old) else None


def _kept_tail(change: Change) -> int:
    pairs = zip(reversed(change.old), reversed(change.new), strict=False)
    return next(
        (n for n, (a, b) in enumerate(pairs) if a != b), min(len(change.old), len(change.new))
    )


def cut_block(g: Given) -> Case | None:
    """The answer ends in the middle of the last block."""
    answer = blocks(g.source.path, g.made)
    end = answer.rindex(">>>>>>> REPLACE")
    begin = answer.rindex("<<<<<<< SEARCH")
    cut = answer[: g.rng.randrange(begin + 20, end)]
    return replace(refused(g.source, g.made, cut), pairs=[])


def cut_diff(g: Given) -> Case | None:
    """The answer ends in the middle of the last hunk."""
    answer = diff(g.source.path, g.made)
    last = diff_lines(g.made[-1])
    kept = g.rng.randrange(1, len(last))
    cut = "\n".join(answer.split("\n")[: -2 - (len(last) - kept)])
    return replace(refused(g.source, g.made, cut), pairs=[])


def cut_whole(g: Given) -> Case | None:
    """The answer ends in the middle of the file."""
    answer = whole(g.source.path, g.source.after)
    end = answer.rindex("```")
    cut = answer[: g.rng.randrange(end // 2, end)]
    return replace(refused(g.source, g.made, cut), pairs=[])


def elided_both(g: Given) -> Case | None:
    """Kept lines in the middle are `...` in both texts."""
    made = _elided(g, "...")
    return simple(g.source, made) if made else None


def elided_comment(g: Given) -> Case | None:
    """Kept lines in the middle are a comment that says so in both texts."""
    made = _elided(g, "    # ... existing code ...")
    return simple(g.source, made) if made else None


def elided_replace(g: Given) -> Case | None:
    """Kept lines in the middle are left out of the new text only."""
    made = _elided(g, "    # ... existing code ...")
    if not made:
        return None
    made = [replace(wide, old=c.old) for wide, c in zip(made, _wide(g), strict=True)]
    return replace(refused(g.source, made), gates=True)


def elided_search(g: Given) -> Case | None:
    """Kept lines in the middle are left out of the old text only."""
    made = _elided(g, "...")
    if not made:
        return None
    return refused(g.source, [replace(m, new=c.new) for m, c in zip(made, _wide(g), strict=True)])


def elided_whole(g: Given) -> Case | None:
    """The whole file is sent, and the rest of it is a comment."""
    lines = g.source.after.splitlines()
    if len(lines) < 12:
        return None
    content = "\n".join([*lines[: len(lines) // 2], "# ... rest of the code unchanged ...", ""])
    case = refused(g.source, g.made, whole(g.source.path, content))
    return replace(case, gates=True, pairs=[(g.source.before, content)])


def _wide(g: Given) -> list[Change]:
    return changes(g.source, 8)


def _elided(g: Given, mark: str) -> list[Change] | None:
    """The hunks, wide, each with the middle of its longest kept run left out."""
    made: list[Change] = []
    for change in _wide(g):
        runs = _runs(change)
        longest = max(runs, key=len, default=[])
        if len(longest) < 6:
            return None
        (i, j), (k, m) = longest[2], longest[-3]
        old = [*change.old[:i], mark, *change.old[k + 1 :]]
        new = [*change.new[:j], mark, *change.new[m + 1 :]]
        made.append(Change(old, new, change.first))
    return made


def _runs(change: Change) -> list[list[tuple[int, int]]]:
    runs: list[list[tuple[int, int]]] = []
    for i, j in change.kept:
        if runs and runs[-1][-1] == (i - 1, j - 1):
            runs[-1].append((i, j))
        else:
            runs.append([(i, j)])
    return runs


def misquoted_removed(g: Given) -> Case | None:
    """A line that is to go is quoted with another name in it."""
    change = g.made[0]
    kept = {i for i, _ in change.kept}
    gone = [i for i in range(len(change.old)) if i not in kept and len(change.old[i].strip()) > 4]
    if not gone:
        return None
    at = g.rng.choice(gone)
    old = [*change.old]
    old[at] += ".strip()"
    made = [replace(change, old=old), *g.made[1:]]
    return refused(g.source, made) if not stands_in(old, g.source.before) else None


def diff_numbers(g: Given) -> Case | None:
    """Line numbers are wrong by up to 40."""
    shift = g.rng.choice((-40, -7, -1, 1, 3, 25))
    return simple(g.source, g.made, diff(g.source.path, g.made, shift=shift))


def diff_counts(g: Given) -> Case | None:
    """Counts are wrong as well."""
    counts = g.rng.choice((-2, -1, 1, 3))
    return simple(g.source, g.made, diff(g.source.path, g.made, shift=5, counts=counts))


def diff_duplicated(g: Given) -> Case | None:
    """Line numbers are wrong, and the lines stand in the file twice."""
    case = p.duplicated(g)
    return case and replace(case, answer=diff(g.source.path, g.made, shift=9))


def diff_unmarked(g: Given) -> Case | None:
    """A line that stays lacks the space before it."""
    lines = diff(g.source.path, g.made).split("\n")
    # A line that begins with a mark of its own would be an addition, in a hunk with wrong counts.
    marked = [n for n, x in enumerate(lines) if x[:5] == "     " and n > 3 and _is_plain(x)]
    if not marked:
        return None
    at = g.rng.choice(marked)
    lines[at] = lines[at].strip()
    return refused(g.source, g.made, "\n".join(lines))


def _is_plain(line: str) -> bool:
    text = line.strip()
    return len(text) > 3 and text[0] not in "+-\\@"


def applied_block(g: Given) -> Case | None:
    """The edit, whose place was sure, is there already."""
    if any(stands_in(c.old, g.source.before) != 1 for c in g.made):
        return None
    if any(g.source.before.count(text(c.old)) != 1 for c in g.made):
        return None
    case = simple(g.source, g.made)
    return replace(case, files={g.source.path: case.expected or b""})


def applied_call(g: Given) -> Case | None:
    """The edit is there already, as tool calls."""
    case = applied_block(g)
    return case and replace(case, answer=calls(g.source.path, g.made))


RIGHT = (
    p.clean_block, p.clean_call, p.clean_diff, p.clean_whole, p.trailing_space, p.inner_space,
    p.tabs_in_answer, p.spaces_for_tabs_file, p.crlf_file, p.crlf_answer, p.byte_order_mark,
    p.latin_1_file, p.no_final_newline, p.rebased_elsewhere, p.partial_call, missing_blanks,
    extra_blanks, dedented, indented, indented_search, first_line_dedented, elided_both,
    elided_comment, p.misquoted_kept, diff_numbers, diff_counts, applied_block, applied_call,
)  # fmt: skip
REFUSED = (
    p.stale_elsewhere, p.stale_at_place, p.rebased_at_place, p.duplicated, p.duplicated_deeper,
    p.duplicated_anchors, p.partial_block, p.wrong_file, search_lost_tail, search_lost_head,
    cut_block, cut_diff, cut_whole, elided_replace, elided_search, elided_whole,
    misquoted_removed, diff_duplicated, diff_unmarked,
)  # fmt: skip
