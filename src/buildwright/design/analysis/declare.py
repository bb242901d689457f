"""Declarations: places where the text says what a thing consists of, or that a thing is kept."""

from __future__ import annotations

from dataclasses import dataclass

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.fields import guesses
from buildwright.design.analysis.keeping import Kept, kept_at
from buildwright.design.analysis.model import is_system
from buildwright.design.analysis.phrases import (
    Element,
    Noun,
    clause_start,
    earlier_subject,
    noun_after,
    noun_before,
    split_list,
)
from buildwright.design.analysis.text import Sentence, Token


@dataclass(frozen=True, slots=True)
class Declaration:
    """`nouns` have the `elements`; token indexes `[first, last)` of the sentence say so.

    `how` is "fields" (elements were given), "kept" or "handled" (only that the things are kept or
    worked with). `owners` are the nouns behind prepositions: "loans of a piece to a singer".
    """

    sentence: int
    nouns: tuple[Noun, ...]
    elements: tuple[Element, ...]
    first: int
    last: int
    how: str = "fields"
    owners: tuple[Noun, ...] = ()


@dataclass(slots=True)
class _Context:
    last: tuple[Noun, ...] = ()


def declarations(sentences: tuple[Sentence, ...]) -> list[Declaration]:
    """Every declaration of the text in order; what is ruled out or background is skipped."""
    context = _Context()
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


def likely_fields(elements: list[Element], least: int = 1) -> bool:
    """True if a list reads like properties: enough known kinds of property, nothing unreadable."""
    read = [guesses(element) for element in elements]
    if not read or sum(map(bool, read)) * 10 < len(read) * 7:
        return False
    sure = sum(any(guess.sure for guess in group) for group in read)
    return sure >= least and sure * 3 >= len(read)


def _remember_subject(tokens: tuple[Token, ...], context: _Context) -> None:
    noun = noun_after(tokens, 0)
    if noun and noun.determiner in ("a", "an", "each", "every") and noun.last < len(tokens):
        if not is_system(noun):
            context.last = (noun,)


def _in_sentence(number: int, tokens: tuple[Token, ...], context: _Context) -> list[Declaration]:
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


def _at(
    number: int, tokens: tuple[Token, ...], index: int, context: _Context
) -> Declaration | None:
    low = tokens[index].low
    if low in (":", "="):
        return _after_colon(number, tokens, index)
    if low == "(":
        return _bracketed(number, tokens, index)
    if low in ("with", "w", "hv", "including", "having"):
        return _with(number, tokens, index, context)
    if low == "for" and (index == 0 or not tokens[index - 1].is_word):
        return _for_each(number, tokens, index)
    having = _have(tokens, index)
    if having:
        return _having(number, tokens, index, having, context)
    kept = kept_at(tokens, index)
    if kept:
        return _kept(number, tokens, index, kept)
    return _of_the_last(number, tokens, index, context)


