"""Declarations: places where the text says what a thing consists of, or that a thing is kept."""

from __future__ import annotations

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.declaration import Context, Declaration, likely_fields
from buildwright.design.analysis.fields import guesses
from buildwright.design.analysis.having import having_at, having_list
from buildwright.design.analysis.headed import after_colon, bracketed, with_list
from buildwright.design.analysis.keeping import Kept, kept_at
from buildwright.design.analysis.lists import split_list
from buildwright.design.analysis.model import is_system
from buildwright.design.analysis.nouns import noun_after
from buildwright.design.analysis.text import Sentence, Token


def declarations(sentences: tuple[Sentence, ...]) -> list[Declaration]:
    """Every declaration of the text in order; what is ruled out or background is skipped."""
    context = Context()
    found: list[Declaration] = []
    for number, sentence in enumerate(sentences):
        if sentence.section == "wont":
            continue
        for declaration in _in_sentence(number, sentence.tokens, context):
            found.append(declaration)
            if declaration.how == "fields" or not context.last:
                context.last = declaration.nouns
        if not any(d.sentence == number for d in found):
            _remember_subject(sentence.tokens, context)
    return found


def _remember_subject(tokens: tuple[Token, ...], context: Context) -> None:
    noun = noun_after(tokens, 0)
    named = noun and noun.determiner in ("a", "an", "each", "every") and noun.last < len(tokens)
    if noun and named and not is_system(noun):
        context.last = (noun,)


def _in_sentence(number: int, tokens: tuple[Token, ...], context: Context) -> list[Declaration]:
    found: list[Declaration] = []
    position = 0
    while position < len(tokens):
        declaration = _at(number, tokens, position, context)
        if declaration is None:
            position += 1
            continue
        found.append(declaration)
        if declaration.how == "fields":
            context.last = declaration.nouns
        given = declaration.how == "fields"
        position = max(position + 1, declaration.last) if given else position + 1
    return found


def _at(number: int, tokens: tuple[Token, ...], index: int, context: Context) -> Declaration | None:
    low = tokens[index].low
    found: Declaration | None = None
    if low in (":", "="):
        found = after_colon(number, tokens, index)
    elif low == "(":
        found = bracketed(number, tokens, index)
    elif low in ("with", "w", "hv", "including", "having"):
        found = with_list(number, tokens, index, context)
    elif low == "for" and (index == 0 or not tokens[index - 1].is_word):
        found = _for_each(number, tokens, index)
    return found or _by_verb(number, tokens, index, context)


def _by_verb(
    number: int, tokens: tuple[Token, ...], index: int, context: Context
) -> Declaration | None:
    start = having_at(tokens, index)
    found = having_list(number, tokens, index, start, context) if start else None
    if found:
        return found
    kept = kept_at(tokens, index)
    if kept:
        return _kept(number, tokens, index, kept)
    return _of_the_last(number, tokens, index, context)


def _of_the_last(
    number: int, tokens: tuple[Token, ...], index: int, context: Context
) -> Declaration | None:
    """ "…; we keep the name and a phone number": of what was spoken of last."""
    if lexicon.verb_stem(tokens[index].low) not in ("keep", "store", "record", "save", "need"):
        return None
    if not index or tokens[index - 1].low != "we" or not context.last:
        return None
    elements, end = split_list(tokens, index + 1)
    if not likely_fields(elements, 2):
        return None
    return Declaration(number, context.last, tuple(elements), index, end)


def _for_each(number: int, tokens: tuple[Token, ...], index: int) -> Declaration | None:
    noun = noun_after(tokens, index + 1)
    if noun is None or noun.last >= len(tokens) or not noun.determiner or noun.plural:
        return None
    if tokens[noun.last].low not in ("only", "just", ":", ","):
        return None
    elements, end = split_list(tokens, noun.last + 1)
    if not likely_fields(elements):
        return None
    return Declaration(number, (noun,), tuple(elements), index, end)


def _kept(number: int, tokens: tuple[Token, ...], index: int, kept: Kept) -> Declaration | None:
    if kept.list_at:
        elements, end = split_list(tokens, kept.list_at)
        if not any(guesses(element) for element in elements):
            return None
        return Declaration(number, kept.nouns, tuple(elements), index, end)
    how = "for" if kept.purpose else "kept" if kept.strong else "handled"
    return Declaration(number, kept.nouns, (), index, kept.last, how, kept.owners)
