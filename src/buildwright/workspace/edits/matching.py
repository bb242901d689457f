"""Where a hunk stands in a file: exactly, else alone but for white space, else by its anchors.

A place is taken only when it is the only one, and an edit removes only lines that it quotes.
"""

from __future__ import annotations

from buildwright.workspace.edits.aligning import Unfit, changes
from buildwright.workspace.edits.anchors import anchored, elided
from buildwright.workspace.edits.forms import Hunk, Reason
from buildwright.workspace.edits.inside import inside_lines, occurrences
from buildwright.workspace.edits.missed import MORE, QUOTE, Missed
from buildwright.workspace.edits.pages import Page, indent_of, squeezed
from buildwright.workspace.edits.repeats import covered, refuse_repeats, shows_itself, standing
from buildwright.workspace.edits.spans import Match, Piece, pieces, spread

Found = tuple[Hunk, Match]


def place(page: Page, hunk: Hunk) -> list[Piece] | None:
    """Return the replacements, or None when the new text is there already; raises Missed."""
    try:
        return _place(page, hunk)
    except Unfit as error:
        raise Missed(Reason.DOUBTFUL, str(error), QUOTE) from error


def _place(page: Page, hunk: Hunk) -> list[Piece] | None:
    if not hunk.old:
        return _filled(page, hunk)
    if hunk.line is not None and _stands_at(page, hunk, hunk.line - 1):
        return pieces(page, hunk, _run(hunk, hunk.line - 1))
    inside = inside_lines(page, hunk) if hunk.partial else None
    if inside is not None:
        return inside
    found = locate(page, hunk)
    return _checked(page, *found) if found is not None else _approximate(page, hunk)


def _approximate(page: Page, hunk: Hunk) -> list[Piece] | None:
    if _there_already(page, hunk):
        return None
    parts = elided(hunk)
    if parts:
        return _in_order(page, parts)
    match = anchored(page, hunk)
    if match is None:
        raise Missed(Reason.NOT_FOUND, "the text to replace is not in the file", QUOTE)
    return _checked(page, hunk, match)


def locate(page: Page, hunk: Hunk) -> Found | None:
    """Return the one place that equals the old lines, white space aside; raises Missed."""
    for ladder in (_exact, _first_line_dedented, _loose):
        found = ladder(page, hunk)
        if found is not None:
            return found
    return None


def _run(hunk: Hunk, first: int) -> Match:
    return Match(tuple(range(first, first + len(hunk.old))), exact=True)


def _stands_at(page: Page, hunk: Hunk, first: int) -> bool:
    return first >= 0 and tuple(page.lines[first : first + len(hunk.old)]) == hunk.old


def _filled(page: Page, hunk: Hunk) -> list[Piece]:
    """New lines without old ones: into an empty file, or at a line number that is believed."""
    if not page.lines:
        return pieces(page, hunk, Match((), exact=True))
    if hunk.line is None or hunk.line - 1 > len(page.lines):
        raise Missed(Reason.AMBIGUOUS, "the edit quotes no line of a file that has some", QUOTE)
    number = hunk.line - 1
    at_end = number == len(page.lines)
    beside = number - 1 if at_end else number
    kept = page.lines[beside]
    new = (kept, *hunk.new) if at_end else (*hunk.new, kept)
    wide = Hunk((kept,), new, final_newline=hunk.final_newline)
    return pieces(page, wide, Match((beside,), exact=True))


def _exact(page: Page, hunk: Hunk) -> Found | None:
    places = page.exact_places(hunk.old)
    if not places:
        return None
    _refuse_many(places, len(places))
    loose = page.loose_places(solid_lines(hunk.old))
    _refuse_many([page.solid[n] for n in loose], len(loose), ", white space aside")
    return hunk, _run(hunk, places[0])


def _first_line_dedented(page: Page, hunk: Hunk) -> Found | None:
    """The lines are exact but for the indentation of the first, which was left out."""
    first, rest = hunk.old[0], hunk.old[1:]
    if not first.strip() or indent_of(first) or not any(line.strip() for line in rest):
        return None
    below = page.exact_places(rest)
    places = [n - 1 for n in below if n and page.lines[n - 1].lstrip(" \t") == first]
    if not places:
        return None
    _refuse_many(places, len(places))
    loose = page.loose_places(solid_lines(hunk.old))
    _refuse_many([page.solid[n] for n in loose], len(loose), ", white space aside")
    indent = indent_of(page.lines[places[0]])
    if hunk.new and (not hunk.new[0].strip() or indent_of(hunk.new[0])):
        raise Unfit("the indentation of the first line is left out of the quoted text only")
    new = (indent + hunk.new[0], *hunk.new[1:]) if hunk.new else ()
    full = Hunk((indent + first, *rest), new, final_newline=hunk.final_newline)
    return full, _run(full, places[0])


def _loose(page: Page, hunk: Hunk) -> Found | None:
    wanted = solid_lines(hunk.old)
    if not any(character.isalnum() for line in wanted for character in line):
        return None
    places = page.loose_places(wanted)
    if not places:
        return None
    lines = [page.solid[n] for n in places]
    _refuse_many(lines, len(lines), ", white space aside")
    _refuse_lone_line(hunk, page.lines[lines[0]])
    solid = page.solid[places[0] : places[0] + len(wanted)]
    return hunk, spread(page, hunk, list(solid))


def _refuse_lone_line(hunk: Hunk, theirs: str) -> None:
    """One quoted line without its indentation: do the further new lines lack it too?"""
    mine = [line for line in hunk.old if line.strip()]
    rest = [line for line in hunk.new[1:] if line.strip()]
    if len(mine) > 1 or not rest or indent_of(mine[0]) == indent_of(theirs):
        return
    if all(len(indent_of(line)) >= len(indent_of(theirs)) for line in rest):
        raise Unfit("the indentation of the quoted line is not the file's")


def solid_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the squeezed lines that are not blank."""
    return tuple(line for line in map(squeezed, lines) if line)


def _refuse_many(lines: list[int], count: int, how: str = "") -> None:
    if count < 2:
        return
    numbers = tuple(n + 1 for n in lines)
    told = ", ".join(map(str, numbers))
    message = f"the text to replace is at {count} places{how}: lines {told}"
    raise Missed(Reason.AMBIGUOUS, message, MORE, numbers)


def _checked(page: Page, hunk: Hunk, match: Match) -> list[Piece] | None:
    if covered(page, hunk, match):
        return None
    found = pieces(page, hunk, match)
    refuse_repeats(page, hunk, match)
    return found


def _there_already(page: Page, hunk: Hunk) -> bool:
    if not shows_itself(page, hunk):
        return False
    if hunk.partial:
        return len(occurrences(page, "\n".join(hunk.new))) == 1
    return len(standing(page, hunk.new)) == 1


def _in_order(page: Page, parts: list[Hunk]) -> list[Piece] | None:
    """Every part between elisions at its own place, one after the other."""
    found: list[Piece] = []
    reached, already = -1, True
    for part in parts:
        located = locate(page, part)
        if located is None:
            raise Missed(
                Reason.NOT_FOUND, "a part of the text to replace is not in the file", QUOTE
            )
        known = [n for n in located[1].places if n is not None]
        if min(known) <= reached:
            raise Missed(Reason.DOUBTFUL, "the parts between '...' are not in this order", QUOTE)
        reached = max(known)
        if changes(part.old, part.new):
            these = _checked(page, *located)
            already = already and these is None
            found += these or []
    return None if already else found
