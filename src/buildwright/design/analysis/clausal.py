"""Clauses that share a subject: "a job has a rate, belongs to an order and is given to a clerk"."""

from __future__ import annotations

from collections.abc import Iterator

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.mentions import Mention
from buildwright.design.analysis.nouns import Tokens

_REACH = 8
_JOINS = frozenset({",", "and", ";", "but", "or", "-", "\u2013", "\u2014"})


def clause_links(
    tokens: Tokens, found: list[Mention]
) -> Iterator[tuple[Mention, tuple[str, ...], Mention, int]]:
    """(subject, words between, object, index of the verb) of clauses without an own subject.

    The subject is the first mention if the sentence opens with it, later one that opens a clause
    and is followed by a verb.
    """
    subject: Mention | None = None
    for position, mention in enumerate(found):
        if _opens_clause(tokens, mention, first=position == 0):
            subject = mention
            continue
        start = _clause_start(tokens, mention, subject)
        if subject is None or start is None:
            continue
        words = [token.low for token in tokens[start : mention.first]]
        gap = tuple(low for low in words if low not in lexicon.words("adverbs"))
        if gap and _begins_with_verb(gap[0], subject):
            yield subject, gap, mention, start


def _opens_clause(tokens: Tokens, mention: Mention, *, first: bool) -> bool:
    before = mention.first - 1
    while before >= 0 and (
        tokens[before].low in lexicon.words("determiners")
        or tokens[before].low in lexicon.words("weak_adjectives")
    ):
        before -= 1
    opened = before < 0 or tokens[before].low in _JOINS or tokens[before].low in (":", "that")
    if not opened or mention.last >= len(tokens):
        return False
    after = tokens[mention.last].low
    if first and before < 0:
        return after in _JOINS or after in ("(", ":", "=") or lexicon.is_verb_like(after)
    return lexicon.is_verb_like(after) and before >= 0 and _agrees(after, mention)


def _agrees(verb: str, mention: Mention) -> bool:
    plural = not verb.endswith("s") or verb in ("has", "is", "was")
    return plural == mention.plural or verb in lexicon.words("modals") or not mention.plural


def _clause_start(tokens: Tokens, mention: Mention, subject: Mention | None) -> int | None:
    floor = max(mention.first - _REACH, subject.last if subject else 0)
    for index in range(mention.first - 2, floor - 1, -1):
        if tokens[index].low in _JOINS and tokens[index + 1].is_word:
            if not _begins_with_verb(tokens[index + 1].low, subject):
                continue
            return index + 1
    return None


def _begins_with_verb(low: str, subject: Mention | None) -> bool:
    if low in lexicon.words("held_participles") or low in lexicon.words("be"):
        return True
    if low in lexicon.words("modals") or low in ("belongs", "refers", "has"):
        return True
    stem = lexicon.verb_stem(low)
    third = low.endswith("s") and low != stem
    return bool(stem) and (third or (subject is not None and subject.plural and low == stem))
