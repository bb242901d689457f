"""What a model is asked and answers: "estimates the rent from area and rooms", "Input: …"."""

from __future__ import annotations

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.clauses import is_deed
from buildwright.design.analysis.declaration import Declaration, likely_fields
from buildwright.design.analysis.fields import guesses
from buildwright.design.analysis.lists import Element, split_list
from buildwright.design.analysis.nouns import Noun
from buildwright.design.analysis.text import Document, Token

_NOUNS = {"predict": "prediction", "estimate": "estimate", "forecast": "forecast"}
_SIDES = frozenset({"input", "inputs", "output", "outputs"})


def predictions(document: Document) -> list[Declaration]:
    """Declarations of the answers of a model, if the text speaks of predicting at all."""
    lows = {low for sentence in document.sentences for low in sentence.lows}
    if not lows & lexicon.words("predicting"):
        return []
    found: list[Declaration] = []
    for number, sentence in enumerate(document.sentences):
        if sentence.section in ("wont", "background"):
            continue
        declared = _sides(number, sentence.tokens, lows) or _from(number, sentence.tokens)
        if declared is not None:
            found.append(declared)
    return found


def _sides(number: int, tokens: tuple[Token, ...], lows: set[str]) -> Declaration | None:
    """ "Input: area, rooms, floor" and "Output: rent, range"."""
    if len(tokens) < 6 or tokens[0].low not in _SIDES or tokens[1].low != ":":
        return None
    elements, end = split_list(tokens, 2)
    if len(elements) < 2 or not likely_fields(elements, 2 if len(elements) > 3 else 1):
        return None
    estimated = any(low.startswith("estimat") for low in lows)
    name = "estimate" if estimated else "prediction"
    return _declared(number, name, tokens[0], elements, (0, end))


def _from(number: int, tokens: tuple[Token, ...]) -> Declaration | None:
    """ "predicts house prices from size, location and year built"."""
    verb = next((i for i, t in enumerate(tokens) if lexicon.verb_stem(t.low) in _NOUNS), -1)
    start = next((i for i in range(verb + 1, len(tokens)) if tokens[i].low == "from"), 0)
    if verb < 0 or not start or tokens[verb].low.endswith(("ed", "ing")):
        return None
    elements, end = split_list(tokens, start + 1)
    elements = [e for e in elements if not is_deed(e.lows) and not set(e.lows) & {"which", "who"}]
    if len(elements) < 2 or not all(guesses(element) for element in elements):
        return None
    name = _NOUNS[lexicon.verb_stem(tokens[verb].low)]
    return _declared(number, name, tokens[verb], elements, (start, end))


def _declared(
    number: int, name: str, token: Token, elements: list[Element], at: tuple[int, int]
) -> Declaration:
    noun = Noun((name,), 0, 0, token.start, token.end, "a")
    return Declaration(number, (noun,), tuple(elements), at[1] - 1, at[1], told=True)
