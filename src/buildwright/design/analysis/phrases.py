"""Noun phrases and lists in a row of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.grammar import is_used_as_verb
from buildwright.design.analysis.text import Token
from buildwright.design.words import singular

Tokens = Sequence[Token]

_RELATIVE = frozenset({"that", "which", "who", "whose"})
_WH = frozenset({"whether", "if", "when", "where", "who", "what", "which", "how", "why"})
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


@dataclass(slots=True)
class Element:
    """One element of a list: its tokens, bracketed groups, and what joined it to the one before."""

    tokens: list[Token] = field(default_factory=list)
    groups: list[list[Token]] = field(default_factory=list)
    joiner: str = ""
    values: list[list[Token]] = field(default_factory=list)
    colon: bool = False

    @property
    def bare(self) -> tuple[str, ...]:
        """Lower-case tokens without determiners."""
        return tuple(low for low in self.lows if low not in lexicon.words("determiners"))

    @property
    def lows(self) -> tuple[str, ...]:
        """Lower-case tokens outside brackets."""
        return tuple(token.low for token in self.tokens)


def noun_after(tokens: Tokens, index: int) -> Noun | None:
    """The noun phrase that starts at `index`, determiners and numbers before it skipped."""
    determiner = ""
    while index < len(tokens) and _opens(tokens, index):
        determiner = "many" if tokens[index].low in ("number", "lot", "up") else tokens[index].low
        index += 1
    before = tokens[max(0, index - 3) : index]
    ceiling = [token.low for token in before[:2]] == ["up", "to"]
    determiner = "many" if determiner == "of" or ceiling else determiner
    last = index
    while last < len(tokens) and last - index < _MAX_WORDS and _continues(tokens, index, last):
        last += 1
    return _noun(tokens, index, last, determiner)


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
    before = noun.first - (1 if noun.determiner else 0) - 1
    if before > 0 and tokens[before].low in ("of", "in", "on", "from"):
        owner = _noun_ending(tokens, before)
        if owner and _starts_clause(tokens, owner):
            return owner
    return noun


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
        if noun and noun.last < end and lexicon.is_verb_like(tokens[noun.last].low):
            return (noun,)
    return ()


_SUBJECT_LEADS = frozenset({"where", "that", "and", "so", "while", "because"})


def split_list(tokens: Tokens, index: int) -> tuple[list[Element], int]:
    """Elements of the list that starts at `index`, and the index where it ends.

    The list ends with the sentence, or before an element that is a clause of its own.
    """
    raw, ends = _raw_elements(tokens, index)
    kept: list[Element] = []
    end = index
    for element, stop in zip(raw, ends, strict=True):
        if kept and _is_clause(element):
            break
        kept.append(element)
        end = stop
    elements = _join_alternatives([e for e in kept if e.tokens or e.groups])
    return _share_head(elements), end


def _share_head(elements: list[Element]) -> list[Element]:
    """ "start and end dates": the first word borrows the head of the next element."""
    for element, following in zip(elements, elements[1:], strict=False):
        if following.joiner != "and" or len(element.bare) != 1 or len(following.bare) != 2:
            continue
        head = following.tokens[-1]
        if singular(head.low) == head.low and element.lows[-1] not in _HALVES:
            continue
        if element.lows[-1] not in _HALVES and following.lows[-2] not in _HALVES:
            continue
        one = Token(head.text, singular(head.low), head.start, head.end)
        element.tokens.append(one)
        following.tokens[-1] = one
    return elements


_HALVES = frozenset(
    "start end opening closing first last begin minimum maximum min max arrival departure birth home "
    "away billing shipping purchase sale planned actual lower upper due issue net gross".split()
)


def _opens(tokens: Tokens, index: int) -> bool:
    low = tokens[index].low
    if low in lexicon.words("determiners") or low in lexicon.words("number_words"):
        return index + 1 < len(tokens)
    if low == "or" and index + 1 < len(tokens) and tokens[index + 1].low == "more":
        return True
    if low == "of" and index and tokens[index - 1].low in ("number", "lot", "couple"):
        return True
    lows = [token.low for token in tokens[index : index + 4]]
    if (
        lows[:2] == ["up", "to"]
        and lows[2:3]
        and (lows[2].isdigit() or lows[2] in lexicon.words("number_words"))
    ):
        return len(lows) == 4
    if low == "to" and index and tokens[index - 1].low == "up":
        return True
    if low in ("number", "lot", "couple") and [t.low for t in tokens[index + 1 : index + 2]] == [
        "of"
    ]:
        return index > 0 and tokens[index - 1].low in ("any", "a")
    return low.isdigit() and index + 1 < len(tokens) and tokens[index + 1].is_word


def _continues(tokens: Tokens, first: int, index: int) -> bool:
    low = tokens[index].low
    if not lexicon.is_nominal(low):
        return False
    if index == first:
        return True
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
    while first > 0 and end - first < _MAX_WORDS and lexicon.is_nominal(tokens[first - 1].low):
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


def _raw_elements(tokens: Tokens, index: int) -> tuple[list[Element], list[int]]:
    elements = [Element()]
    ends = [index]
    depth = 0
    quoted = False
    for position in range(index, len(tokens)):
        low = tokens[position].low
        quoted ^= low in '"“”'
        if quoted and elements[-1].tokens and not _flags(elements[-1]):
            continue
        if low in "([{":
            depth += 1
            elements[-1].groups.append([])
        elif low in ")]}" and depth:
            depth -= 1
        elif depth:
            if elements[-1].groups:
                elements[-1].groups[-1].append(tokens[position])
        elif _separates(tokens, position, elements[-1]):
            elements.append(Element(joiner=_joiner(elements[-1], low)))
            ends.append(position)
        elif low == ":":
            elements[-1].colon = True
            elements.append(Element(joiner=":"))
            ends.append(position)
        elif low not in ".!?\"'“”„":
            elements[-1].tokens.append(tokens[position])
        ends[-1] = position + 1
    return elements, ends


def _flags(element: Element) -> bool:
    return "flag" in element.lows[:2] or element.lows[-1:] == ("for",)


def _joiner(previous: Element, low: str) -> str:
    bare = not previous.tokens and not previous.groups
    return low if not bare or low == "or" else previous.joiner or low


def _separates(tokens: Tokens, position: int, element: Element) -> bool:
    low = tokens[position].low
    if low in (",", ";", "+", "/", "•"):
        return True
    if low in ("and", "&"):
        return not _between(element)
    if low == "or":
        following = tokens[position + 1].low if position + 1 < len(tokens) else ""
        return following not in ("not", "more", "less")
    return False


def _between(element: Element) -> bool:
    lows = element.lows
    return ("between" in lows[-3:-1] and lows[-1][:1].isdigit()) or lows[-1:] == ("between",)


def _is_clause(element: Element) -> bool:
    lows = element.lows
    if not lows or lows[0] in _WH:
        return False
    if lows[0] in lexicon.words("prepositions") and lows[0] not in _FIELD_PREPOSITIONS:
        return True
    if lows[:2] in (("a", "flag"), ("flag", "for"), ("the", "flag")):
        return False
    if len(lows) > 1 and _third_person(lows[0]) and lows[1] in _AFTER_VERB:
        return True
    if lows[0] in _CLAUSE_STARTS or lows[0] in ("it", "they", "we", "others", "everyone", "you"):
        return True
    if len(lows) > 1 and lows[0] == lexicon.verb_stem(lows[0]) and lows[1] in _DETERMINERS:
        return True
    inner = lows.index("with") if "with" in lows[1:] else 0
    if inner and lexicon.is_plural(lows[inner - 1]) and lexicon.is_nominal(lows[inner - 1]):
        return True
    return _finite_at(lows) > 0


_FIELD_PREPOSITIONS = frozenset(
    {"with", "of", "for", "by", "on", "in", "at", "to", "between", "plus"}
)
_AFTER_VERB = frozenset("a an the in on at to for from with exactly one its by of".split())


def _third_person(low: str) -> bool:
    return low.endswith("s") and low != lexicon.verb_stem(low) != ""


_CLAUSE_STARTS = frozenset({"but", "so", "because", "unless", "then", "although", "while"})
_DETERMINERS = frozenset({"a", "an", "the", "all", "every", "each", "it", "them"})


def _finite_at(lows: tuple[str, ...]) -> int:
    for index, low in enumerate(lows):
        if low in _RELATIVE or low in _WH or low in ("it", "they", "he", "she", "we", "is_it"):
            return -1
        if _is_finite(low):
            return index
    return -1


def _is_finite(low: str) -> bool:
    if low in lexicon.words("be") or low in lexicon.words("modals"):
        return low not in ("being", "been", "need")
    return low in _FINITE_HAVE or low in lexicon.words("do") or low in _FINITE


_FINITE_HAVE = frozenset({"has", "have", "had"})
_FINITE = frozenset(
    [
        "belongs",
        "belong",
        "consists",
        "consist",
        "contains",
        "contain",
        "refers",
        "gets",
        "goes",
        "points",
        "point",
        "shows",
        "lies",
        "lie",
        "lets",
        "knows",
        "keeps",
        "sees",
        "join",
        "joins",
        "happens",
        "sends",
        "receives",
        "arrives",
        "must",
        "writes",
    ]
)


def _join_alternatives(elements: list[Element]) -> list[Element]:
    """Fold `a status of open, paid or shipped` and `a kind: oral, written` into one element."""
    folded: list[Element] = []
    for element in elements:
        if element.joiner == "or" and folded:
            _fold_or(folded, element)
        elif (element.joiner == ":" and folded and not folded[-1].values) or (
            folded and folded[-1].colon and folded[-1].values and not _new_field(element)
        ):
            folded[-1].values.append(element.tokens)
        else:
            folded.append(element)
    return folded


def _new_field(element: Element) -> bool:
    return element.lows[:1] != () and element.lows[0] in ("a", "an", "the", "its", "their")


def _fold_or(folded: list[Element], last: Element) -> None:
    if folded[-1].values:
        folded[-1].values.append(last.tokens)
        return
    start = len(folded) - 1
    while start > 0 and folded[start].joiner == "," and _is_bare(folded[start]):
        start -= 1
    values = [element.tokens for element in folded[start + 1 :]] + [last.tokens]
    if all(len(value) <= 4 for value in values):
        folded[start].values = values
        del folded[start + 1 :]
    else:
        folded.append(last)


def _is_bare(element: Element) -> bool:
    lows = element.lows
    if len(lows) > 3 or element.groups or not lows:
        return False
    if lows[0] in lexicon.words("determiners") or lows[0] in _WH or names_value(element.tokens):
        return False
    return not (len(lows) > 1 and lows[0] in ENUM_HEADS)


def names_value(tokens: Sequence[Token]) -> bool:
    """ "voicing SATB": a word in small letters before one in capitals names the list it opens."""
    return len(tokens) == 2 and tokens[0].text.islower() and tokens[1].text.isupper()


ENUM_HEADS = frozenset(
    [
        "status",
        "state",
        "priority",
        "severity",
        "kind",
        "category",
        "type",
        "condition",
        "gender",
        "role",
        "level",
        "stage",
        "phase",
        "zone",
        "class",
        "mode",
        "size",
        "result",
        "format",
        "frequency",
        "rank",
        "method",
        "channel",
        "outcome",
        "difficulty",
        "urgency",
        "season",
        "visibility",
        "currency",
        "language",
        "shift",
    ]
)
"""Nouns that usually stand before a closed list of values."""
