"""Text that talks to an AI instead of describing software: found, masked, quoted, never obeyed."""

from __future__ import annotations

import re

from buildwright.core.requirements import Span
from buildwright.design.analysis import lexicon

_PAIRS = (("<!--", "-->"), ("[", "]"), ("<system>", "</system>"), ("{#", "#}"))
_SPACE = re.compile(r"\s+")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")
_MAX_PAIRS = 200


def spans(text: str) -> tuple[Span, ...]:
    """Ranges of `text` that hold instructions addressed to an AI, in order, not overlapping."""
    found: list[Span] = []
    for opening, closing in _PAIRS:
        found += _enclosed(text, opening, closing)
    covered = _merge(found)
    rest = mask(text, covered)
    loose = [
        Span(match.start(), match.end())
        for match in _SENTENCE.finditer(rest)
        if _addresses_ai(match.group())
    ]
    return _merge([*covered, *loose])


def mask(text: str, ranges: tuple[Span, ...]) -> str:
    """`text` with every character of `ranges` except line ends replaced by a space."""
    parts: list[str] = []
    last = 0
    for span in ranges:
        parts.append(text[last : span.start])
        parts.append("".join(c if c == "\n" else " " for c in text[span.start : span.end]))
        last = span.end
    return "".join([*parts, text[last:]])


def _enclosed(text: str, opening: str, closing: str) -> list[Span]:
    found: list[Span] = []
    low = text if len(text.lower()) != len(text) else text.lower()
    position = 0
    for _ in range(_MAX_PAIRS):
        start = low.find(opening, position)
        if start < 0:
            break
        end = low.find(closing, start)
        if end < 0:
            break
        end += len(closing)
        if opening == "<!--" or _addresses_ai(text[start:end]):
            found.append(Span(start, end))
        position = end
    return found


def _addresses_ai(part: str) -> bool:
    low = " " + _SPACE.sub(" ", part.lower()) + " "
    return any(cue in low for cue in lexicon.words("injection"))


def _merge(found: list[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in sorted(found, key=lambda s: (s.start, s.end)):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)
