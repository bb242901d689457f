"""German and Chinese texts in English words, token by token, so that the same rules read them.

Only general words are known; every token keeps its place in the original text. What is not known
stays as it is and names nothing. The language question of `questions.py` is asked all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from buildwright.design.analysis import lexicon
from buildwright.design.analysis.text import Document, Token
from buildwright.design.words import plural

_LONGEST_PHRASE = 4
_PUNCTUATION = dict(zip("\uff0c\u3001\uff1b\uff1a\uff08\uff09\u3002", ",,;:().", strict=True))


def in_english(document: Document, language: str) -> Document:
    """The document with English tokens if `language` is "de" or "zh", else as it is."""
    reader = {"de": _german, "zh": _chinese}.get(language)
    if reader is None:
        return document
    sentences = (replace(s, tokens=tuple(reader(s.tokens))) for s in document.sentences)
    return replace(document, sentences=tuple(s for s in sentences if s.tokens))


@cache
def _entries(language: str, name: str) -> dict[str, str]:
    pairs = lexicon.table("gloss")[language][name].split("|")
    return dict(pair.strip().split("=", 1) for pair in pairs if "=" in pair)


def _spread(token: Token, text: str, english: str) -> Iterator[Token]:
    """One token for each English word, all at the place of the original."""
    for word in english.split():
        yield Token(text, word, token.start, token.end)


def _german(tokens: tuple[Token, ...]) -> Iterator[Token]:
    found: list[Token] = []
    index = 0
    while index < len(tokens):
        size, phrase = _phrase(tokens, index)
        if phrase:
            found += _spread(tokens[index], tokens[index].text, phrase)
        else:
            found += _german_word(tokens[index], found[-1].low if found else "")
        index += size
    return iter(_subject_first(found))


def _phrase(tokens: tuple[Token, ...], index: int) -> tuple[int, str]:
    table = _entries("de", "phrases")
    for size in range(_LONGEST_PHRASE, 0, -1):
        phrase = table.get(" ".join(token.low for token in tokens[index : index + size]))
        if phrase and len(tokens) - index >= size:
            return size, phrase
    return 1, ""


def _german_word(token: Token, before: str) -> Iterator[Token]:
    known = _entries("de", "words").get(token.low)
    if token.low in ("der", "des") and before.isalpha() and not lexicon.is_function_word(before):
        known = "of"
    if known or not token.text[:1].isalpha():
        return _spread(token, token.text, known or token.low)
    if not token.text[:1].isupper():
        return iter((token,))
    words, many = _german_noun(token.low)
    single = before in ("a", "each", "one", "the", "of")
    if words and many and not single:
        words = f"{words} ".rpartition(" ")[0]
        words = plural(words)
    return _spread(token, token.text, words) if words else iter((token,))


_ENDINGS = ("", "e", "en", "er", "n", "s", "es", "ern", "nen")
_UMLAUTS = str.maketrans("äöü", "aou")


@cache
def _german_noun(low: str) -> tuple[str, bool]:
    """English words of a noun or a compound, and whether it stands in the plural."""
    nouns = _entries("de", "nouns")
    for ending in _ENDINGS:
        base = low.removesuffix(ending) if ending else low
        for form in (base, base.translate(_UMLAUTS)):
            if low.endswith(ending) and form in nouns:
                return nouns[form], bool(ending) and ending != "es"
    for cut in range(3, len(low) - 2):
        first, _ = _german_part(low[:cut])
        second, many = _german_noun(low[cut:]) if first else ("", False)
        if first and second:
            return f"{first} {second}", many
    return "", False


def _german_part(low: str) -> tuple[str, bool]:
    tables = _entries("de", "nouns") | _entries("de", "words")
    for ending in ("", "s", "n", "en", "es", "e"):
        if low.endswith(ending) and low.removesuffix(ending) in tables and len(low) > 2:
            return tables[low.removesuffix(ending)], False
    return "", False


def _subject_first(tokens: list[Token]) -> list[Token]:
    """ "for each device store we …" -> "… we store …": the verb comes first in German."""
    for index in range(1, len(tokens) - 1):
        if tokens[index + 1].low in ("we", "they") and lexicon.is_verb_like(tokens[index].low):
            tokens[index], tokens[index + 1] = tokens[index + 1], tokens[index]
            break
    return tokens


def _chinese(tokens: tuple[Token, ...]) -> Iterator[Token]:
    for token in tokens:
        if token.text in _PUNCTUATION:
            yield replace(token, low=_PUNCTUATION[token.text])
        elif any(ord(c) >= 0x2E80 for c in token.text):
            yield from _cut(token)
        else:
            yield token


def _cut(token: Token) -> Iterator[Token]:
    """Longest known words first; measure words are dropped, unknown signs stay together."""
    tables = _entries("zh", "phrases") | _entries("zh", "words")
    measures = lexicon.table("gloss")["zh"]["measures"].split()
    position = unknown = 0
    text = token.text
    while position < len(text):
        size = next((n for n in range(6, 0, -1) if text[position : position + n] in tables), 0)
        if not size:
            position += 1
            continue
        if text[unknown:position] and text[unknown:position] not in measures:
            yield _piece(token, unknown, position, text[unknown:position])
        for word in tables[text[position : position + size]].split():
            yield _piece(token, position, position + size, word)
        position += size
        unknown = position
    if text[unknown:] and text[unknown:] not in measures:
        yield _piece(token, unknown, len(text), text[unknown:])


def _piece(token: Token, start: int, end: int, low: str) -> Token:
    return Token(token.text[start:end], low, token.start + start, token.start + end)
