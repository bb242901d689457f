"""The language of a text by its script and its most frequent small words."""

from __future__ import annotations

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.text import tokenize

_SAMPLE = 4_000
_LEAST_SHARE = 0.08

_SCRIPTS = (
    ("ja", 0x3040, 0x30FF),
    ("ko", 0xAC00, 0xD7AF),
    ("zh", 0x4E00, 0x9FFF),
    ("ru", 0x0400, 0x04FF),
    ("el", 0x0370, 0x03FF),
    ("ar", 0x0600, 0x06FF),
    ("he", 0x0590, 0x05FF),
    ("hi", 0x0900, 0x097F),
    ("th", 0x0E00, 0x0E7F),
)


def language_of(text: str) -> str:
    """ISO 639-1 code; `en` if nothing speaks for another language."""
    sample = text[:_SAMPLE]
    letters = [c for c in sample if c.isalpha()]
    if not letters:
        return "en"
    for code, low, high in _SCRIPTS:
        if sum(low <= ord(c) <= high for c in letters) > 0.2 * len(letters):
            return code
    return _by_small_words(sample)


def _by_small_words(sample: str) -> str:
    words = [token.low for token in tokenize(sample)]
    table = lexicon.table("language")["small_words"]
    counts = {code: sum(w in table[code].split() for w in words) for code in table}
    best = max(counts, key=lambda code: (counts[code], code == "en"))
    return best if counts[best] >= _LEAST_SHARE * len(words) else "en"