def _of_the_last(
    number: int, tokens: tuple[Token, ...], index: int, context: _Context
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


_HAVE_VERBS = frozenset(
    {"has", "have", "contains", "holds", "carries", "includes", "hold", "contain"}
)
_PASSIVE = frozenset(
    [
        "described",
        "identified",
        "defined",
        "stored",
        "kept",
        "recorded",
        "saved",
        "characterised",
        "characterized",
        "logged",
        "made",
        "listed",
        "registered",
        "entered",
    ]
)


def _have(tokens: tuple[Token, ...], index: int) -> int:
    """Index where the list behind a verb of having starts, 0 if `index` is no such verb."""
    low = tokens[index].low
    following = tokens[index + 1].low if index + 1 < len(tokens) else ""
    if low in _HAVE_VERBS or low in ("carry", "include", "hv"):
        participle = following.endswith("ed") and not _followed_by_noun(tokens, index + 1)
        participle = participle or lexicon.is_verb_like(following) and _is_finite(following)
        bad = following in ("to", "been", "not", "never", "no", "only", "") or participle
        return 0 if bad and following != "only" else index + 1
    if low in ("consists", "consist") and following in ("of",):
        return index + 2
    if low in ("is", "are") and following in ("of", "by", "for", "between", "on", "in", "at"):
        return index + 1 if _several_parts(tokens, index) else 0
    if low in ("is", "are") and following in ("just", "simply", "only", "basically"):
        return index + 2
    if low in ("is", "are") and following in _PASSIVE and index + 2 < len(tokens):
        return index + 3 if tokens[index + 2].low in ("by", "with", "of", "as") else 0
    return 0


def _several_parts(tokens: tuple[Token, ...], index: int) -> bool:
    """ "is of one bridge, by one inspector, with a grade …": a list of what belongs to a thing."""
    rest = tokens[index + 1 : index + 30]
    commas = [i for i, token in enumerate(rest[:-1]) if token.low in (",", "and")]
    return any(rest[i + 1].low in ("by", "on", "with", "at", "for", "of", "in") for i in commas)


def _is_finite(low: str) -> bool:
    return low in lexicon.words("be") or low in lexicon.words("modals")


def _followed_by_noun(tokens: tuple[Token, ...], index: int) -> bool:
    return index + 1 < len(tokens) and lexicon.is_nominal(tokens[index + 1].low)


def _having(
    number: int, tokens: tuple[Token, ...], index: int, start: int, context: _Context
) -> Declaration | None:
    nouns = _subjects(tokens, index, context)
    if not nouns or is_system(nouns[0]) or _after_slash(tokens, nouns[0]):
        return None
    elements, end = split_list(tokens, start)
    if not elements or not any(guesses(element) for element in elements):
        return None
    first = nouns[0].first if _is_here(tokens, nouns[0]) else index
    return Declaration(number, nouns, tuple(elements), first, end)


def _after_slash(tokens: tuple[Token, ...], noun: Noun) -> bool:
    return _is_here(tokens, noun) and noun.first > 0 and tokens[noun.first - 1].low == "/"


def _is_here(tokens: tuple[Token, ...], noun: Noun) -> bool:
    return noun.last <= len(tokens) and tokens[noun.first].start == noun.start


def _subjects(tokens: tuple[Token, ...], index: int, context: _Context) -> tuple[Noun, ...]:
    end = index
    while end > 0 and (
        tokens[end - 1].low in lexicon.words("modals")
        or tokens[end - 1].low in lexicon.words("adverbs")
        or tokens[end - 1].low in (",", "that", "which", "who", "then")
    ):
        end -= 1
    if end > 0 and tokens[end - 1].low in ("it", "they", "each", "these", "both"):
        return context.last
    noun = noun_before(tokens, end)
    if noun is None:
        closing = end > 0 and tokens[end - 1].low == ")"
        if closing:
            return _before_bracket(tokens, end - 1)
        joined = end > 0 and tokens[end - 1].low in ("and", ",")
        return earlier_subject(tokens, end - 1) if joined else ()
    return _conjoined(tokens, noun)


def _before_bracket(tokens: tuple[Token, ...], index: int) -> tuple[Noun, ...]:
    while index > 0 and tokens[index].low != "(":
        index -= 1
    noun = noun_before(tokens, index)
    return (noun,) if noun else ()


def _conjoined(tokens: tuple[Token, ...], noun: Noun) -> tuple[Noun, ...]:
    nouns = [noun]
    while len(nouns) < 6:
        before = nouns[0].first - (1 if nouns[0].determiner else 0) - 1
        if before < 1 or tokens[before].low not in ("and", ",", "&"):
            break
        other = noun_before(tokens, before)
        if other is None or other.plural != noun.plural or lexicon.is_verb_like(other.words[0]):
            break
        nouns.insert(0, other)
    if len(nouns) > 1 and not clause_start(tokens, nouns[0]):
        return (noun,)
    return tuple(nouns)


def _after_colon(number: int, tokens: tuple[Token, ...], index: int) -> Declaration | None:
    noun = noun_before(tokens, index)
    if noun is None and index and tokens[index - 1].low == ")":
        noun = next(iter(_before_bracket(tokens, index - 1)), None)
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


def _bracketed(number: int, tokens: tuple[Token, ...], index: int) -> Declaration | None:
    noun = noun_before(tokens, index)
    end = next((i for i in range(index, len(tokens)) if tokens[i].low == ")"), len(tokens))
    if noun is None or not _declarable(noun):
        return None
    elements, _ = split_list(tokens[:end], index + 1)
    if len(elements) < 2 or not likely_fields(elements, (len(elements) + 1) // 2):
        return None
    return Declaration(number, (noun,), tuple(elements), noun.first, end + 1)


def _with(
    number: int, tokens: tuple[Token, ...], index: int, context: _Context
) -> Declaration | None:
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
    return Declaration(number, nouns, tuple(elements), _first(tokens, nouns[0], index), end)


def _first(tokens: tuple[Token, ...], noun: Noun, index: int) -> int:
    return min(noun.first, index) if _is_here(tokens, noun) else index


def _chain_head(tokens: tuple[Token, ...], noun: Noun) -> Noun:
    """Of "loans of a piece to a singer with …" it is the loans that have what follows."""
    for _ in range(4):
        before = noun.first - 1
        while before > 0 and (
            tokens[before].low in lexicon.words("determiners")
            or tokens[before].low in lexicon.words("number_words")
        ):
            before -= 1
        if before < 1 or tokens[before].low not in _CHAIN:
            break
        outer = noun_before(tokens, before)
        if outer is None or outer.head in lexicon.words("stop_nouns") | lexicon.words(
            "collections"
        ):
            break
        noun = outer
    return noun


_CHAIN = frozenset({"of", "to", "for", "by", "from", "at", "in", "on", "between"})


def _clause_subject(tokens: tuple[Token, ...], context: _Context) -> tuple[Noun, ...]:
    noun = noun_after(tokens, 0)
    if noun and noun.last < len(tokens) and tokens[noun.last].low in lexicon.words("be"):
        return (noun,)
    if noun and noun.last < len(tokens) and lexicon.is_verb_like(tokens[noun.last].low):
        return (noun,)
    return context.last


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
    how = "kept" if kept.strong else "handled"
    return Declaration(number, kept.nouns, (), index, kept.last, how, kept.owners)
