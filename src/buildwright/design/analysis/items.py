"""Requirement items FR-n and NFR-n: one per demand, with its span, priority, scenario and needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from buildwright.core.requirements import Item, Priority, Span
from buildwright.design.analysis import lexicon
from buildwright.design.analysis.model import Model
from buildwright.design.analysis.needs import leftover, read_needs
from buildwright.design.analysis.nouns import noun_after
from buildwright.design.analysis.scenarios import scenario
from buildwright.design.analysis.text import Document, Sentence, Token

_MAX_ITEMS = 400
_QUALITY_NEEDS = frozenset(
    {"open", "headless", "offline", "sqlite", "docker", "tests", "migrations"}
)


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a sentence that holds one demand."""

    sentence: int
    tokens: tuple[Token, ...]
    put_off: bool = False

    @property
    def lows(self) -> tuple[str, ...]:
        return tuple(token.low for token in self.tokens)


def items(document: Document, model: Model) -> tuple[Item, ...]:
    """Every demand of the text in order; narrative and questions are none."""
    model.guarded = any(_signs_in(s.lows) for s in document.sentences if s.section != "wont")
    found: list[Item] = []
    functional = quality = 0
    drafts = [(part, _item(document, model, part)) for part in _parts(document, model)]
    told = [item for part, item in drafts if item.needs or not _introduces(part)]
    for item in told or [item for _, item in drafts]:
        if item.functional:
            functional += 1
            number = f"FR-{functional}"
        else:
            quality += 1
            number = f"NFR-{quality}"
        found.append(Item(number, item.text, item.priority, item.scenario, item.span, item.needs))
        if len(found) == _MAX_ITEMS:
            break
    return tuple(found)


def _signs_in(lows: tuple[str, ...]) -> bool:
    """True if a sentence speaks of a login or key without a negation just before it."""
    for index, low in enumerate(lows):
        if low not in lexicon.words("login_words") and lows[index : index + 2] not in _LOG_IN:
            continue
        before = lows[max(0, index - 4) : index]
        after = lows[index + 1 : index + 5]
        if not any(
            word in lexicon.words("negators") or word == "nor" for word in (*before, *after)
        ):
            return True
    return False


_LOG_IN = (("log", "in"), ("logs", "in"), ("sign", "in"), ("signs", "in"))


def _parts(document: Document, model: Model) -> Iterator[_Part]:
    for number, sentence in enumerate(document.sentences):
        if sentence.section == "wont":
            yield from _put_off(number, sentence)
        elif _is_demand(document, model, number, sentence):
            for tokens in _split(sentence.tokens):
                if any(token.is_word for token in tokens):
                    yield _Part(number, tokens)


def _put_off(number: int, sentence: Sentence) -> Iterator[_Part]:
    tokens = sentence.tokens
    colon = next((i for i, t in enumerate(tokens) if t.text == ":"), -1)
    start = colon + 1
    for index in range(start, len(tokens) + 1):
        if index == len(tokens) or tokens[index].low in (",", ";", "."):
            if any(token.is_word for token in tokens[start:index]):
                yield _Part(number, tokens[start:index], put_off=True)
            start = index + 1


def _is_demand(document: Document, model: Model, number: int, sentence: Sentence) -> bool:
    lows = sentence.lows
    words = [low for low in lows if low[:1].isalnum()]
    if model.asked.get(number):
        return True
    if len(words) < 2 or document.text[sentence.start : sentence.end].rstrip().endswith("?"):
        return False
    if sentence.section == "background":
        return False
    return not _is_narrative(lows)


def _is_narrative(lows: tuple[str, ...]) -> bool:
    """Greetings, "we run a farm", "today …", the past: what is, not what is wanted."""
    if any(low in lexicon.words("demand_words") for low in lows):
        return False
    if lows[0] in lexicon.words("narrative_starts") or lows[:2] == ("at", "present"):
        return True
    if lows[0] in ("we", "i", "our", "my"):
        return not any(low in lexicon.words("negators") for low in lows)
    past = sum(low in ("was", "were", "had", "did") for low in lows)
    return past > 0 and not any(low in ("is", "are", "when", "if", "every") for low in lows)


_SPLITTERS = frozenset({"and", "but", ","})


def _split(tokens: tuple[Token, ...]) -> Iterator[tuple[Token, ...]]:
    start = depth = 0
    for index, token in enumerate(tokens):
        depth += (token.low == "(") - (token.low == ")")
        if depth > 0 or index == start:
            continue
        if token.low == ";" or (token.low in _SPLITTERS and _opens_demand(tokens, start, index)):
            yield _trim(tokens[start:index])
            start = index + 1
    yield _trim(tokens[start:])


