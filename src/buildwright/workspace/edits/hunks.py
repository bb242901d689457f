"""All hunks of one file: placed one by one, then checked against each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from buildwright.workspace.edits.forms import (
    Edit,
    EditRefused,
    Reason,
    Refusal,
    Request,
    Span,
    sha256,
)
from buildwright.workspace.edits.matching import place
from buildwright.workspace.edits.missed import Missed
from buildwright.workspace.edits.nearest import excerpt
from buildwright.workspace.edits.pages import Page

# Further refusals of one file carry no lines; the first ones are enough to go on with.
MAX_EXCERPTS = 20


@dataclass(frozen=True, slots=True)
class Taken:
    """What one request comes to."""

    edits: tuple[Edit, ...] = ()
    already: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Placed:
    number: int
    span: Span
    text: str


def modified(request: Request, data: bytes) -> Taken | list[Refusal]:
    """Return the edits of the request's hunks in file order, or why some have no sure place."""
    try:
        page = Page(request.path, data)
    except EditRefused as error:
        return [Refusal(request.path, Reason.BINARY, error.message, error.next_step)]
    placed: list[_Placed] = []
    already: list[str] = []
    refused: list[Refusal] = []
    for number, hunk in enumerate(request.hunks, start=1):
        try:
            found = place(page, hunk)
        except Missed as missed:
            shown = excerpt(page, hunk, missed.lines) if len(refused) < MAX_EXCERPTS else ""
            refused.append(_refusal(request.path, number, missed, shown))
            continue
        if not found:
            already.append(f"{request.path}, edit {number}: there already")
        placed += [_Placed(number, span, text) for span, text in found or ()]
    placed.sort(key=lambda one: one.span)
    refused = refused or _overlaps(page, request, placed) or _foreign(page, request.path, placed)
    if refused:
        return refused
    digest = sha256(data)
    edits = (Edit(request.path, digest, one.span, one.text) for one in placed)
    return Taken(tuple(edits), tuple(already))


def _refusal(path: str, number: int, missed: Missed, shown: str) -> Refusal:
    return Refusal(
        path,
        missed.reason,
        missed.message,
        missed.next_step,
        number,
        missed.lines,
        shown,
    )


def _overlaps(page: Page, request: Request, placed: list[_Placed]) -> list[Refusal]:
    for one, other in pairwise(placed):
        same_point = one.span == other.span
        if one.number != other.number and (same_point or other.span[0] < one.span[1]):
            message = f"it changes the same lines as edit {one.number}"
            step = "make one edit of the two"
            return [
                Refusal(
                    request.path,
                    Reason.OVERLAP,
                    message,
                    step,
                    other.number,
                    excerpt=excerpt(page, request.hunks[other.number - 1]),
                )
            ]
    return []


def _foreign(page: Page, path: str, placed: list[_Placed]) -> list[Refusal]:
    """A file that is not UTF-8 takes ASCII only: its encoding is not known."""
    if page.is_utf8:
        return []
    return [
        Refusal(
            path,
            Reason.ENCODING,
            "the file is not UTF-8, so only ASCII can be written to it",
            "use ASCII, or leave the file alone",
            one.number,
        )
        for one in placed
        if not one.text.isascii()
    ]
