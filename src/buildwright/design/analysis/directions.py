"""Which of two mentioned things holds the reference, by the words between them."""

from __future__ import annotations

from typing import Literal

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.mentions import Mention

Direction = Literal["left", "right", "both", ""]
"""Which side holds the reference: "left" belongs to right, right belongs to left, or both."""


def direction_of(left: Mention, gap: tuple[str, ...], right: Mention) -> Direction:
    """Who refers to whom, by the words between two mentions; empty if they say nothing."""
    words = [low for low in gap if low not in lexicon.words("weak_adjectives")]
    if words[:1] == [","] and words[1:2] in (["which"], ["that"], ["who"]):
        words = words[2:]
    if left.plural and words[-1:] == ["their"] and words[-2:-1] in ([","], ["and"], ["with"]):
        return "right"
    owned = len(words) == 2 and words[1] == "their" and left.plural and not words[0].endswith("s")
    if owned and lexicon.verb_stem(words[0]) in lexicon.words("own_verbs"):
        return "right"
    if not words or ("," in words[:-1] and len(words) > 3):
        return ""
    tests = (_both, _belongs, _part_of, _has_many, _looks_after, _owns, _points, _stands, _of)
    for test in tests:
        direction = test(left, tuple(words), right)
        if direction:
            return direction
    return ""


