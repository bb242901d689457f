"""A declaration, and what the text spoke of before it."""

from __future__ import annotations

from dataclasses import dataclass

from buildwright.design.analysis.fields import guesses
from buildwright.design.analysis.lists import Element
from buildwright.design.analysis.nouns import Noun


@dataclass(frozen=True, slots=True)
class Declaration:
    """`nouns` have the `elements`; token indexes `[first, last)` of the sentence say so.

    `how` is "fields" (elements were given), "kept", "for" or "handled" (only that the things are
    kept, meant or worked with). `owners` stand behind prepositions: "loans of a piece".
    """

    sentence: int
    nouns: tuple[Noun, ...]
    elements: tuple[Element, ...]
    first: int
    last: int
    how: str = "fields"
    owners: tuple[Noun, ...] = ()


@dataclass(slots=True)
class Context:
    """The things that the text spoke of last: what "it has" refers to."""

    last: tuple[Noun, ...] = ()


def likely_fields(elements: list[Element], least: int = 1) -> bool:
    """True if a list reads like properties: enough known kinds of property, nothing unreadable."""
    read = [guesses(element) for element in elements]
    if not read or sum(map(bool, read)) * 10 < len(read) * 7:
        return False
    sure = sum(any(guess.sure for guess in group) for group in read)
    return sure >= least and sure * 3 >= len(read)
