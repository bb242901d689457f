""" "Book: title, year", "halls (number, seats)", "books with title": a noun, then its list."""

from __future__ import annotations

from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.clauses import is_deed
from buildwright.design.analysis.declaration import Context, Declaration, likely_fields
from buildwright.design.analysis.having import before_bracket, is_here
from buildwright.design.analysis.lists import Element, split_list
from buildwright.design.analysis.model import is_system
from buildwright.design.analysis.nouns import Noun, noun_after, noun_before
from buildwright.design.analysis.text import Token
from buildwright.design.words import singular


def after_colon(number: int, tokens: tuple[Token, ...], index: int) -> Declaration | None:
    """ "Book: title, year" at the colon or equals sign `index`."""
    noun = _labelled(tokens, index) or noun_before(tokens, index)
    if noun is None and index and tokens[index - 1].low == ")":
        noun = next(iter(before_bracket(tokens, index - 1)), None)
    if noun is not None and index and lexicon.is_past(tokens[index - 1].low):
        noun = _kept_subject(tokens, index - 1)
    if noun is not None:
        chain = _chain_head(tokens, noun)
        noun = _subject_behind(tokens, noun) if chain is noun or is_system(chain) else chain
    if noun is None or not _declarable(noun, direct=noun.last == index):
        return None
    elements, end = split_list(tokens, index + 1)
    if elements and is_deed(elements[0].lows):
        elements = elements[1:]
        if not elements or elements[0].lows[:1] != ("with",):
            return None
    if len(elements) < 2 or not likely_fields(elements) or any(map(_declares, elements)):
        return None
    return Declaration(number, (noun,), tuple(elements), noun.first, end)


def _labelled(tokens: tuple[Token, ...], index: int) -> Noun | None:
    """ "Reading: 120 buoys send every hour: code, height": the second list is of the label."""
    first = next((i for i in range(1, min(5, index)) if tokens[i].low == ":"), 0)
    noun = noun_before(tokens, first) if first else None
    whole = noun is not None and noun.first <= 1 and noun.last == first
    return noun if whole and noun and not types.is_named(noun.head) else None


def _kept_subject(tokens: tuple[Token, ...], index: int) -> Noun | None:
    """ "Each change is kept: who, when": the subject of the passive verb at `index`."""
    end = index
    while end > 0 and (
        tokens[end - 1].low in lexicon.words("be") or tokens[end - 1].low in lexicon.words("modals")
    ):
        end -= 1
    return noun_before(tokens, end) if end < index else noun_before(tokens, index + 1)


