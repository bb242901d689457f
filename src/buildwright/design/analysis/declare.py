"""Declarations: places where the text says what a thing consists of, or that a thing is kept."""

from __future__ import annotations

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.commands import command
from buildwright.design.analysis.declaration import Context, Declaration, likely_fields
from buildwright.design.analysis.doers import deed_list, given, on_occasion, with_own
from buildwright.design.analysis.fields import guesses
from buildwright.design.analysis.having import having_at, having_list
from buildwright.design.analysis.headed import after_colon, bracketed, with_list
from buildwright.design.analysis.keeping import Kept, kept_at
from buildwright.design.analysis.lists import split_list
from buildwright.design.analysis.model import is_actor_or_system, is_system
from buildwright.design.analysis.nouns import noun_after
from buildwright.design.analysis.tables import derived, one_row_per
from buildwright.design.analysis.text import Sentence, Token


def declarations(sentences: tuple[Sentence, ...]) -> list[Declaration]:
    """Every declaration of the text in order; what is ruled out or background is skipped."""
    context = Context()
    found: list[Declaration] = []
    for number, sentence in enumerate(sentences):
        if sentence.section == "wont":
            continue
        topic = noun_after(sentence.topic, 0)
        if topic and not is_system(topic) and topic.last == len(sentence.topic):
            context.last = (topic,)
        for declaration in _in_sentence(number, sentence.tokens, context):
            found.append(declaration)
            if declaration.how == "fields" or not context.last:
                context.last = declaration.nouns
        if not any(d.sentence == number for d in found):
            bare = _bare_list(number, sentence, context)
            if bare is not None:
                found.append(bare)
                continue
            _remember_subject(sentence.tokens, context)
    return found


def _bare_list(number: int, sentence: Sentence, context: Context) -> Declaration | None:
    """ "… flies with one plane. Date, take-off time, km": a sentence of nothing but properties."""
    tokens = sentence.tokens
    if not context.last or any(t.low in _FINITE or t.low in (":", "=", "(") for t in tokens):
        return None
    elements, end = split_list(tokens, 0)
    clear = len(elements) > 2 and likely_fields(elements, (2 * len(elements) + 2) // 3)
    if not clear or end < len(tokens) - 1 or any(len(e.tokens) > 4 for e in elements):
        return None
    return Declaration(number, context.last, tuple(elements), 0, end)


_FINITE = frozenset(
    {"is", "are", "has", "have", "can", "must", "should", "no", "not", "we", "want"}
)


def _remember_subject(tokens: tuple[Token, ...], context: Context) -> None:
    noun = noun_after(tokens, 0)
    if noun is None or noun.last >= len(tokens) or is_actor_or_system(noun):
        return
    named = noun.determiner in ("a", "an", "each", "every")
    told = noun.plural and not noun.determiner and tokens[noun.last].low in lexicon.words("be")
    if named or told:
        context.last = (noun,)


def _in_sentence(number: int, tokens: tuple[Token, ...], context: Context) -> list[Declaration]:
    found: list[Declaration] = []
    position = 0
    while position < len(tokens):
        made = command(number, tokens, position, context)
        if made:
            found += made
            context.last = made[-1].nouns
            position = max(position + 1, made[-1].last)
            continue
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
    found = _by_sign(number, tokens, index, context)
    for read in (derived, given, on_occasion):
        found = found or read(number, tokens, index)
    return found or _by_verb(number, tokens, index, context)


def _by_sign(
    number: int, tokens: tuple[Token, ...], index: int, context: Context
) -> Declaration | None:
    """Lists behind a colon, a bracket, a dash, "with" and "for"."""
    low = tokens[index].low
    if low in (":", "with", "("):
        found = one_row_per(number, tokens, index) or deed_list(number, tokens, index)
        if found:
            return found
    if low in (":", "=") or (low in ("-", "\u2013", "\u2014") and index < 6):
        return after_colon(number, tokens, index)
    if low == "(":
        return bracketed(number, tokens, index)
    if low in ("with", "w", "hv", "including", "having"):
        return with_own(number, tokens, index) or with_list(number, tokens, index, context)
    opens = low == "for" and (index == 0 or not tokens[index - 1].is_word)
    return _for_each(number, tokens, index) if opens else None


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


_TOLD = ("keep", "store", "record", "save", "note")


def _of_the_last(
    number: int, tokens: tuple[Token, ...], index: int, context: Context
) -> Declaration | None:
    """ "…; we keep the name and a phone number": of what was spoken of last."""
    low = tokens[index].low
    if low == "want" or low not in lexicon.words("note_verbs") | {f"{verb}s" for verb in _TOLD}:
        return None
    before = index
    while before and tokens[before - 1].low in lexicon.words("adverbs"):
        before -= 1
    teller = before and tokens[before - 1].low in ("we", "it", "they")
    if not teller or not context.last:
        return None
    thing = noun_after(tokens, index + 1)
    elements, end = split_list(tokens, index + 1)
    if not likely_fields(elements, 2) or (thing and is_system(thing)):
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
    after = {token.low for token in tokens[kept.nouns[0].last : kept.nouns[0].last + 3]}
    owned = "their" in after
    return Declaration(number, kept.nouns, (), index, kept.last, how, kept.owners, owned=owned)
