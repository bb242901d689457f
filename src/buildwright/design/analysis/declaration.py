"""A declaration, and what the text spoke of before it."""

from __future__ import annotations

from dataclasses import dataclass

from buildwright.design.analysis.fields import guesses
from buildwright.design.analysis.lists import Element
from buildwright.design.analysis.nouns import Noun


@dataclass(frozen=True, slots=True)
class Declaration:
    """`nouns` have the `elements`; token indexes `[first, last)` of the sentence say so.

    `how` is "fields" (elements were given), "table" (derived, see `tables.py`), "kept", "for" or
    "handled" (only that the things are kept, meant or worked with). `owners` stand behind
    prepositions: "loans of a piece". `told` is True behind a verb of having, where even unknown
    kinds of property are properties; `owned` if "their …" follows; `may` if it is said with "can"
    or "may": "a member can have one loan" limits the loans.
    """

    sentence: int
    nouns: tuple[Noun, ...]
    elements: tuple[Element, ...]
    first: int
    last: int
    how: str = "fields"
    owners: tuple[Noun, ...] = ()
    told: bool = False
    may: bool = False
    owned: bool = False


@dataclass(slots=True)
class Context:
    """The things that the text spoke of last: what "it has" refers to.

    `made` is what a command made that later ones call by its name.
    """

    last: tuple[Noun, ...] = ()
    made: Noun | None = None


def likely_fields(elements: list[Element], least: int = 1) -> bool:
    """True if a list reads like properties: enough known kinds of property, nothing unreadable."""
    read = [guesses(element) for element in elements if not _is_number_of(element)]
    if not read or sum(map(bool, read)) * 10 < len(read) * 7:
        return False
    sure = sum(any(guess.sure for guess in group) for group in read)
    return sure >= least and sure * 3 >= len(read)


def _is_number_of(element: Element) -> bool:
    """ "three to five members": that there are some says nothing about the list."""
    low = element.lows[0] if len(element.lows) > 1 else ""
    return low[:1].isdigit() or low in ("two", "three", "four", "five", "six", "ten", "twelve")


def told_fields(declaration: Declaration) -> bool:
    """True if what stands behind a verb of having may be properties, known kinds or not."""
    read = [guesses(element) for element in declaration.elements]
    named = sum(map(bool, read))
    if not declaration.told or named < 2 or named * 10 < len(read) * 7:
        return False
    return any(guess.sure for group in read for guess in group) or named > 2
