"""Things that are deeds: with bookings kept, "a guest books a room" ties a booking to both."""

from __future__ import annotations

from functools import cache

from buildwright.core.requirements import Relation, Span
from buildwright.design.analysis import lexicon
from buildwright.design.analysis.grammar import is_used_as_verb
from buildwright.design.analysis.mentions import Mention, mentions
from buildwright.design.analysis.model import Doubt, Model, role_of
from buildwright.design.analysis.nouns import Tokens
from buildwright.design.analysis.text import Sentence

_MAX_GAP = 5


@cache
def event_nouns(stem: str) -> tuple[str, ...]:
    """Nouns for the deed of a verb: "book" -> booking, reservation."""
    known = lexicon.table("events")["nouns"].get(stem, "")
    return (*known.split(), stem)


def relate_events(model: Model, sentence: Sentence) -> None:
    """Tie kept deeds to who does them and to what, where a sentence says so with a verb.

    It is an inference, so it also asks; nothing of the sentence counts as covered by it.
    """
    tokens = sentence.tokens
    found = mentions(model, tokens)
    for index, token in enumerate(tokens):
        stem = lexicon.verb_stem(token.low) or _base(token.low)
        event = _event(model, stem) if stem else None
        named = any(m.first <= index < m.last for m in found)
        if event is None or (named and not is_used_as_verb(tokens, index)):
            continue
        for end in _ends(tokens, found, index):
            if end.name != event:
                _tie(model, event, end, sentence)


def names_event(model: Model, low: str) -> str:
    """Name of the kept deed that a form of a verb speaks of; empty if there is none."""
    stem = lexicon.verb_stem(low) or _base(low)
    return (_event(model, stem) or "") if stem else ""


def _base(low: str) -> str:
    table = lexicon.table("events")["nouns"]
    for stem in (low, low.removesuffix("s"), low.removesuffix("ed"), low.removesuffix("d")):
        if stem in table:
            return stem
    return ""


def _event(model: Model, stem: str) -> str | None:
    nouns = event_nouns(stem)
    return next((n for n, draft in model.drafts.items() if draft.key[-1] in nouns), None)


def _ends(tokens: Tokens, found: list[Mention], index: int) -> list[Mention]:
    """The doer just before the verb at `index` and what it is done to just behind it."""
    before = [m for m in found if m.last <= index and _near(tokens, m.last, index)]
    if tokens[0].low in ("for", "per", "in", "at") and found and found[0].first < 3:
        return _for_every(tokens, found, index)
    after = [m for m in found if m.first > index and _near(tokens, index + 1, m.first)]
    passive = index > 0 and tokens[index - 1].low in lexicon.words("be")
    if not passive and lexicon.is_past(tokens[index].low) and tokens[index].low.endswith("ed"):
        return []
    told = before or is_used_as_verb(tokens, index)
    return [*before[-1:], *after[:1]] if after and told else []


def _for_every(tokens: Tokens, found: list[Mention], index: int) -> list[Mention]:
    """ "For every product and branch the service forecasts …": one for each of them."""
    if found[0].determiner not in ("each", "every") or index > 14:
        return []
    ends = [found[0]]
    for mention in found[1:]:
        joined = tokens[mention.first - 1].low == "and" and mention.first - 1 == ends[-1].last
        if joined:
            ends.append(mention)
    return ends


def _near(tokens: Tokens, start: int, end: int) -> bool:
    lows = [token.low for token in tokens[start:end]]
    if len(lows) > _MAX_GAP or any(not low[:1].isalnum() for low in lows):
        return False
    return not any(low in lexicon.words("negators") or low in _BREAKS for low in lows)


_BREAKS = frozenset({"which", "that", "who", "if", "when", "with", "without", "and", "or", "has"})


def _tie(model: Model, event: str, end: Mention, sentence: Sentence) -> None:
    for old in model.relations:
        if {old.source, old.target} == {event, end.name}:
            return
    start = sentence.tokens[end.first].start
    role = role_of(end.name)
    span = Span(start, sentence.tokens[end.last - 1].end)
    model.relate(Relation("belongs_to", event, end.name, role, span=span))
    model.doubts.append(
        Doubt(
            f"{event}.{role}",
            f"the text says it only by a verb; one {end.name} each is assumed",
            (f"one {end.name}", f"several of {end.name}", "none"),
            f"one {end.name}",
        )
    )
