"""Noun phrases in a row of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.grammar import is_used_as_verb
from buildwright.design.analysis.text import Token
from buildwright.design.words import singular

Tokens = Sequence[Token]


_MAX_WORDS = 5


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun phrase without its determiner; `first` and `last` are token indexes, half-open."""

    words: tuple[str, ...]
    first: int
    last: int
    start: int
    end: int
    determiner: str = ""

    @property
    def head(self) -> str:
        """Last word, lower case."""
        return self.words[-1]

    @property
    def plural(self) -> bool:
        """True if the head looks plural."""
        return lexicon.is_plural(self.head)

    @property
    def key(self) -> tuple[str, ...]:
        """Words with the head in the singular, weak adjectives dropped."""
        kept = list(self.words)
        while len(kept) > 1 and kept[0] in lexicon.words("weak_adjectives"):
            kept.pop(0)
        return (*kept[:-1], singular(kept[-1]))


def noun_after(tokens: Tokens, index: int) -> Noun | None:
    """The noun phrase that starts at `index`, determiners and numbers before it skipped."""
    determiner = ""
    while index + 1 < len(tokens):
        many = _many_phrase(tokens, index)
        if not many and not _opens(tokens, index):
            break
        determiner = "many" if many else tokens[index].low
        index += many or 1
    last = index
    while last < len(tokens) and last - index < _MAX_WORDS and _continues(tokens, index, last):
        last += 1
    if determiner in ("a", "an", "each", "every", "one") and last - index > 1:
        last -= third_person(tokens[last - 1].low) or _acts_on(tokens, last)
    return _noun(tokens, index, last, determiner)


def _acts_on(tokens: Tokens, last: int) -> bool:
    """ "a discount lowers the price": a word in -s before a determiner is a verb."""
    low = tokens[last - 1].low
    after = tokens[last].low if last < len(tokens) else ""
    return lexicon.is_plural(low) and after in ("the", "a", "an", "one", "its", "their")


def noun_before(tokens: Tokens, index: int) -> Noun | None:
    """The noun phrase that ends just before `index`, adverbs in between skipped.

    Of "members of the club" it is the first noun, the grammatical subject.
    """
    end = index
    while end > 0 and tokens[end - 1].low in lexicon.words("adverbs"):
        end -= 1
    noun = _noun_ending(tokens, end)
    if noun is None:
        return None
    if noun.determiner in ("a", "an", "each", "every") and len(noun.words) > 1:
        noun = _without_verb(tokens, noun)
    before = noun.first - (1 if noun.determiner else 0) - 1
    if before > 0 and tokens[before].low in ("of", "in", "on", "from"):
        owner = _noun_ending(tokens, before)
        held = owner is not None and owner.head in lexicon.words("collections")
        if owner and not held and _starts_clause(tokens, owner):
            return owner
    return noun


def _without_verb(tokens: Tokens, noun: Noun) -> Noun:
    """ "a patient registers" -> "a patient": after "a" no plural can be the head."""
    if not third_person(noun.head):
        return noun
    return _noun(tokens, noun.first, noun.last - 1, noun.determiner) or noun


def clause_start(tokens: Tokens, noun: Noun) -> bool:
    """True if the noun phrase opens the sentence or a clause."""
    return _starts_clause(tokens, noun)


def subject_of(tokens: Tokens, index: int) -> Noun | None:
    """The subject of the verb at `index`: the noun before it, or that of the clause before."""
    end = index
    while end > 0 and tokens[end - 1].low in lexicon.words("modals"):
        end -= 1
    noun = noun_before(tokens, end)
    if noun or not end or tokens[end - 1].low not in ("and", ","):
        return noun
    return next(iter(earlier_subject(tokens, end - 1)), None)


def earlier_subject(tokens: Tokens, end: int) -> tuple[Noun, ...]:
    """ "a shelf belongs to a warehouse and has …": the subject of the clause before."""
    for index in range(end - 1, -1, -1):
        if tokens[index].low in ("which", "who", "that"):
            comma = 1 if index and tokens[index - 1].low == "," else 0
            noun = noun_before(tokens, index - comma)
            return (noun,) if noun else ()
        if index and tokens[index - 1].is_word and tokens[index - 1].low not in _SUBJECT_LEADS:
            continue
        noun = noun_after(tokens, index)
        if noun and _acts_behind(tokens, noun, end):
            return (noun,)
    return ()


