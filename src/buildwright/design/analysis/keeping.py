"""What the text says is kept: "tracks books", "for every plot we keep the number and the area"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.grammar import is_used_as_verb
from buildwright.design.analysis.nouns import Noun, Tokens, noun_after, noun_before, third_person


@dataclass(frozen=True, slots=True)
class Kept:
    """Things kept; `list_at` is where their properties are listed, 0 if they are not.

    `strong` is False for verbs like "create" or "browse", which also have other objects;
    `purpose` is True behind "an API for", which may also name its users.
    """

    nouns: tuple[Noun, ...]
    last: int
    list_at: int = 0
    strong: bool = True
    owners: tuple[Noun, ...] = ()
    purpose: bool = False


def kept_at(tokens: Tokens, index: int) -> Kept | None:
    """What a verb of keeping at `index` keeps, None if there is no such verb."""
    low = tokens[index].low
    stem = lexicon.verb_stem(low) or (low if low in lexicon.words("note_verbs") else "")
    used = bool(stem) and is_used_as_verb(tokens, index)
    if stem in lexicon.words("keep_verbs") or stem in lexicon.words("note_verbs"):
        found = _about_each(tokens, index)
        if found or not used or stem not in lexicon.words("keep_verbs"):
            return found
        return _objects(tokens, _object_start(tokens, index), strong=True)
    if used and stem in lexicon.words("crud_verbs"):
        return _objects(tokens, index + 1, strong=False)
    if low == "for" and _after_system(tokens, index):
        found = _objects(tokens, index + 1, strong=True)
        return replace(found, purpose=True) if found else None
    tables = low == "of" and index > 0 and tokens[index - 1].low in ("table", "tables")
    if tables or (low in _OF_SYSTEM and _after_system(tokens, index)):
        return _objects(tokens, index + 1, strong=True)
    return None


_OF_SYSTEM = frozenset({"of", "over", "about", "around"})


def _about_each(tokens: Tokens, index: int) -> Kept | None:
    """ "For every bridge we keep a name and …": the noun before the verb has the list after it."""
    end = index
    while end > 0 and tokens[end - 1].low in _BETWEEN:
        end -= 1
    noun = noun_before(tokens, end)
    if noun and noun.head in lexicon.words("system") and end < index + 1:
        end = noun.first - (1 if noun.determiner else 0)
        noun = noun_before(tokens, end - 1 if tokens[end - 1].low == "," else end)
    if noun is None or (end == index and tokens[index - 1].is_word is False):
        return None
    before = noun.first - (2 if noun.determiner else 1)
    if before < 0 or tokens[before].low not in ("for", "of", "about", "per", "on", "to", "from"):
        return None
    if before > 0 and tokens[before - 1].is_word and tokens[before - 1].low not in _OPENERS:
        return None
    return Kept((noun,), index + 1, list_at=_skip_adverbs(tokens, index + 1))


_BETWEEN = frozenset(
    [
        "we",
        "it",
        "they",
        "i",
        "you",
        "one",
        "only",
        "also",
        "just",
        "always",
        "must",
        "should",
        "can",
        "will",
        "want",
        "need",
        "to",
        ",",
        "the",
        "would",
        "like",
    ]
)
_OPENERS = frozenset({"and", "but", "also", "then", "that", "so"})


def _skip_adverbs(tokens: Tokens, index: int) -> int:
    while index < len(tokens) and tokens[index].low in ("only", "just", "also", "simply", ":"):
        index += 1
    return index


def _object_start(tokens: Tokens, index: int) -> int:
    start = index + 1
    if tokens[start : start + 2] and [t.low for t in tokens[start : start + 2]] == ["track", "of"]:
        return start + 2
    return start


def _after_system(tokens: Tokens, index: int) -> bool:
    """ "A REST API for recipes": the preposition follows a word for the software itself."""
    if index == 0 or tokens[index - 1].low not in lexicon.words("software"):
        return False
    return index + 1 < len(tokens)


def _objects(tokens: Tokens, start: int, *, strong: bool) -> Kept | None:
    nouns: list[Noun] = []
    owners: list[Noun] = []
    position = start
    while position < len(tokens) and len(nouns) < 8:
        noun = _through_collection(tokens, position)
        if noun is None or not _keepable(noun, strong=strong) or _verb_here(tokens, noun):
            break
        nouns.append(noun)
        position = _owners(tokens, noun.last, owners if len(nouns) == 1 else [])
        position = _skip_brackets(tokens, position)
        step = _next_object(tokens, position)
        if not step:
            break
        position += step
    if not nouns:
        return None
    return Kept(tuple(nouns), nouns[-1].last, strong=strong, owners=tuple(owners))


def _through_collection(tokens: Tokens, position: int) -> Noun | None:
    for _ in range(3):
        noun = noun_after(tokens, position)
        if noun is None or noun.last + 1 >= len(tokens):
            return noun
        if noun.head not in lexicon.words("collections"):
            return noun
        if tokens[noun.last].low not in ("of", "about", "on", "for"):
            return noun
        position = noun.last + 1
    return None


def _verb_here(tokens: Tokens, noun: Noun) -> bool:
    """ "stores prices and answers whether": no third object but a verb."""
    after = tokens[noun.last].low if noun.last < len(tokens) else ""
    return len(noun.words) == 1 and third_person(noun.head) and after in lexicon.words("wh_words")


def _keepable(noun: Noun, *, strong: bool) -> bool:
    if noun.head in lexicon.words("stop_nouns") or noun.head in lexicon.words("system"):
        return False
    if noun.plural and noun.determiner not in ("no",):
        return True
    return noun.determiner in ("each", "every") or (
        strong is False and noun.determiner in ("a", "an")
    )


def _owners(tokens: Tokens, position: int, owners: list[Noun]) -> int:
    for _ in range(3):
        if position >= len(tokens) or tokens[position].low not in _OWNER_PREPOSITIONS:
            break
        noun = noun_after(tokens, position + 1)
        if noun is None or noun.head in lexicon.words("stop_nouns"):
            break
        owners.append(noun)
        position = noun.last
    return position


_OWNER_PREPOSITIONS = frozenset({"of", "to", "by", "at", "in", "on", "from", "for"})


def _skip_brackets(tokens: Tokens, position: int) -> int:
    if position < len(tokens) and tokens[position].low == "(":
        while position < len(tokens) and tokens[position].low != ")":
            position += 1
        return position + 1
    return position


def _next_object(tokens: Tokens, position: int) -> int:
    if position >= len(tokens) or tokens[position].low not in (",", "and", "&", "or"):
        return 0
    step = 1
    while position + step < len(tokens) and tokens[position + step].low in ("and", "their", "the"):
        step += 1
    return step
