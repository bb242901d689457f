"""Marks and states that a deed sets: "mark it as repaired", "sets the film to selected or out"."""

from __future__ import annotations

from buildwright.core.requirements import Field, Span
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.groups import split_values
from buildwright.design.analysis.mentions import Mention, mentions
from buildwright.design.analysis.model import Doubt, Draft, Model
from buildwright.design.analysis.nouns import Tokens
from buildwright.design.analysis.text import Document, Token

_WITH_AS = frozenset({"mark", "flag", "tick", "confirm", "record", "set"})
_WITH_TO = frozenset({"set", "sets", "change", "changes", "switch", "switches"})


def add_marks(model: Model, document: Document) -> None:
    """Add a yes/no field or a status for what is marked "as" something; always a question too."""
    last: Draft | None = None
    for sentence in document.sentences:
        if sentence.section in ("wont", "background"):
            continue
        found = mentions(model, sentence.tokens)
        for index, token in enumerate(sentence.tokens):
            if token.low in ("as", "to") and _marks(sentence.tokens, index):
                lows = {t.low for t in sentence.tokens[max(0, index - 4) : index]}
                owner = _owner(model, found, index)
                if owner is None and lows & {"it", "them", "one", "ones"}:
                    owner = last
                if owner is not None:
                    _mark(model, owner, sentence.tokens, index)
        if found:
            last = model.drafts[found[-1].name]


def _marks(tokens: Tokens, index: int) -> bool:
    """True if a verb of marking stands a few words before "as" or "to"."""
    for token in tokens[max(0, index - 6) : index]:
        stem = lexicon.verb_stem(token.low) or token.low.removesuffix("s")
        if tokens[index].low == "as" and stem in _WITH_AS:
            return True
        if tokens[index].low == "to" and token.low in _WITH_TO:
            return True
    return False


def _owner(model: Model, found: list[Mention], index: int) -> Draft | None:
    before = [mention for mention in found if index - 5 <= mention.last <= index]
    return model.drafts[before[-1].name] if before else None


def _mark(model: Model, owner: Draft, tokens: Tokens, index: int) -> None:
    words: list[Token] = []
    for token in tokens[index + 1 : index + 14]:
        if not (token.is_word or token.low == ",") or token.low in _STOPS:
            break
        words.append(token)
    values = split_values(words)
    span = Span(tokens[index].start, (words or [tokens[index]])[-1].end)
    if len(values) == 1 and len(words) == 1 and _is_state(words[0].low):
        name = types.snake((words[0].low,))
        if name and not any(name in have for have in owner.fields):
            model.put(owner, Field(name, "boolean", span=span))
            _ask(model, owner, name)
    elif len(values) > 1 and "or" in [t.low for t in words] and tokens[index].low in ("to", "as"):
        _status(model, owner, values, span)


_STOPS = frozenset({"and", "with", "by", "on", "in", "if", "when", "for", "at", "until", "then"})


def _is_state(low: str) -> bool:
    return lexicon.is_past(low) or types.is_boolean_adjective(low)


def _status(model: Model, owner: Draft, values: tuple[str, ...], span: Span) -> None:
    if any(found.type == "enum" for found in owner.fields.values()):
        return
    if all(len(value.split()) <= 2 for value in values):
        model.put(owner, Field("status", "enum", values=values, span=span))
        _ask(model, owner, "status")


def _ask(model: Model, owner: Draft, name: str) -> None:
    why = "the text says only that it is set"
    model.doubts.append(
        Doubt(f"{owner.name}.{name}", why, ("a field of its own", "none"), "a field of its own")
    )
