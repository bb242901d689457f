"""Relations between entities out of whole sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from buildwright.core.requirements import Relation, Span
from buildwright.design.analysis import lexicon, types
from buildwright.design.analysis.grammar import is_used_as_verb
from buildwright.design.analysis.mentions import Mention, mentions
from buildwright.design.analysis.model import Model, is_actor_or_system, role_of
from buildwright.design.analysis.phrases import (
    Tokens,
    clause_start,
    noun_after,
    noun_before,
    subject_of,
)
from buildwright.design.analysis.text import Document, Sentence

Direction = Literal["left", "right", "both", ""]
"""Which side holds the reference: "left" belongs to right, right belongs to left, or both."""

_SKIPPED = frozenset({"wont", "background"})


def add_relations(model: Model, document: Document) -> None:
    """Add to `model` what sentences say about how entities hang together."""
    kept = [(n, s) for n, s in enumerate(document.sentences) if s.section not in _SKIPPED]
    for number, sentence in kept:
        _name_both_ends(model, number, sentence)
    for number, sentence in kept:
        if not _is_question_of_view(sentence):
            _from_sentence(model, number, sentence)
    _merge_opposites(model)


_VIEWS = frozenset(
    [
        "filter",
        "filtered",
        "filters",
        "search",
        "searched",
        "sort",
        "sorted",
        "list",
        "lists",
        "show",
        "shows",
        "find",
        "query",
        "queries",
        "report",
        "reports",
        "compare",
        "export",
        "look",
    ]
)


def _is_question_of_view(sentence: Sentence) -> bool:
    """Sentences on how things are looked at relate nothing."""
    head = [low for low in sentence.lows[:5] if low[:1].isalpha()]
    return any(low in _VIEWS for low in head)


def _name_both_ends(model: Model, number: int, sentence: Sentence) -> None:
    """ "An order belongs to a customer" names two things even if nothing else is said of them."""
    tokens = sentence.tokens
    for index, token in enumerate(tokens):
        if token.low not in ("belongs", "belong") or index + 2 >= len(tokens):
            continue
        if tokens[index + 1].low != "to":
            continue
        source, target = subject_of(tokens, index), noun_after(tokens, index + 2)
        for noun in (source, target):
            if noun and not (is_actor_or_system(noun) and not noun.determiner):
                if model.find(noun.key) is None and noun.head not in lexicon.words("system"):
                    model.add(noun)
    _one_of(model, tokens)
    _containers(model, tokens)
    _makers(model, tokens)


def _containers(model: Model, tokens: Tokens) -> None:
    """ "A faculty offers several programmes": both are things, whatever else is said of them."""
    for index in range(1, len(tokens) - 2):
        if tokens[index].low not in _CONTAIN:
            continue
        owner = subject_of(tokens, index)
        start = index + 2 if tokens[index + 1].low == "of" else index + 1
        part = noun_after(tokens, start)
        if owner is None or part is None or owner.determiner not in ("a", "an", "each", "every"):
            continue
        many = part.determiner in lexicon.words("many_words") or tokens[index + 1].low == "of"
        if not many or not part.plural or types.type_of(part.words) is not None:
            continue
        if not is_actor_or_system(owner) and not is_actor_or_system(part):
            model.add(owner)
            model.add(part)


def _makers(model: Model, tokens: Tokens) -> None:
    """ "customers place orders": who makes a known thing is a thing too, unless it is just a user."""
    for index in range(1, len(tokens) - 1):
        stem = lexicon.verb_stem(tokens[index].low)
        if stem not in lexicon.words("own_verbs") or tokens[index].low.endswith(("ing", "ed")):
            continue
        start = index
        while start > 0 and tokens[start - 1].low in lexicon.words("modals"):
            start -= 1
        maker = noun_before(tokens, start)
        if maker is None or not maker.plural or not clause_start(tokens, maker):
            continue
        made = noun_after(tokens, index + (2 if tokens[index + 1].low == "for" else 1))
        if made and made.key in {d.key for d in model.drafts.values()}:
            if not is_actor_or_system(maker):
                model.add(maker)


def _one_of(model: Model, tokens: Tokens) -> None:
    """ "is of one bridge, by one inspector": a thing referred to once is a thing of its own."""
    for index in range(1, len(tokens) - 1):
        if tokens[index].low not in ("one", "exactly") or not _refers(tokens, index):
            continue
        noun = noun_after(tokens, index)
        if noun is None or noun.plural or is_actor_or_system(noun) or types.unit_of(noun.words):
            continue
        if types.type_of(noun.words) is None and model.find(noun.key) is None:
            if not noun.words[0][:1].isdigit():
                model.add(noun)


def _refers(tokens: Tokens, index: int) -> bool:
    before = tokens[index - 1].low
    if before in _PLACES and index > 2:
        verb = tokens[index - 2].low
        if lexicon.verb_stem(verb) not in ("", verb) or is_used_as_verb(tokens, index - 2):
            return verb.endswith("s") or lexicon.is_plural(tokens[index - 3].low)
    return before in ("of", "by", "to", "for") and any(
        t.low in lexicon.words("be") or t.low in ("belongs", "belong", "refers", "points", "made")
        for t in tokens[max(0, index - 8) : index]
    )


@dataclass(slots=True)
class _Chain:
    source: Mention | None = None


def _from_sentence(model: Model, number: int, sentence: Sentence) -> None:
    found = mentions(model, sentence.tokens)
    chain = _Chain()
    for left, right in zip(found, found[1:], strict=False):
        gap = _gap(sentence.tokens, left, right)
        if gap is None:
            chain.source = None
            left = found[0]
            gap = _later_clause(sentence.tokens, left, right)
        if gap is None:
            continue
        if chain.source and _continues_chain(gap, right):
            left, direction = chain.source, "left"
        else:
            direction = _direction(left, gap, right)
        if not direction or (left.name == right.name and direction != "both"):
            chain.source = chain.source if gap and gap[0] == "," else None
            continue
        if direction == "right":
            model.many.add((left.name, right.name))
        _add(model, number, sentence, left, right, direction)
        chain.source = left if direction == "left" else None


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
            following = tokens[index + 1].low
            is_verb = following.endswith("s") and lexicon.verb_stem(following) not in (
                "",
                following,
            )
            gap = tuple(token.low for token in tokens[index + 1 : right.first])
            return gap if is_verb else None
    return None


_ONE = frozenset({"one", "a", "an", "exactly", "1", "the", "its", "their", "single", "each", "of"})


def _direction(left: Mention, gap: tuple[str, ...], right: Mention) -> Direction:
    words = [low for low in gap if low not in lexicon.words("weak_adjectives")]
    if not words or ("," in words[:-1] and len(words) > 3):
        return ""
    if words[-1:] == ["their"] and (words[-2:-1] in ([","], ["and"])):
        return "right"
    for test in (_both, _belongs, _has_many, _looks_after, _owns, _points, _of):
        direction = test(left, tuple(words), right)
        if direction:
            return direction
    return ""


def _both(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    passive = "be" in words or "are" in words or "is" in words
    linked = any(low in _LINKED for low in words) or "in" in words
    many_right = right.determiner in lexicon.words("many_words") or (
        right.plural and right.determiner in ("", "other")
    )
    if passive and linked and many_right:
        return "both"
    if "belong" in words and right.determiner in lexicon.words("many_words"):
        return "both"
    return "both" if left.name == right.name and right.determiner == "other" else ""


_LINKED = frozenset(
    ["attached", "linked", "tagged", "used", "assigned", "part", "labelled", "labeled", "connected"]
)


def _belongs(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    if words[0] in ("belongs", "belong", "refers", "refer", "points", "point"):
        return "left"
    if len(words) > 1 and words[1] in ("belong", "refer", "point") and len(words) < 6:
        return "left"
    return ""


_CONTAIN = frozenset(
    [
        "has",
        "have",
        "contains",
        "contain",
        "offers",
        "offer",
        "consists",
        "consist",
        "holds",
        "hold",
        "owns",
        "own",
        "includes",
        "include",
        "gets",
        "keeps",
        "employs",
        "runs",
        "carries",
    ]
)


def _has_many(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    verb = next((low for low in words if low in _CONTAIN), "")
    if not verb or len(words) > 6 or "," in words:
        return ""
    if right.many or right.determiner.isdigit():
        return "right"
    return "left" if verb in ("has", "have") and right.determiner in ("a", "an", "one") else ""


def _looks_after(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    """ "for each medicine there are schedules", "a tutor can look after many pupils"."""
    if left.determiner in ("each", "every") and words[0] == "there" and len(words) <= 4:
        return "right"
    core = [low for low in words if low not in lexicon.words("modals")]
    many = right.determiner in lexicon.words("many_words") and right.plural
    verb = core and lexicon.verb_stem(core[0]) and not core[0].endswith(("ed", "ing"))
    return "right" if many and verb and len(core) <= 4 and "," not in core else ""


def _owns(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    core = [low for low in words if low not in lexicon.words("modals") and low not in _ONE]
    if not 1 <= len(core) <= 2 or left.determiner in ("no",):
        return ""
    verb = lexicon.verb_stem(core[0])
    if verb not in lexicon.words("own_verbs") or core[0].endswith(("ed", "ing")):
        return ""
    if len(core) == 2 and core[1] not in ("for", "many", "several", "any"):
        return ""
    return "right"


def _points(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    """ "plots lie on one site", "matches are between two players", "leases tie one tenant"."""
    if (
        "," in words
        or len(words) > 6
        or right.determiner not in ("one", "exactly", "a", "an", "two")
    ):
        every = right.determiner in ("each", "every") and "for" in words
        if not ((right.determiner in ("its", "1") or every) and len(words) <= 6):
            return ""
    core = [low for low in words if low not in _ONE and low not in ("two", "exactly")]
    if not core or any(low in lexicon.words("conjunctions") for low in core):
        return ""
    if core[0] in lexicon.words("modals") or core[-1] in ("when", "if", "while", "that"):
        return ""
    if len(core) == 2 and core[1] in _PLACES and right.determiner in ("one", "exactly", "1"):
        return "left"
    be = core[0] in lexicon.words("be")
    preposition = core[-1] in lexicon.words("prepositions")
    verb = lexicon.is_verb_like(core[0]) or be
    if verb and preposition and len(core) >= 2:
        return "left"
    return "left" if verb and len(core) == 1 and right.determiner in ("one", "exactly") else ""


_PLACES = frozenset({"on", "in", "at", "to", "of", "for", "by", "under", "from", "with", "into"})


def _of(left: Mention, words: tuple[str, ...], right: Mention) -> Direction:
    """ "loans of a piece", "reviews of books": a noun hangs on another by a preposition."""
    core = [low for low in words if low not in _ONE or low == "of"]
    core = [low for low in core if low not in lexicon.words("determiners")]
    if len(core) != 1 or core[0] not in ("of", "for", "by", "to", "on", "in", "at", "from"):
        return ""
    if core[0] == "of" and left.name != right.name:
        return "left"
    if core[0] in ("on", "for") and left.plural and right.plural:
        return "left"
    close = right.determiner in ("a", "an", "one", "its", "1", "exactly")
    return "left" if close else ""


def _continues_chain(gap: tuple[str, ...], right: Mention) -> bool:
    words = [low for low in gap if low not in (",", "and")]
    if not words or (right.plural and right.determiner != ""):
        return False
    core = [low for low in words if low not in _ONE and low not in lexicon.words("determiners")]
    return len(core) <= 1 and all(low in lexicon.words("prepositions") for low in core)


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


def _merge_opposites(model: Model) -> None:
    """Two that each have many of the other are linked; else the first of two opposites stays."""
    single = {(r.source, r.target): r for r in model.relations if r.kind == "belongs_to"}
    linked = {frozenset((r.source, r.target)) for r in model.relations if r.kind != "belongs_to"}
    kept: list[Relation] = []
    for relation in model.relations:
        pair = frozenset((relation.source, relation.target))
        if relation.kind == "belongs_to" and pair in linked:
            continue
        opposite = single.get((relation.target, relation.source))
        both = {(relation.source, relation.target), (relation.target, relation.source)}
        if relation.kind == "belongs_to" and opposite and not both <= model.many and len(pair) == 2:
            if opposite in kept:
                continue
        elif relation.kind == "belongs_to" and opposite and opposite is not relation:
            first, second = sorted(pair) if len(pair) == 2 else (relation.source, relation.target)
            relation = Relation("many_to_many", first, second, role_of(second), span=relation.span)
            linked.add(pair)
        kept.append(relation)
    model.relations[:] = kept
