""" "A bridge has …", "entries are described by …": verbs between a thing and its properties."""

from __future__ import annotations

from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.declaration import Context, Declaration
from buildwright.design.analysis.fields import guesses
from buildwright.design.analysis.lists import Element, split_list
from buildwright.design.analysis.model import is_system
from buildwright.design.analysis.nouns import Noun, clause_start, earlier_subject, noun_before
from buildwright.design.analysis.text import Token


def having_at(tokens: tuple[Token, ...], index: int) -> int:
    """Index where the list behind a verb of having starts, 0 if `index` is no such verb."""
    low = tokens[index].low
    following = tokens[index + 1].low if index + 1 < len(tokens) else ""
    if low in ("give", "gives", "provide", "provides", "supply", "supplies"):
        return index + 1 if _only_fields(tokens, index + 1) else 0
    if low in lexicon.words("have_verbs"):
        return _behind_have(tokens, index, following)
    if low in ("ties", "links", "connects", "joins", "tie", "link", "connect", "join"):
        return index + 1 if any(t.low in ("to", "with") for t in tokens[index : index + 8]) else 0
    if low in ("consists", "consist") and following == "of":
        return index + 2
    return _behind_be(tokens, index, following) if low in ("is", "are") else 0


def _behind_have(tokens: tuple[Token, ...], index: int, following: str) -> int:
    told = tokens[index].low in ("records", "stores", "keeps")
    if told and index and tokens[index - 1].low in ("that", "which", "who"):
        return 0
    participle = lexicon.is_past(following) and not _followed_by_noun(tokens, index + 1)
    finite = following in lexicon.words("be") or following in lexicon.words("modals")
    bad = following in ("to", "been", "not", "never", "no", "") or participle or finite
    return 0 if bad else index + 1


def _says_more(between: tuple[Token, ...]) -> bool:
    """True if the subject does something else first: "members join by a link and have a name"."""
    return "and" in [t.low for t in between] and any(t.low not in _PLAIN for t in between)


_PLAIN = frozenset({"and", ",", "also", "can", "must"})


def _only_fields(tokens: tuple[Token, ...], start: int) -> bool:
    """ "give a name and an email": every word behind the verb is a known kind of property."""
    if (
        tokens[start - 1 :][:1]
        and tokens[start:][:1]
        and tokens[start].low not in ("a", "an", "their")
    ):
        return False
    elements, _ = split_list(tokens, start)
    read = [guesses(element) for element in elements]
    return (
        bool(read)
        and all(len(g) == 1 and types.is_named(g[0].words[-1:][0]) for g in read if g)
        and all(read)
    )


def _behind_be(tokens: tuple[Token, ...], index: int, following: str) -> int:
    if following in ("of", "by", "for", "between", "on", "in", "at"):
        return index + 1 if _several_parts(tokens, index) else 0
    if following in ("just", "simply", "only", "basically"):
        return index + 2
    told = following in lexicon.words("told_participles") and index + 2 < len(tokens)
    return index + 3 if told and tokens[index + 2].low in ("by", "with", "of", "as") else 0


def _several_parts(tokens: tuple[Token, ...], index: int) -> bool:
    """ "is of one bridge, by one inspector, with a grade …": a list of what belongs to a thing."""
    rest = tokens[index + 1 : index + 30]
    commas = [i for i, token in enumerate(rest[:-1]) if token.low in (",", "and")]
    return any(rest[i + 1].low in ("by", "on", "with", "at", "for", "of", "in") for i in commas)


def _followed_by_noun(tokens: tuple[Token, ...], index: int) -> bool:
    return index + 1 < len(tokens) and lexicon.is_nominal(tokens[index + 1].low)


def having_list(
    number: int, tokens: tuple[Token, ...], index: int, start: int, context: Context
) -> Declaration | None:
    """The declaration of a verb of having at `index` whose list starts at `start`."""
    nouns = _subjects(tokens, index, context)
    if start < len(tokens) and tokens[start].low == "/":
        return None
    if not nouns or is_system(nouns[0]) or _after_slash(tokens, nouns[0]):
        return None
    elements, end = split_list(tokens, start)
    if lexicon.verb_stem(tokens[index].low) in ("tie", "link", "connect", "join"):
        elements = _apart(elements)
    if not elements or not any(guesses(element) for element in elements):
        return None
    near = is_here(tokens, nouns[0]) and not _says_more(tokens[nouns[-1].last : index])
    first = nouns[0].first if near else index
    definite = nouns[0].determiner in ("the", "this", "that", "our", "no")
    may = any(t.low in ("can", "may") for t in tokens[max(0, index - 2) : index])
    return Declaration(number, nouns, tuple(elements), first, end, told=not definite, may=may)


def _apart(elements: list[Element]) -> list[Element]:
    """ "a client id to a plan", "from a start date until an end date": two each."""
    found: list[Element] = []
    for element in elements:
        lows = element.lows
        cut = next((i for i in range(1, len(lows)) if lows[i] in ("to", "with", "until")), 0)
        if cut and cut + 1 < len(lows):
            found.append(Element(tokens=element.tokens[:cut], joiner=element.joiner))
            element = Element(tokens=element.tokens[cut + 1 :], groups=element.groups, joiner=",")
        found.append(element)
    return found


def _after_slash(tokens: tuple[Token, ...], noun: Noun) -> bool:
    return is_here(tokens, noun) and noun.first > 0 and tokens[noun.first - 1].low == "/"


def is_here(tokens: tuple[Token, ...], noun: Noun) -> bool:
    """True if the noun is of this sentence and not of one before."""
    return noun.last <= len(tokens) and tokens[noun.first].start == noun.start


def _subjects(tokens: tuple[Token, ...], index: int, context: Context) -> tuple[Noun, ...]:
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
            return before_bracket(tokens, end - 1)
        joined = end > 0 and tokens[end - 1].low in ("and", ",")
        return earlier_subject(tokens, end - 1) if joined else ()
    return _conjoined(tokens, noun)


def before_bracket(tokens: tuple[Token, ...], index: int) -> tuple[Noun, ...]:
    """The noun before the bracket that closes at `index`."""
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
