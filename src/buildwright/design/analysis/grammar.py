"""Whether a word that can be a noun or a verb is used as a verb."""

from __future__ import annotations

from collections.abc import Sequence

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.text import Token


def is_used_as_verb(tokens: Sequence[Token], index: int) -> bool:
    """True if the word at `index` is a known verb and stands where a verb stands."""
    low = tokens[index].low
    stem = lexicon.verb_stem(low)
    if not stem or index + 1 >= len(tokens) or low.endswith("ed"):
        return False
    if not index or not tokens[index - 1].is_word:
        return (low == stem and _opens_object(tokens, index)) or _listed_verb(tokens, index)
    before = tokens[index - 1].low
    if low.endswith("ing"):
        return before in _BEFORE_ING or before in lexicon.words("system")
    if before in ("and", "or"):
        ahead = tokens[index + 1].low in ("each", "every", "the", "a", "an", "all")
        return (low.endswith("s") and low != stem and ahead) or _listed_verb(tokens, index)
    leads = before in lexicon.words("before_verbs") or before in lexicon.words("modals")
    return leads or _after_subject(before, low, stem)


_BEFORE_ING = frozenset({"for", "of", "by", "start"})


def _after_subject(before: str, low: str, stem: str) -> bool:
    """ "the API tracks", "students write": number agrees the way subject and verb do."""
    if low == stem:
        return lexicon.is_plural(before) and before not in lexicon.words("plural_modifiers")
    return before in lexicon.words("system") and not lexicon.is_plural(before)


def _opens_object(tokens: Sequence[Token], index: int) -> bool:
    """At the start of a clause a base form is an order if an object follows: "Track cats"."""
    after = tokens[index + 1]
    if after.low in lexicon.words("determiners"):
        return True
    if not lexicon.is_nominal(after.low):
        return False
    plural = any(lexicon.is_plural(t.low) for t in tokens[index + 1 : index + 4])
    return plural and (index == 0 or tokens[index - 1].low in (".", ";", ":", ")"))


def _listed_verb(tokens: Sequence[Token], index: int) -> bool:
    """True if an earlier part of the same list of verbs is a verb: "create, edit and delete"."""
    position = index - 1
    while position > 0 and tokens[position].low in (",", "and", "or", "/"):
        position -= 1
    if position < 0 or position == index - 1:
        return False
    low = tokens[position].low
    return low == lexicon.verb_stem(low) and low not in _NOUN_FIRST


_NOUN_FIRST = frozenset(
    {"name", "book", "note", "date", "order", "rate", "rank", "place", "record"}
)
