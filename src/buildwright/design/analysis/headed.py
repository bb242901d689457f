""" "Book: title, year", "halls (number, seats)", "books with title": a noun, then its list."""

from __future__ import annotations

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.declaration import Context, Declaration, likely_fields
from buildwright.design.analysis.having import before_bracket, is_here
from buildwright.design.analysis.lists import Element, split_list
from buildwright.design.analysis.model import is_system
from buildwright.design.analysis.nouns import Noun, noun_after, noun_before
from buildwright.design.analysis.text import Token


def after_colon(number: int, tokens: tuple[Token, ...], index: int) -> Declaration | None:
    """ "Book: title, year" at the colon or equals sign `index`."""
    noun = noun_before(tokens, index)
    if noun is None and index and tokens[index - 1].low == ")":
        noun = next(iter(before_bracket(tokens, index - 1)), None)
    if noun is not None:
        chain = _chain_head(tokens, noun)
        noun = _subject_behind(tokens, noun) if chain is noun or is_system(chain) else chain
    if noun is None or not _declarable(noun):
        return None
    elements, end = split_list(tokens, index + 1)
    if len(elements) < 2 or not likely_fields(elements) or any(map(_declares, elements)):
        return None
    return Declaration(number, (noun,), tuple(elements), noun.first, end)


def _declares(element: Element) -> bool:
    """True if the element is a thing with its own properties: "pieces (title, composer)"."""
    if "=" in element.lows:
        return True
    if not element.groups or not element.tokens or not lexicon.is_plural(element.lows[-1]):
        return False
    inner, _ = split_list(element.groups[0], 0)
    return len(inner) > 1 and likely_fields(inner, (len(inner) + 1) // 2)


def _subject_behind(tokens: tuple[Token, ...], noun: Noun) -> Noun:
    """Of "readings belong to a plot: …" or "invoices are made for each lease: …" the subject."""
    before = noun.first - 1
    while before > 0 and (
        tokens[before].low in lexicon.words("determiners") or tokens[before].low == "exactly"
    ):
        before -= 1
    if before < 2 or tokens[before].low not in lexicon.words("prepositions"):
        return noun
    subject = noun_after(tokens, 0)
    if subject is None or subject.last >= before or is_system(subject):
        return noun
    return subject if lexicon.is_verb_like(tokens[subject.last].low) else noun


def _declarable(noun: Noun) -> bool:
    head = noun.head
    if is_system(noun) or head in lexicon.words("label_words"):
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
    slash = 1 if tokens[index].low == "w" and tokens[index + 1 :][:1] else 0
    slash = slash if slash and tokens[index + 1].low == "/" else 0
    elements, end = split_list(tokens, index + 1 + slash)
    if not likely_fields(elements):
        return None
    first = _first(tokens, nouns[0], index)
    owners = _chain(tokens, nouns[0], index) if is_here(tokens, nouns[0]) else ()
    return Declaration(number, nouns, tuple(elements), first, end, owners=owners)


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
        if outer is None or outer.head in lexicon.words("stop_nouns") | lexicon.words(
            "collections"
        ):
            break
        noun = outer
    return noun


def _clause_subject(tokens: tuple[Token, ...], context: Context) -> tuple[Noun, ...]:
    noun = noun_after(tokens, 0)
    if noun and noun.last < len(tokens) and tokens[noun.last].low in lexicon.words("be"):
        return (noun,)
    if noun and noun.last < len(tokens) and lexicon.is_verb_like(tokens[noun.last].low):
        return (noun,)
    return context.last
