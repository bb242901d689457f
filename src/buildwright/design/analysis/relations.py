"""Relations between entities out of whole sentences."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from buildwright.core.requirements import Relation, Span
from buildwright.design.analysis import lexicon
from buildwright.design.analysis.clausal import clause_links
from buildwright.design.analysis.directions import Direction, continues_chain, direction_of
from buildwright.design.analysis.events import names_event, relate_events
from buildwright.design.analysis.mentions import Mention, mentions
from buildwright.design.analysis.model import Model, role_of
from buildwright.design.analysis.nouns import Tokens, third_person
from buildwright.design.analysis.settle import merge_opposites, settle_needs
from buildwright.design.analysis.text import Document, Sentence

_SKIPPED = frozenset({"wont", "background"})


def add_relations(model: Model, document: Document) -> None:
    """Add to `model` what sentences say about how entities hang together."""
    kept = [(n, s) for n, s in enumerate(document.sentences) if s.section not in _SKIPPED]
    subject = ""
    for number, sentence in kept:
        _from_rest(model, number, sentence, subject)
        named = mentions(model, sentence.tokens)
        listed = named and any(t.low == ":" for t in sentence.tokens[named[0].last :][:1])
        subject = named[0].name if named and (named[0].first < 3 or listed) else subject
        if not _is_question_of_view(sentence):
            _from_sentence(model, number, sentence)
            _from_clauses(model, number, sentence)
            _from_there(model, number, sentence)
    for _, sentence in kept:
        relate_events(model, sentence)
    merge_opposites(model)
    settle_needs(model)


def _is_question_of_view(sentence: Sentence) -> bool:
    """Sentences on how things are looked at relate nothing."""
    head = [low for low in sentence.lows[:5] if low[:1].isalpha()]
    defines = sentence.lows[:1] in (("a",), ("an",), ("each",), ("every",))
    if defines and any(low in ("one", "exactly") for low in sentence.lows[:6]):
        return False
    return any(low in lexicon.words("view_words") for low in head)


def _from_sentence(model: Model, number: int, sentence: Sentence) -> None:
    found = mentions(model, sentence.tokens)
    source: Mention | None = None
    for left, right in pairwise(found):
        gap = _gap(sentence.tokens, left, right)
        if gap is None:
            source, left = None, found[0]
            gap = _later_clause(sentence.tokens, left, right)
        if gap is None:
            continue
        chained = source is not None and continues_chain(gap, right)
        left = source if chained and source else left
        direction: Direction = "left" if chained else direction_of(left, gap, right)
        later = None if direction else _later_clause(sentence.tokens, found[0], right)
        if later:
            left, direction = found[0], direction_of(found[0], later, right)
        deed = direction == "right" and any(names_event(model, low) for low in gap)
        if not direction or deed or (left.name == right.name and direction != "both"):
            source = source if gap[:1] == (",",) else None
            continue
        if direction == "right":
            model.many.add((left.name, right.name))
        at = right.first - len(later) if later else left.first
        _add(model, number, sentence, replace(left, first=at), right, direction)
        source = left if direction == "left" else None


def _from_clauses(model: Model, number: int, sentence: Sentence) -> None:
    for left, gap, right, start in clause_links(sentence.tokens, mentions(model, sentence.tokens)):
        direction = direction_of(left, gap, right)
        deed = direction == "right" and any(names_event(model, low) for low in gap)
        if not direction or deed or (left.name == right.name and direction != "both"):
            continue
        if direction == "right":
            model.many.add((left.name, right.name))
        _add(model, number, sentence, replace(left, first=start), right, direction)


def _from_rest(model: Model, number: int, sentence: Sentence, subject: str) -> None:
    """ "…; issued to one account", "It belongs to an owner": the subject stands before."""
    tokens = sentence.tokens
    pronoun = tokens[0].low in ("it", "they")
    verbal = tokens[0].low in lexicon.words("held_participles") or tokens[0].low in _BELONGS
    found = mentions(model, tokens) if subject and (pronoun or verbal) else []
    if not found or found[0].first > 8 or found[0].name == subject:
        return
    start = 1 if pronoun else 0
    left = Mention(subject, 0, start, tokens[0].low != "it", "the")
    gap = tuple(t.low for t in tokens[start : found[0].first])
    direction = direction_of(left, gap, found[0])
    if direction == "left":
        _add(model, number, sentence, left, found[0], direction)


_BELONGS = frozenset({"belongs", "belong", "refers", "is", "are"})


def _from_there(model: Model, number: int, sentence: Sentence) -> None:
    """ "After some screenings there is a talk", "assign one teacher to every course"."""
    tokens = sentence.tokens
    for left, right in pairwise(mentions(model, tokens)):
        between = [token.low for token in tokens[left.last : right.first]]
        opens = left.first < 4 and tokens[0].low in lexicon.words("prepositions")
        exists = [low for low in between if low not in lexicon.words("modals")][:2]
        if opens and exists in (["there", "is"], ["there", "are"], ["there", "be"]):
            _add(model, number, sentence, left, right, "right")
        elif between[:1] == ["to"] and _given(tokens, left) and left.name != right.name:
            _add(
                model,
                number,
                sentence,
                left,
                right,
                "right" if right.determiner in _EACH else "left",
            )


_EACH = frozenset({"each", "every", "all", "any"})


def _given(tokens: Tokens, left: Mention) -> bool:
    return tokens[max(0, left.first - 2)].low in ("assign", "attach", "give", "link", "allocate")


def _gap(tokens: Tokens, left: Mention, right: Mention) -> tuple[str, ...] | None:
    lows: list[str] = []
    depth = 0
    for token in tokens[left.last : right.first]:
        depth += (token.low == "(") - (token.low == ")")
        if not depth and token.low != ")":
            lows.append(token.low)
    if any(low in (".", ";", ":", "(", ")") for low in lows) or len(lows) > 9:
        return None
    return tuple(low for low in lows if low not in lexicon.words("adverbs") or low == ",")


def _later_clause(tokens: Tokens, subject: Mention, right: Mention) -> tuple[str, ...] | None:
    """The words behind the last "and" before `right`, if they begin with a verb in its -s form."""
    for index in range(right.first - 2, max(subject.last, right.first - 8), -1):
        if tokens[index].low in ("and", ","):
            words = [token.low for token in tokens[index + 1 : right.first]]
            gap = tuple(low for low in words if low not in lexicon.words("adverbs"))
            return gap if gap and third_person(gap[0]) else None
    return None


def _add(
    model: Model, number: int, sentence: Sentence, left: Mention, right: Mention, to: Direction
) -> None:
    start = sentence.tokens[left.first].start
    end = sentence.tokens[right.last - 1].end
    if to == "both":
        model.relate(
            Relation(
                "many_to_many", left.name, right.name, role_of(right.name), span=Span(start, end)
            )
        )
        model.use(number, start, end, f"link:{left.name}.{right.name}")
        return
    source, target = (left, right) if to == "left" else (right, left)
    optional = "optional" in sentence.lows or ("may" in sentence.lows and to == "left")
    role = role_of(target.name)
    model.relate(
        Relation(
            "belongs_to",
            source.name,
            target.name,
            role,
            required=not optional,
            span=Span(start, end),
        )
    )
    model.use(number, start, end, f"relate:{source.name}.{role}")