def _acts_behind(tokens: Tokens, noun: Noun, end: int) -> bool:
    """True if a verb follows the noun, adverbs skipped: "a pickup always concerns …"."""
    at = noun.last
    while at < end and tokens[at].low in lexicon.words("adverbs"):
        at += 1
    if at >= end:
        return False
    one = noun.determiner in ("a", "an", "each", "every") and not noun.plural
    return lexicon.is_verb_like(tokens[at].low) or (one and lexicon.is_plural(tokens[at].low))


_SUBJECT_LEADS = frozenset({"where", "that", "and", "so", "while", "because"})


_MANY_PHRASES = (
    ("one", "or", "more"),
    ("zero", "or", "more"),
    ("at", "least", "one"),
    ("any", "number", "of"),
    ("a", "number", "of"),
    ("a", "lot", "of"),
    ("a", "couple", "of"),
)


def _many_phrase(tokens: Tokens, index: int) -> int:
    """Length of "one or more", "any number of", "up to 10" at `index`, else 0."""
    lows = tuple(token.low for token in tokens[index : index + 3])
    if lows in _MANY_PHRASES:
        return 3
    ceiling = lows[:2] == ("up", "to") and len(lows) == 3
    return 3 if ceiling and (lows[2].isdigit() or lows[2] in lexicon.words("number_words")) else 0


def _opens(tokens: Tokens, index: int) -> bool:
    low = tokens[index].low
    if low in lexicon.words("determiners") or low in lexicon.words("number_words"):
        return True
    return low.isdigit() and tokens[index + 1].is_word


def _continues(tokens: Tokens, first: int, index: int) -> bool:
    low = tokens[index].low
    if not lexicon.is_nominal(low) or tokens[index].code:
        return False
    if index == first:
        return True
    if low in lexicon.words("imperatives"):
        return False
    previous = tokens[index - 1].low
    if lexicon.is_plural(previous) and previous not in lexicon.words("plural_modifiers"):
        return False
    return not (low.endswith("ed") and lexicon.verb_stem(low))


def _noun(tokens: Tokens, first: int, last: int, determiner: str) -> Noun | None:
    if last <= first:
        return None
    words = tuple(token.low.removesuffix("'s").rstrip("'") for token in tokens[first:last])
    if not words[-1] or not words[-1][:1].isalpha():
        return None
    return Noun(words, first, last, tokens[first].start, tokens[last - 1].end, determiner)


def _noun_ending(tokens: Tokens, end: int) -> Noun | None:
    first = end
    while first > 0 and end - first < _MAX_WORDS and _can_stand(tokens[first - 1]):
        first -= 1
    verbs = [i for i in range(first, end - 1) if is_used_as_verb(tokens, i)]
    if end < len(tokens) and end - first == 1 and is_used_as_verb(tokens, first):
        return None
    first = verbs[-1] + 1 if verbs else first
    first = max([first, *(i + 1 for i in range(first, end - 1) if _ends_noun(tokens, i))])
    determiner = ""
    if first > 0 and tokens[first - 1].low in lexicon.words("determiners"):
        determiner = tokens[first - 1].low
    return _noun(tokens, first, end, determiner)


def _can_stand(token: Token) -> bool:
    return lexicon.is_nominal(token.low) and not token.code


def _ends_noun(tokens: Tokens, index: int) -> bool:
    """A plural before another noun is no part of it, and a verb in -s neither."""
    low = tokens[index].low
    return lexicon.is_plural(low) and low not in lexicon.words("plural_modifiers")


def _starts_clause(tokens: Tokens, noun: Noun) -> bool:
    before = noun.first - 1
    while before >= 0 and tokens[before].low in lexicon.words("determiners"):
        before -= 1
    if before < 0:
        return True
    low = tokens[before].low
    return (
        not tokens[before].is_word or low in lexicon.words("conjunctions") or low in _CLAUSE_WORDS
    )


_CLAUSE_WORDS = frozenset({"so", "where", "that", "because", "while", "then", "whereas"})


def third_person(low: str) -> bool:
    """True for the -s form of a known verb: "keeps"."""
    return low.endswith("s") and low != lexicon.verb_stem(low) != ""
