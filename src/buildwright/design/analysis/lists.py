"""Lists of properties: their elements, values and brackets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.clauses import is_clause
from buildwright.design.analysis.nouns import Tokens
from buildwright.design.analysis.text import Token
from buildwright.design.words import singular


@dataclass(slots=True)
class Element:
    """One element of a list: its tokens, bracketed groups, and what joined it to the one before."""

    tokens: list[Token] = field(default_factory=list)
    groups: list[list[Token]] = field(default_factory=list)
    joiner: str = ""
    values: list[list[Token]] = field(default_factory=list)
    colon: bool = False
    limited: bool = False

    @property
    def bare(self) -> tuple[str, ...]:
        """Lower-case tokens without determiners."""
        return tuple(low for low in self.lows if low not in lexicon.words("determiners"))

    @property
    def lows(self) -> tuple[str, ...]:
        """Lower-case tokens outside brackets."""
        return tuple(token.low for token in self.tokens)


def split_list(tokens: Tokens, index: int) -> tuple[list[Element], int]:
    """Elements of the list that starts at `index`, and the index where it ends.

    The list ends with the sentence, or before an element that is a clause of its own.
    """
    raw, ends = _raw_elements(tokens, index)
    kept: list[Element] = []
    end = index
    for element, stop in zip(raw, ends, strict=True):
        if kept and is_clause(element.lows):
            break
        kept.append(element)
        end = stop
    elements = _join_alternatives([e for e in kept if e.groups or not _is_empty(e)])
    return _share_head(elements), end


def _is_empty(element: Element) -> bool:
    """True if nothing is left but words like "too"."""
    return all(low in lexicon.words("adverbs") for low in element.lows)


def _share_head(elements: list[Element]) -> list[Element]:
    """ "start and end dates": the first word borrows the head of the next element."""
    for element, following in pairwise(elements):
        _share_tail(element, following)
        if following.joiner != "and" or len(element.bare) != 1 or len(following.bare) != 2:
            continue
        halves = lexicon.words("shared_halves")
        head = following.tokens[-1]
        if element.lows[-1] not in halves and following.lows[-2] not in halves:
            continue
        if singular(head.low) == head.low and element.lows[-1] not in halves:
            continue
        if _is_moment(element.lows[-1]) and not _is_moment(singular(head.low)):
            continue
        one = Token(head.text, singular(head.low), head.start, head.end)
        element.tokens.append(one)
        following.tokens[-1] = one
    return elements


_TAILED = frozenset({"date", "day", "time", "year", "place", "country", "city", "town"})


def _share_tail(element: Element, following: Element) -> None:
    """ "a date and place of birth": both are of the birth."""
    lows = following.lows
    paired = len(element.bare) == 1 and element.lows[-1] in _TAILED and following.joiner == "and"
    if paired and len(lows) > 2 and lows[0] in _TAILED and lows[1] == "of":
        element.tokens.extend(following.tokens[1:])


def _is_moment(low: str) -> bool:
    return types.type_of((low,)) in ("date", "time", "datetime")


@dataclass(slots=True)
class _Splitter:
    """Elements so far, and the index behind the last token of each."""

    elements: list[Element] = field(default_factory=lambda: [Element()])
    ends: list[int] = field(default_factory=lambda: [0])
    depth: int = 0
    quoted: bool = False

    def take(self, tokens: Tokens, position: int) -> None:
        """Put one token where it belongs."""
        token, last = tokens[position], self.elements[-1]
        self.quoted ^= token.low in '"“”'
        if not (self.quoted and last.tokens and not _flags(last)):
            self._place(tokens, position, last)
        self.ends[-1] = position + 1

    def _place(self, tokens: Tokens, position: int, last: Element) -> None:
        token = tokens[position]
        if token.low in "([{" or token.low in ")]}":
            self._bracket(token, last)
        elif self.depth:
            last.groups[-1].append(token)
        elif token.low == ":" or _separates(tokens, position, last):
            last.colon = token.low == ":"
            self.elements.append(Element(joiner=_joiner(last, token.low)))
            self.ends.append(position)
        elif token.low not in ".!?\"'“”„":
            last.tokens.append(token)

    def _bracket(self, token: Token, last: Element) -> None:
        if token.low in "([{":
            self.depth += 1
            last.groups.append([])
        elif self.depth:
            self.depth -= 1


def _raw_elements(tokens: Tokens, index: int) -> tuple[list[Element], list[int]]:
    splitter = _Splitter()
    for position in range(index, len(tokens)):
        splitter.take(tokens, position)
    return splitter.elements, splitter.ends


def _flags(element: Element) -> bool:
    return "flag" in element.lows[:2] or element.lows[-1:] == ("for",)


def _joiner(previous: Element, low: str) -> str:
    bare = not previous.tokens and not previous.groups
    return low if not bare or low in ("or", ":") else previous.joiner or low


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


def _join_alternatives(elements: list[Element]) -> list[Element]:
    """Fold `a status of open, paid or shipped` and `a kind: oral, written` into one element."""
    folded: list[Element] = []
    for element in elements:
        if folded and folded[-1].lows[-3:-1] == ("one", "of"):
            folded[-1].values = [[folded[-1].tokens[-1]]]
            del folded[-1].tokens[-3:]
        if folded and folded[-1].values and _one_of(folded[-1], element):
            folded[-1].values.append(element.tokens)
        elif element.joiner == "or" and folded:
            _fold_or(folded, element)
        elif (element.joiner == ":" and folded and not folded[-1].values) or (
            folded and folded[-1].colon and folded[-1].values and not _new_field(element)
        ):
            folded[-1].values.append(element.tokens)
        else:
            folded.append(element)
    return folded


def _one_of(previous: Element, element: Element) -> bool:
    """True while the values behind "a status which is one of …" go on."""
    listed = previous.lows[-2:] in (("which", "is"), ("that", "is"), ("is", "one"), ("can", "be"))
    return listed and len(element.lows) <= 3 and not element.groups


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
    if (
        lows[0] in lexicon.words("determiners")
        or lows[0] in lexicon.words("wh_words")
        or names_value(element.tokens)
    ):
        return False
    return not (len(lows) > 1 and lows[0] in lexicon.words("enum_heads"))


def names_value(tokens: Sequence[Token]) -> bool:
    """ "voicing SATB": a word in small letters before one in capitals names the list it opens."""
    return len(tokens) == 2 and tokens[0].text.islower() and tokens[1].text.isupper()