def _trim(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    while tokens and tokens[0].low in (",", ";", "and", "but", ":", "-", "."):
        tokens = tokens[1:]
    while tokens and tokens[-1].low in (",", ";", ".", "and", "!"):
        tokens = tokens[:-1]
    return tokens


def _opens_demand(tokens: tuple[Token, ...], start: int, index: int) -> bool:
    """True if a clause of its own, or another "no …", follows the comma or conjunction."""
    rest = index + 1
    while rest < len(tokens) and tokens[rest].low in ("and", "but", "also"):
        rest += 1
    if rest + 1 >= len(tokens):
        return False
    if tokens[rest].low in ("no", "without"):
        return True
    if tokens[start].low in ("if", "when", "for", "once", "unless") and tokens[index].low == ",":
        return False
    if tokens[rest].low in ("it", "they", "we", "everyone", "nobody", "others"):
        verb = rest + 1
        while verb + 1 < len(tokens) and tokens[verb].low in lexicon.words("adverbs"):
            verb += 1
        return lexicon.is_verb_like(tokens[verb].low)
    noun = noun_after(tokens, rest)
    if noun is None or noun.last >= len(tokens) or not _has_verb(tokens[start:index]):
        return False
    low = tokens[noun.last].low
    return low in lexicon.words("modals") or low in (
        "is",
        "are",
        "has",
        "have",
        "belongs",
        "belong",
        "gets",
        "needs",
    )


def _has_verb(tokens: tuple[Token, ...]) -> bool:
    return any(lexicon.is_verb_like(token.low) for token in tokens)


def _item(document: Document, model: Model, part: _Part) -> Item:
    span = Span(part.tokens[0].start, part.tokens[-1].end)
    text = " ".join(document.text[span.start : span.end].split())
    reading = read_needs(model, part.tokens, part.sentence)
    covered = bool(reading.needs) and not leftover(part.tokens, reading)
    needs = tuple(reading.needs) if covered else ()
    priority = _priority(part, tuple(reading.needs))
    if priority is Priority.WONT:
        needs = ()
    quality = _is_quality(part, needs, document.sentences[part.sentence].section)
    number = "NFR-0" if quality else "FR-0"
    return Item(number, text, priority, scenario(model, text, needs, priority), span, needs)


def _introduces(part: _Part) -> bool:
    """ "A REST API for a bike rental": names the program and demands nothing of it."""
    lows = [low for low in part.lows if low not in lexicon.words("fillers")]
    named = any(low in lexicon.words("software") for low in part.lows)
    named |= not any(lexicon.is_nominal(low) for low in lows)
    if not named or any(low[:1].isdigit() for low in lows):
        return False
    limited = any(low in lexicon.words("negators") or low in ("only", "must") for low in lows)
    first = next((i for i, low in enumerate(lows) if low in ("for", "of")), len(lows))
    rest = lows[first + 1 :]
    plain = not any(low in ("that", "which", "where", ",", ":", "so", "with", "by") for low in rest)
    content = [low for low in lows[:first] if lexicon.is_nominal(low)]
    content = [low for low in content if low not in lexicon.words("software")]
    return not limited and plain and len(content) <= 1 and len(rest) <= 8


def _priority(part: _Part, needs: tuple[str, ...]) -> Priority:
    lows = part.lows
    if needs and not part.put_off and lows[0] in ("no", "without"):
        return Priority.MUST
    if part.put_off or _rules_out(lows):
        return Priority.WONT
    if any(low in ("could", "perhaps", "maybe", "bonus") for low in lows) or _says(lows, _NICE):
        return Priority.COULD
    if any(low in ("should", "ideally", "preferably", "desirable") for low in lows):
        return Priority.SHOULD
    return Priority.MUST


_NICE = (("nice", "to", "have"), ("if", "possible"), ("would", "be", "nice"), ("nice-to-have",))
_OUT = (
    ("not", "part", "of"),
    ("out", "of", "scope"),
    ("not", "in", "scope"),
    ("comes", "later"),
    ("come", "later"),
    ("for", "later"),
    ("not", "needed"),
    ("not", "required"),
    ("not", "wanted"),
    ("not", "planned"),
    ("later", "version"),
    ("next", "version"),
)


def _rules_out(lows: tuple[str, ...]) -> bool:
    if lows[0] in ("no", "without"):
        return not any(low in lexicon.words("modals") or low in ("is", "are") for low in lows)
    return _says(lows, _OUT) or lows[0] == "later"


def _says(lows: tuple[str, ...], phrases: tuple[tuple[str, ...], ...]) -> bool:
    return any(lows[i : i + len(phrase)] == phrase for phrase in phrases for i in range(len(lows)))


def _is_quality(part: _Part, needs: tuple[str, ...], section: str) -> bool:
    if needs:
        return all(need.split(":")[0] in _QUALITY_NEEDS for need in needs)
    if section == "quality":
        return True
    lows = part.lows
    return any(low in lexicon.words("quality_words") for low in lows) or _measured(lows)


def _measured(lows: tuple[str, ...]) -> bool:
    """A number with a unit of speed or size beside it."""
    return any(
        low[:1].isdigit() and following in lexicon.words("measures")
        for low, following in pairwise(lows)
    )
