"""Where a list of properties ends and a clause of its own begins."""

from __future__ import annotations

from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.nouns import third_person

_RELATIVE = frozenset({"that", "which", "who", "whose"})


def is_clause(lows: tuple[str, ...]) -> bool:
    """True if the words of a list element are no property: a clause, or another thing's list."""
    if lows[:1] in (("which",), ("who",), ("that",)) and len(lows) > 1 and _is_finite(lows[1]):
        return True
    if not lows or lows[0] in lexicon.words("wh_words") or "flag" in lows[:2]:
        return False
    while len(lows) > 2 and lows[0] in ("always", "usually", "also", "then", "never"):
        lows = lows[1:]
    if lows[0] in lexicon.words("be") and len(lows) > 1:
        return lows[1] not in _SUBJECTS and not any(types.is_yes_no(low) for low in lows)
    return _starts_anew(lows) or _lists_anew(lows) or _acts(lows) or _finite_at(lows) > 0


def _does(low: str, following: str) -> bool:
    """ "parents add their children": a base form between a plural and an object."""
    if low != lexicon.verb_stem(low):
        return False
    return following in lexicon.words("determiners") or _plural_noun(following)


def is_deed(lows: tuple[str, ...]) -> bool:
    """True for a doer and a deed where a property was expected: "the depot marks them"."""
    if not lows or lows[0] in lexicon.words("wh_words") or "flag" in lows[:2]:
        return False
    return _acts(lows) or (_finite_at(lows) > 0 and lows[0] in _DETERMINERS)


_SUBJECTS = frozenset({"it", "they", "he", "she", "this", "that"})
_OBJECTS = frozenset({"them", "it", "him", "her", "the", "a", "an", "their", "its", "one"})


def _acts(lows: tuple[str, ...]) -> bool:
    """ "the depot marks them", "vote for them", "cooks who wrote them": a doer and a deed."""
    if lows[-1] in ("them", "it", "him", "her") and lows[0] == lexicon.verb_stem(lows[0]):
        return True
    for index in range(1, len(lows) - 1):
        done = lexicon.is_past(lows[index]) and lows[index + 1] in ("on", "by", "at", "for", "to")
        if done and _plural_noun(lows[index - 1]) and "number" not in lows[:index]:
            return lows[0] not in ("a", "an")
        if lows[index] in ("who", "that", "which") and lexicon.is_past(lows[index + 1]):
            return lexicon.is_plural(lows[index - 1])
        if _plural_noun(lows[index - 1]) and _does(lows[index], lows[index + 1]):
            return True
        if third_person(lows[index]) and lows[index + 1] in _OBJECTS:
            return not any(low in lexicon.words("wh_words") for low in lows[:index])
    return False


def _starts_anew(lows: tuple[str, ...]) -> bool:
    first, second = lows[0], lows[1] if len(lows) > 1 else ""
    if (first, second) == ("up", "to"):
        return False
    if first in lexicon.words("prepositions") and first not in lexicon.words("field_prepositions"):
        return True
    if first in lexicon.words("clause_starts"):
        return True
    if third_person(first) and (second in lexicon.words("after_verb") or _plural_noun(second)):
        return True
    return first == lexicon.verb_stem(first) and second in _DETERMINERS


def _plural_noun(low: str) -> bool:
    return lexicon.is_nominal(low) and lexicon.is_plural(low)


def _lists_anew(lows: tuple[str, ...]) -> bool:
    """ "members with name", "each with a position": the list of another thing begins."""
    inner = lows.index("with") if "with" in lows[1:] else 0
    counted = lows[0] in ("a", "an") or "number" in lows[:inner]
    plural = any(_plural_noun(low) for low in lows[:inner]) and not counted
    return bool(inner and plural) or lows[:2] == ("each", "with")


_DETERMINERS = frozenset({"a", "an", "the", "all", "every", "each", "it", "them"})


def _finite_at(lows: tuple[str, ...]) -> int:
    for index, low in enumerate(lows):
        if (
            low in _RELATIVE
            or low in lexicon.words("wh_words")
            or low in ("it", "they", "he", "she", "we", "you")
        ):
            return -1
        if _is_finite(low):
            return index
    return -1


def _is_finite(low: str) -> bool:
    if low in lexicon.words("be") or low in lexicon.words("modals"):
        return low not in ("being", "been", "need")
    return low in _FINITE_HAVE or low in lexicon.words("do") or low in lexicon.words("finite_verbs")


_FINITE_HAVE = frozenset({"has", "have", "had"})
