"""Which kind of project the text asks for: points for cue words, negated ones left out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from buildwright.core.requirements import ProjectKind
from buildwright.design.analysis import lexicon
from buildwright.design.analysis.text import MAX_CHARS, Document, Sentence, tokenize

_WINDOW = 4
_LEAST = 2.5
_FOREIGN = 6.0
_NEAR = 1.5


@dataclass(frozen=True, slots=True)
class Choice:
    """The kind, why in a sentence, points of every kind (highest first), and how close it was."""

    kind: ProjectKind
    reason: str
    scores: tuple[tuple[str, float], ...]
    clear: bool
    missing: str = ""


def choose_kind(document: Document, *, has_entities: bool) -> Choice:
    """Pick the kind; `none` if the text asks no software that one of the kinds fits."""
    points: dict[str, float] = defaultdict(float)
    seen: dict[str, list[str]] = defaultdict(list)
    for number, sentence in enumerate(document.sentences):
        if sentence.section != "wont":
            _score(sentence, 1.0 if number else _NEAR, points, seen)
    _score_scripts(document.text[:MAX_CHARS], points, seen)
    for heading in document.headings[:1]:
        tokens = tokenize(heading)
        _score(Sentence(0, 0, tokens), _NEAR, points, seen)
    return _decide(document, points, seen, has_entities=has_entities)


@cache
def _cues() -> dict[tuple[str, ...], tuple[tuple[str, float], ...]]:
    found: dict[tuple[str, ...], list[tuple[str, float]]] = defaultdict(list)
    for kind, cues in lexicon.table("kinds").items():
        for cue, weight in cues.items():
            found[tuple(token.low for token in tokenize(cue))].append((kind, float(weight)))
    return {cue: tuple(kinds) for cue, kinds in found.items()}


def _score_scripts(text: str, points: dict[str, float], seen: dict[str, list[str]]) -> None:
    """Cues of scripts without spaces are looked for as parts of the text."""
    for cue, kinds in _cues().items():
        if len(cue) == 1 and not cue[0].isascii() and not cue[0][0].islower() and cue[0] in text:
            for kind, weight in kinds:
                _count(kind, cue[0], weight, points, seen)


def _score(
    sentence: Sentence, near: float, points: dict[str, float], seen: dict[str, list[str]]
) -> None:
    lows = sentence.lows
    index = 0
    while index < len(lows):
        size = _longest(lows, index)
        if not size:
            if lows[index].startswith("--") and len(lows[index]) > 3:
                _count("cli-tool", "--option", 1.5, points, seen)
            index += 1
            continue
        cue = lows[index : index + size]
        if not _negated(lows, index, index + size):
            for kind, weight in _cues()[cue]:
                factor = near if index < 12 else 1.0
                _count(kind, " ".join(cue), weight * factor, points, seen)
        index += size


def _count(
    kind: str, cue: str, weight: float, points: dict[str, float], seen: dict[str, list[str]]
) -> None:
    """A cue counts fully once, half the second time, then no more."""
    times = seen[kind].count(cue)
    if times < 2:
        points[kind] += weight / (1 + times)
        seen[kind].append(cue)


def _longest(lows: tuple[str, ...], index: int) -> int:
    return next((n for n in (4, 3, 2, 1) if lows[index : index + n] in _cues()), 0)


_CUT = frozenset({",", ";", ":", ".", "(", "but"})


def _negated(lows: tuple[str, ...], first: int, last: int) -> bool:
    for position in range(first - 1, max(first - 1 - _WINDOW, -1), -1):
        if lows[position] in _CUT:
            break
        if lows[position] in lexicon.words("negators") or lows[position : position + 2] == (
            "instead",
            "of",
        ):
            return True
    after = lows[last : last + 5]
    return any(pair in _PUT_OFF for pair in pairwise(after))


_PUT_OFF = frozenset({("is", "not"), ("are", "not"), ("comes", "later"), ("come", "later")})


def _decide(
    document: Document,
    points: dict[str, float],
    seen: dict[str, list[str]],
    *,
    has_entities: bool,
) -> Choice:
    foreign = points.pop("foreign", 0.0)
    foreign_cues = seen.pop("foreign", [])
    scores = tuple(
        (kind, round(value, 2))
        for kind, value in sorted(points.items(), key=lambda pair: (-pair[1], pair[0]))
        if value > 0
    )
    best = scores[0] if scores else ("", 0.0)
    vague = not has_entities and _says_nothing(document)
    if _only_asks(document):
        return Choice(
            "none", "the text asks a question and orders no software", scores, True, "ask"
        )
    if foreign >= _FOREIGN and foreign > best[1]:
        cues = ", ".join(foreign_cues[:3])
        return Choice("none", f"no project kind covers this ({cues})", scores, True, "foreign")
    if best[1] >= _LEAST and not vague:
        return _winner(scores, seen)
    if has_entities:
        reason = "things are kept, and no interface is named, so an HTTP API is assumed"
        return Choice("rest-api", reason, scores, False, "interface")
    if best[1] > 1 and not vague:
        return _winner(scores, seen)
    return Choice(
        "none", "the text names neither things to keep nor an interface", scores, True, "vague"
    )


def _says_nothing(document: Document) -> bool:
    """ "We need something digital, it should look modern": a short text about "something"."""
    lows = [low for sentence in document.sentences for low in sentence.lows]
    wanted = any(low in ("something", "stuff", "whatever", "somehow") for low in lows)
    return wanted and len(lows) < _SHORT and not any(low[:1].isdigit() for low in lows)


_SHORT = 60


def _winner(scores: tuple[tuple[str, float], ...], seen: dict[str, list[str]]) -> Choice:
    kind, value = scores[0]
    second = scores[1][1] if len(scores) > 1 else 0.0
    cues = ", ".join(f'"{cue}"' for cue in dict.fromkeys(seen[kind][:6]))
    reason = f"{kind} because of {cues}"
    names = lexicon.table("kinds")
    found: ProjectKind = next((k for k in _KINDS if k == kind and k in names), "rest-api")
    return Choice(found, reason, scores, value - second > max(1.0, 0.15 * value))


_KINDS: tuple[ProjectKind, ...] = (
    "rest-api",
    "fullstack-web-app",
    "microservice",
    "graphql-api",
    "cli-tool",
    "mobile-backend",
    "data-pipeline",
    "ml-service",
)


_ASKING = frozenset(
    [
        "what",
        "how",
        "which",
        "why",
        "who",
        "when",
        "where",
        "is",
        "are",
        "do",
        "does",
        "did",
        "should",
        "can",
        "could",
        "would",
        "will",
        "may",
    ]
)
_ORDERING = frozenset(
    ["build", "make", "create", "write", "develop", "program", "code", "implement", "design"]
)


def _only_asks(document: Document) -> bool:
    """True if every sentence is a question, or the text ends in one and orders nothing."""
    if not document.sentences:
        return False
    asked = [s for s in document.sentences if document.text[s.start : s.end].rstrip().endswith("?")]
    orders = any(
        low in _ORDERING and not _about_choice(sentence.lows)
        for sentence in document.sentences
        for low in sentence.lows
    )
    first = document.sentences[0]
    opens = first.lows[0] in _ASKING and first in asked
    return (
        bool(asked)
        and (opens or len(asked) == len(document.sentences))
        and not (orders and len(asked) < 2 and not opens)
        and not _polite_order(first.lows)
    )


def _about_choice(lows: tuple[str, ...]) -> bool:
    return lows[0] in ("what", "which", "how", "why", "should", "is", "does")


def _polite_order(lows: tuple[str, ...]) -> bool:
    head = lows[:6]
    return head[:1] in (("can",), ("could",), ("would",), ("will",)) and any(
        low in _ORDERING for low in head
    )