def _declares(element: Element) -> bool:
    """True if the element is a thing with its own properties: "pieces (title, composer)"."""
    at = element.lows.index("with") if "with" in element.lows[1:] else 0
    if "=" in element.lows or (at and lexicon.is_plural(element.lows[at - 1])):
        return True
    if not element.groups or not element.tokens or not lexicon.is_plural(element.lows[-1]):
        return False
    inner, _ = split_list(element.groups[0], 0)
    return len(inner) > 1 and likely_fields(inner, (len(inner) + 1) // 2)


def _subject_behind(tokens: tuple[Token, ...], noun: Noun) -> Noun:
    """Of "readings belong to a plot: …" or "invoices are made for each lease: …" the subject."""
    before = noun.first - 1
    while before > 0 and (
        tokens[before].low in lexicon.words("determiners")
        or tokens[before].low in ("exactly", "once", "twice")
        or tokens[before].low[:1].isdigit()
    ):
        before -= 1
    moment = singular(noun.head) in _TIMES
    if before < 2 or not (moment or tokens[before].low in lexicon.words("prepositions")):
        return noun
    subject = _main_subject(tokens[:before])
    return noun if subject is None or is_system(subject) else subject


_TIMES = frozenset({"hour", "day", "week", "month", "year", "minute", "night", "evening"})


def _main_subject(tokens: tuple[Token, ...]) -> Noun | None:
    """The subject of the main clause, also behind "after the operation"."""
    found = noun_after(tokens, 0)
    if found and found.last < len(tokens) and lexicon.is_verb_like(tokens[found.last].low):
        return found
    for index in range(1, len(tokens)):
        if tokens[index].low in lexicon.words("be"):
            noun = noun_before(tokens, index)
            return noun if noun and noun.determiner else None
    return None


def _declarable(noun: Noun, *, direct: bool = True) -> bool:
    head = noun.head
    if is_system(noun) or (direct and len(noun.key) == 1 and head in lexicon.words("label_words")):
        return False
    return not (head.endswith("ed") and lexicon.verb_stem(head))


def bracketed(number: int, tokens: tuple[Token, ...], index: int) -> Declaration | None:
    """ "halls (number, seats)" at the opening bracket `index`."""
    noun = noun_before(tokens, index)
    end = next((i for i in range(index, len(tokens)) if tokens[i].low == ")"), len(tokens))
    if noun is None or not _declarable(noun):
        return None
    elements, _ = split_list(tokens[:end], index + 1)
    if len(elements) < 2 or not likely_fields(elements, (len(elements) + 1) // 2):
        return None
    return Declaration(number, (noun,), tuple(elements), noun.first, end + 1)


def with_list(
    number: int, tokens: tuple[Token, ...], index: int, context: Context
) -> Declaration | None:
    """ "books with title and year" at the word `index`."""
    noun = noun_before(tokens, index)
    if noun is None and index and tokens[index - 1].low == ",":
        nouns = _clause_subject(tokens, context)
    elif noun is None and index > 1 and tokens[index - 1].low in ("each", "another"):
        noun = noun_before(tokens, index - 2)
        nouns = (_chain_head(tokens, noun),) if noun else ()
    else:
        nouns = (_chain_head(tokens, noun),) if noun else ()
    if not nouns or not _declarable(nouns[0]) or nouns[0].head in lexicon.words("stop_nouns"):
        return None
    nouns = _defined(tokens, nouns)
    if tokens[index].low == "including" and noun is None:
        return None
    if index + 1 < len(tokens) and tokens[index + 1].low in _REFERRING:
        return None
    if noun is not None and not noun.determiner and types.is_named(nouns[0].head):
        return None
    slash = 1 if tokens[index].low == "w" and tokens[index + 1 :][:1] else 0
    slash = slash if slash and tokens[index + 1].low == "/" else 0
    elements, end = split_list(tokens, index + 1 + slash)
    if not likely_fields(elements):
        return None
    first = _first(tokens, nouns[0], index)
    owners = _chain(tokens, nouns[0], index) if is_here(tokens, nouns[0]) else ()
    return Declaration(number, nouns, tuple(elements), first, end, owners=owners)


def _defined(tokens: tuple[Token, ...], nouns: tuple[Noun, ...]) -> tuple[Noun, ...]:
    """ "An accession is a sample with …": what is defined, not the word it is defined by."""
    first = nouns[0]
    at = first.first - 2
    if not is_here(tokens, first) or first.determiner not in ("a", "an") or at < 1:
        return nouns
    subject = noun_before(tokens, at) if tokens[at].low == "is" else None
    return (subject,) if subject and subject.determiner in ("a", "an", "each") else nouns


_REFERRING = frozenset({"that", "this", "these", "those", "such", "no"})


def _chain(tokens: tuple[Token, ...], head: Noun, end: int) -> tuple[Noun, ...]:
    """The nouns hung on `head` by prepositions: "a piece" and "a singer" behind "loans"."""
    found: list[Noun] = []
    position = head.last
    while position < end and tokens[position].low in lexicon.words("chain_prepositions"):
        noun = noun_after(tokens[:end], position + 1)
        if noun is None:
            break
        found.append(noun)
        position = noun.last
    return tuple(found)


def _first(tokens: tuple[Token, ...], noun: Noun, index: int) -> int:
    return min(noun.first, index) if is_here(tokens, noun) else index


def _chain_head(tokens: tuple[Token, ...], noun: Noun) -> Noun:
    """Of "loans of a piece to a singer with …" it is the loans that have what follows."""
    for _ in range(4):
        before = noun.first - 1
        while before > 0 and (
            tokens[before].low in lexicon.words("determiners")
            or tokens[before].low in lexicon.words("number_words")
        ):
            before -= 1
        if before < 1 or tokens[before].low not in lexicon.words("chain_prepositions"):
            break
        outer = noun_before(tokens, before)
        if outer is not None and _is_deed(tokens, outer):
            passive = tokens[outer.first - 1].low in lexicon.words("be")
            outer = noun_before(tokens, outer.first - 1) if passive else None
        if outer is None or outer.head in lexicon.words("stop_nouns") | lexicon.words(
            "collections"
        ):
            break
        noun = outer
    return noun


def _is_deed(tokens: tuple[Token, ...], noun: Noun) -> bool:
    """True for a lone verb that looks like a noun: "applicants fill in", "it is kept for"."""
    if noun.determiner or len(noun.words) > 1 or not noun.first:
        return False
    before = tokens[noun.first - 1]
    if lexicon.is_past(noun.head) and before.low in lexicon.words("be"):
        return True
    told = before.is_word and (lexicon.is_plural(before.low) or before.low in ("we", "they", "you"))
    return told and noun.head == lexicon.verb_stem(noun.head)


def _clause_subject(tokens: tuple[Token, ...], context: Context) -> tuple[Noun, ...]:
    noun = noun_after(tokens, 0)
    if noun and noun.last < len(tokens) and tokens[noun.last].low in lexicon.words("be"):
        return (noun,)
    if noun and noun.last < len(tokens) and lexicon.is_verb_like(tokens[noun.last].low):
        return (noun,)
    if noun and noun.determiner in ("a", "an", "each", "every") and noun.last < len(tokens):
        following = tokens[noun.last + 1].low if noun.last + 1 < len(tokens) else ""
        if lexicon.is_plural(tokens[noun.last].low) and following in lexicon.words("determiners"):
            return (noun,)
    return context.last
