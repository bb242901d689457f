"""Properties that come with a deed: "I sign up with my name", "give each entry a grade"."""

from __future__ import annotations

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.declaration import Declaration, likely_fields
from buildwright.design.analysis.events import event_nouns
from buildwright.design.analysis.lists import Element, split_list
from buildwright.design.analysis.model import is_actor_or_system
from buildwright.design.analysis.nouns import (
    Noun,
    clause_start,
    noun_after,
    noun_before,
    subject_of,
)
from buildwright.design.analysis.text import Token

Tokens = tuple[Token, ...]
_OWN = frozenset({"my", "his", "her", "their", "your", "our"})
_EACH = frozenset({"each", "every"})


def with_own(number: int, tokens: Tokens, index: int) -> Declaration | None:
    """ "As a student I sign up with my name and email": the words behind "with" are the doer's."""
    if index + 2 >= len(tokens) or tokens[index + 1].low not in _OWN:
        return None
    doer = _speaker(tokens) or noun_after(tokens, 0)
    elements, end = split_list(tokens, index + 1)
    if doer is None or doer.last > index or len(elements) < 2 or not likely_fields(elements, 2):
        return None
    return Declaration(number, (doer,), tuple(elements), index, end)


def _speaker(tokens: Tokens) -> Noun | None:
    """The student of "As a student I …"."""
    if tokens[0].low != "as":
        return None
    noun = noun_after(tokens, 1)
    told = (
        noun is not None and noun.last < len(tokens) and tokens[noun.last].low in ("i", ",", "we")
    )
    return noun if told else None


def given(number: int, tokens: Tokens, index: int) -> Declaration | None:
    """ "I give each enrolment a grade and a remark" at the verb."""
    if tokens[index].low not in ("give", "gives", "assign", "assigns"):
        return None
    noun = noun_after(tokens, index + 1)
    if noun is None or noun.determiner not in (*_EACH, "a", "an") or noun.last + 1 >= len(tokens):
        return None
    if tokens[noun.last].low not in ("a", "an"):
        return None
    elements, end = split_list(tokens, noun.last)
    return _strong(number, noun, elements, (index, end), least=1)


def on_occasion(number: int, tokens: Tokens, index: int) -> Declaration | None:
    """ "After a donation the clinic sends us volume in ml, date and …": of the donation."""
    if index < 4 or tokens[0].low not in ("after", "at", "during", "upon", "for", "with", "on"):
        return None
    if tokens[index].low not in ("us", "down", "in", "enters", "records", "notes", "sends"):
        return None
    noun = noun_after(tokens, 1)
    if noun is None or noun.last >= index or noun.determiner not in (*_EACH, "a", "an"):
        return None
    elements, end = split_list(tokens, index + 1)
    return _strong(number, noun, elements, (index, end), least=2) if len(elements) > 1 else None


def deed_list(number: int, tokens: Tokens, index: int) -> Declaration | None:
    """ "Each judge scores each cake: taste, look" or "rates a job with stars and a comment"."""
    found = _deed(tokens, index)
    if found is None:
        return None
    verb, noun = found
    start = index + 1
    if tokens[index].low == "with" and tokens[start].low.isdigit():
        start += 1
    elements, end = split_list(tokens, start)
    opinion = any(t.low in ("comment", "remark", "stars", "reason") for t in tokens[start:end])
    least = 1 if opinion or tokens[index].low == ":" else 2
    if not elements or not (likely_fields(elements, least) or _scored(elements, tokens[verb].low)):
        return None
    return Declaration(number, (noun,), tuple(elements), verb, end, told=True)


def _scored(elements: list[Element], verb: str) -> bool:
    """What is scored or rated may have any name: "idea, design, all from 1 to 5"."""
    bounds = any("from" in e.lows and any(low.isdigit() for low in e.lows) for e in elements)
    return bounds and len(elements) > 2 and verb.startswith(("score", "rate", "judge", "grade"))


def _deed(tokens: Tokens, index: int) -> tuple[int, Noun] | None:
    """Index of the verb before the object that ends at `index`, and the noun for the deed."""
    thing = noun_before(tokens, index)
    if thing is None or not thing.determiner or thing.first < 3:
        return None
    at = thing.first - 2
    if tokens[at].low in ("on", "for", "about"):
        at -= 1
    stem = lexicon.verb_stem(tokens[at].low)
    noun = subject_of(tokens, at)
    if stem not in _DEEDS or noun is None or not clause_start(tokens, noun):
        return None
    if not noun.determiner and not noun.plural:
        return None
    token = tokens[at]
    return at, Noun((event_nouns(stem)[0],), at, at + 1, token.start, token.end, "a")


_DEEDS = frozenset({"score", "rate", "review", "judge", "comment", "grade", "evaluate", "assess"})


def _strong(
    number: int, noun: Noun, elements: list[Element], at: tuple[int, int], *, least: int
) -> Declaration | None:
    if is_actor_or_system(noun) or not likely_fields(elements, least):
        return None
    return Declaration(number, (noun,), tuple(elements), at[0], at[1])