def _both(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    passive = "be" in words or "are" in words or "is" in words
    linked = any(low in lexicon.words("linked_words") for low in words) or "in" in words
    if right.determiner in lexicon.words("many_words"):
        linked |= any(lexicon.is_past(low) for low in words)
    many_right = right.determiner in lexicon.words("many_words") or (
        right.plural and right.determiner in ("", "other")
    )
    if passive and linked and many_right:
        return "both"
    if "belong" in words and right.determiner in lexicon.words("many_words"):
        return "both"
    return "both" if left.name == right.name and right.determiner == "other" else ""


def _belongs(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    if words[0] in ("belongs", "belong", "refers", "refer", "points", "point"):
        return "left"
    if len(words) > 1 and words[1] in ("belong", "refer", "point") and len(words) < 6:
        return "left"
    return ""


def _part_of(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    """ "is part of a course", "concerns exactly one item", "names the plant": one is meant."""
    if any(low in lexicon.words("modals") for low in words):
        return ""
    core = list(words)
    if "," in core or right.plural or right.determiner in lexicon.words("many_words"):
        return ""
    while core[-1:] and core[-1] in ("one", "exactly", "most", "least", "at", "a", "an", "the"):
        core.pop()
    if len(core) > 1 and core[0] in lexicon.words("be") and core[-1] == "of":
        inner = [low for low in core[1:-1] if low not in lexicon.words("determiners")]
        return "left" if inner and set(inner) <= lexicon.words("part_nouns") else ""
    verb = lexicon.verb_stem(core[0]) or core[0].removesuffix("s") if core else ""
    plain = (
        core and len(core) <= 2 and not core[0].endswith(("ed", "ing")) and left.determiner != "no"
    )
    return "left" if plain and verb in lexicon.words("refer_verbs") else ""


def _has_many(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    verb = next((low for low in words if low in lexicon.words("containing_verbs")), "")
    if not verb or len(words) > 6 or "," in words or "most" in words:
        return ""
    if right.many or right.determiner.isdigit():
        return "right"
    return "left" if verb in ("has", "have") and right.determiner in ("a", "an", "one") else ""


def _looks_after(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    """ "for each medicine there are schedules", "a tutor can look after many pupils"."""
    if left.determiner in ("each", "every") and "there" in words and len(words) <= 6:
        return "right"
    core = [low for low in words if low not in lexicon.words("modals")]
    many = right.determiner in lexicon.words("many_words") and right.plural
    verb = core and lexicon.verb_stem(core[0]) and not core[0].endswith(("ed", "ing"))
    return "right" if many and verb and len(core) <= 4 and "," not in core else ""


def _owns(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    core = [
        low
        for low in words
        if low not in lexicon.words("modals") and low not in lexicon.words("one_words")
    ]
    may = any(low in ("can", "may") for low in words)
    limit = may and (right.determiner in ("one", "exactly") or right.determiner.isdigit())
    if limit or not 1 <= len(core) <= 2 or left.determiner == "no":
        return ""
    verb = lexicon.verb_stem(core[0])
    if verb not in lexicon.words("own_verbs") or core[0].endswith(("ed", "ing")):
        return ""
    if len(core) == 2 and core[1] not in ("for", "many", "several", "any"):
        return ""
    return "right"


def _points(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    """ "plots lie on one site", "matches are between two players", "leases tie one tenant"."""
    if "," in words or any(low in lexicon.words("conjunctions") for low in words):
        return ""
    for_each = right.determiner in ("each", "every") and "for" in words[-3:]
    if for_each and any(low in lexicon.words("be") for low in words):
        return "left"
    if len(words) > 6 or right.determiner not in _SINGLE:
        return ""
    core = [low for low in words if low not in lexicon.words("one_words") and low != "two"]
    return "left" if core and _reaches(core, right.determiner) else ""


_SINGLE = frozenset({"one", "exactly", "a", "an", "two", "its", "1"})


def _reaches(core: list[str], determiner: str) -> bool:
    """True if the words are a verb with a preposition, or a verb before "one"."""
    if core[0] in lexicon.words("modals") or core[-1] in ("when", "if", "while", "that"):
        return False
    one = determiner in ("one", "exactly", "1")
    if determiner == "two" and lexicon.verb_stem(core[0]) in lexicon.words("link_verbs"):
        return len(core) == 1
    if len(core) == 2 and core[1] in lexicon.words("place_prepositions") and one:
        return True
    unknown = len(core) > 1 and core[0].endswith("s") and lexicon.is_plural(core[0])
    if not lexicon.is_verb_like(core[0]) and not unknown:
        return False
    return core[-1] in lexicon.words("prepositions") if len(core) > 1 else one


def _stands(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    """ "vehicles are assigned to a station", "given during a visit", "is issued to the member"."""
    if any(low in lexicon.words("modals") for low in words):
        return ""
    core = [low for low in words if low != "be"]
    while core and core[0] in lexicon.words("be"):
        core.pop(0)
    core = [low for low in core if low not in lexicon.words("one_words")]
    if len(core) != 2 or right.determiner in lexicon.words("many_words"):
        return ""
    held = core[0] in lexicon.words("held_participles")
    if not held or core[1] not in lexicon.words("held_prepositions"):
        return ""
    return "left" if not right.plural or (left.plural and not right.determiner) else ""


def _of(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    """ "loans of a piece", "reviews of books": a noun hangs on another by a preposition."""
    core = [low for low in words if low not in lexicon.words("one_words") or low == "of"]
    core = [low for low in core if low not in lexicon.words("determiners")]
    if core in (["between"], ["between", "two"]) and right.plural:
        return "left"
    if len(core) != 1 or core[0] not in ("of", "for", "by", "to", "on", "in", "at", "from"):
        return ""
    if core[0] == "of" and left.name != right.name:
        return "left"
    if core[0] in ("on", "for") and left.plural and right.plural:
        return "left"
    close = right.determiner in ("a", "an", "one", "its", "1", "exactly")
    return "left" if close else ""


def continues_chain(gap: tuple[str, ...], right: Mention) -> bool:
    """True if `gap` adds one more reference: "a loan of a piece | to a singer"."""
    words = [low for low in gap if low not in (",", "and")]
    if not words or (right.plural and right.determiner != ""):
        return False
    core = [
        low
        for low in words
        if low not in lexicon.words("one_words") and low not in lexicon.words("determiners")
    ]
    return len(core) <= 1 and all(low in lexicon.words("prepositions") for low in core)
