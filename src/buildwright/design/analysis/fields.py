"""One element of a list ("an optional due date", "grade from 1 to 4") as a guess at a field."""

from __future__ import annotations

from dataclasses import replace

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.clauses import is_deed
from buildwright.design.analysis.groups import Marks, enum_values, marks_of
from buildwright.design.analysis.guess import Guess
from buildwright.design.analysis.lists import Element, names_value
from buildwright.design.analysis.named import noun_guess
from buildwright.design.analysis.sayings import clause_guess
from buildwright.design.analysis.text import Token


def guesses(element: Element) -> list[Guess]:
    """Fields named by one list element; empty if it names none."""
    if not element.tokens:
        return []
    head, values, marks = _values(element)
    marks = replace(marks, limited=element.limited)
    for group in element.groups:
        marks = marks_of(group, marks)
    if "flag" not in [token.low for token in head[:2]]:
        head, marks = _cut_tail(head, marks)
    head = _cut_relative(head)
    if not head or (len(head) > 2 and is_deed(tuple(t.low for t in head))):
        return []
    found = clause_guess(head, marks)
    if found is None and head[0].low not in ("who", "how", "what", "when", "where"):
        found = noun_guess(head, marks)
    if found is None or not found.name:
        return []
    if values:
        joined = tuple(dict.fromkeys((*found.marks.values, *values)))
        found = replace(found, type="enum", marks=replace(found.marks, values=joined), sure=True)
    return [found, *_alternatives(element, values, marks)]


def _alternatives(element: Element, values: tuple[str, ...], marks: Marks) -> list[Guess]:
    """ "a phone number or email": two fields that may each be missing."""
    if values or not element.values:
        return []
    optional = replace(marks, required=False, values=())
    found = (noun_guess(tokens, optional) for tokens in element.values)
    read = [guess for guess in found if guess and guess.name]
    return read if all(guess.sure for guess in read) else []


def _values(element: Element) -> tuple[list[Token], tuple[str, ...], Marks]:
    tokens, marks = element.tokens, Marks()
    if not element.values:
        return tokens, (), marks
    rest = enum_values(element.values)
    if element.colon:
        return tokens, rest, marks
    lows = element.lows
    for index, low in enumerate(lows):
        if low in ("of", "is", "as", "either", "being", "like") and 0 < index < len(lows) - 1:
            head = tokens[: index - 1] if lows[index - 1] in ("such", "is") else tokens[:index]
            return head, _first_values(tokens[index + 1 :]) + rest, marks
    named = [0] if names_value(tokens) else []
    start = next(
        iter(named or [i for i, low in enumerate(lows) if low in lexicon.words("enum_heads")]), None
    )
    if start is not None and start < len(lows) - 1:
        return tokens[: start + 1], _first_values(tokens[start + 1 :]) + rest, marks
    return tokens, (), marks


def _first_values(tokens: list[Token]) -> tuple[str, ...]:
    tokens = [t for t in tokens if t.low not in ("either", "one", "of")]
    if len(tokens) > 1 and all(len(token.text) <= 2 for token in tokens):
        return tuple(token.text for token in tokens)
    return enum_values([tokens])


def _cut_tail(tokens: list[Token], marks: Marks) -> tuple[list[Token], Marks]:
    for index, token in enumerate(tokens):
        if index and token.low in lexicon.words("tail_words") and not _names_moment(tokens[:index]):
            tail = [t.low for t in tokens[index:]]
            optional = token.low in ("if", "when") or "optional" in tail or "empty" in tail
            marks = replace(
                marks,
                required=marks.required and not optional,
                unique=marks.unique or "unique" in tail,
                whole=marks.whole and (optional or "unique" in tail),
            )
            return tokens[:index], marks
    return tokens, marks


def _cut_relative(tokens: list[Token]) -> list[Token]:
    """ "the languages they teach" -> "the languages"; "the date they joined" stays."""
    for index in range(1, len(tokens) - 1):
        told = tokens[index].low == "it" and tokens[index + 1].low in lexicon.words("be")
        pronoun = told or tokens[index].low in ("they", "we", "he", "she", "you")
        if pronoun and len(tokens) - index <= 4:
            opened = tokens[0].low in lexicon.words("wh_words") or tokens[0].low in (
                "whether",
                "if",
            )
            return tokens if opened or _names_moment(tokens[:index]) else tokens[:index]
    return tokens


def _names_moment(tokens: list[Token]) -> bool:
    return (
        tokens[-1].low in ("date", "day", "time", "year", "on", "flag", "for", "which")
        and len(tokens) <= 4
    )
