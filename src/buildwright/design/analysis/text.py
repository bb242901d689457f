"""Requirement text as sentences and tokens, every one with its offsets in the original."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from buildwright.core.requirements import Span
from buildwright.design.analysis import injection, lexicon

MAX_CHARS = 40_000
MAX_SENTENCES = 600
MAX_TOKENS = 400
"""Bounds of the work: characters read, sentences examined, tokens examined per sentence."""

Section = Literal["", "wont", "background", "quality", "could"]

_WORD = re.compile(r"--?[a-z][\w-]*|\w+(?:[-'\u2019/.\u2013+:]\w+)*|[^\w\s]", re.IGNORECASE)
_COMMAND = re.compile(r"`[^`\n]{1,60} [^`\n]{1,100}`")
_STOP = re.compile(r"[.!?]+(?=[\s\"']|$)|[。!?;]")
_BULLET = re.compile(
    r"(?:[-*•\u2013·]|->|=>|\(?\d{1,2}[.)]|\d{1,2}(?:\.\d{1,2})+[.)]?|\(?[a-h]\))\s+"
)
_LABELLED = re.compile(r"[^\W\d_][\w'-]*(?: [\w'-]+){0,3}(?: ?[:=]| [-\u2013\u2014]) ")
_WRAP_WIDTH = 60
_WRAPPED_LINE = 130


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number, option or punctuation mark; `low` is its lower-case form.

    `code` is True inside a command in backticks, that is of more than one word.
    """

    text: str
    low: str
    start: int
    end: int
    code: bool = False

    @property
    def is_word(self) -> bool:
        """True for a word or number, False for punctuation."""
        return self.text[0].isalnum()


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, bullet or chat line; `section` is what its heading makes of it.

    `topic` are the words of the heading in front of it, in the line itself or above.
    """

    start: int
    end: int
    tokens: tuple[Token, ...]
    section: Section = ""
    label: str = ""
    bullet: bool = False
    topic: tuple[Token, ...] = ()

    @property
    def span(self) -> Span:
        """Offsets of the sentence in the text."""
        return Span(self.start, self.end)

    @property
    def lows(self) -> tuple[str, ...]:
        """Lower-case tokens."""
        return tuple(token.low for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Document:
    """The text as read: sentences, heading lines, masked instructions, and whether it was cut."""

    text: str
    sentences: tuple[Sentence, ...]
    headings: tuple[str, ...]
    injected: tuple[Span, ...]
    cut: bool


def read(text: str) -> Document:
    """Split `text` (any string) into sentences; work is bounded by the limits above."""
    injected = injection.spans(text[:MAX_CHARS])
    masked = injection.mask(text[:MAX_CHARS], injected)
    sentences: list[Sentence] = []
    headings: list[str] = []
    section: Section = ""
    topic: tuple[Token, ...] = ()
    for block in _blocks(masked):
        if block.heading:
            title = masked[block.start : block.end].strip(" \t#*:_=-")
            headings.append(title)
            section = section_of(title)
            topic = _topic(masked, block)
            continue
        for sentence in _sentences(masked, block, section, topic):
            sentences.append(sentence)
            topic = ()
            if len(sentences) >= MAX_SENTENCES:
                return Document(text, tuple(sentences), tuple(headings), injected, cut=True)
    cut = len(text) > MAX_CHARS
    return Document(text, tuple(sentences), tuple(headings), injected, cut=cut)


def _topic(text: str, block: _Block) -> tuple[Token, ...]:
    tokens = tokenize(text[block.start : block.end], block.start)
    words = [token for token in tokens if token.is_word]
    while words and words[0].text[:1].isdigit():
        words.pop(0)
    return tuple(words) if len(words) <= 4 else ()


_CHAT = {"n": "and", "u": "you", "ur": "your", "&": "and"}


def tokenize(text: str, start: int = 0) -> tuple[Token, ...]:
    """Tokens of `text` with offsets moved by `start`; at most MAX_TOKENS."""
    found: list[Token] = []
    commands = [m.span() for m in _COMMAND.finditer(text)] if "`" in text else []
    for match in _WORD.finditer(text):
        word = match.group()
        if word in "*_#`~|":
            continue
        low = word.lower().replace("\u2019", "'").replace("\u2013", "-")
        low = _CHAT.get(word, low)
        code = any(a < match.start() < b for a, b in commands)
        found.append(Token(word, low, start + match.start(), start + match.end(), code))
        if len(found) == MAX_TOKENS:
            break
    return tuple(found)


def section_of(title: str) -> Section:
    """What a heading or a leading label says about the sentences under it."""
    low = " ".join(token.low for token in tokenize(title) if token.is_word)
    sections: tuple[Section, ...] = ("wont", "background", "quality", "could")
    for name in sections:
        if any(f" {cue} " in f" {low} " for cue in lexicon.words(f"section_{name}")):
            return name
    return ""


@dataclass(slots=True)
class _Block:
    start: int
    end: int
    heading: bool = False
    bullet: bool = False


def _blocks(text: str) -> Iterator[_Block]:
    current: _Block | None = None
    lines = list(_lines(text))
    width = max((end - start for start, end in lines), default=0)
    wrapped = width <= _WRAPPED_LINE
    for index, (start, end) in enumerate(lines):
        content = text[start:end].strip()
        if not content:
            if current:
                yield current
            current = None
            continue
        begin = start + len(text[start:end]) - len(text[start:end].lstrip())
        block = _line_block(text, begin, begin + len(content), lines[index + 1 :][:2])
        joined = wrapped and not block.heading and not block.bullet
        if current and joined and _wraps(text, current, (start, end), width):
            current.end = block.end
            continue
        if current:
            yield current
        current = block
    if current:
        yield current


def _line_block(text: str, start: int, end: int, following: list[tuple[int, int]]) -> _Block:
    content = text[start:end]
    after = [text[a:b].strip() for a, b in following]
    if _is_heading(content, after):
        return _Block(start, end, heading=True)
    bullet = _BULLET.match(content)
    if bullet and bullet.end() < len(content):
        return _Block(start + bullet.end(), end, bullet=True)
    return _Block(start, end)


def _is_heading(content: str, after: list[str]) -> bool:
    words = content.strip("#*=_- ").split()
    if not words or len(words) > 9:
        return False
    if content.startswith("#") or (content.startswith("**") and content.endswith("**")):
        return True
    following = next((line for line in after if line), "")
    if not following or content[-1] in ".!?;,。":
        return False
    if content.isupper() and len(words) > 1:
        return True
    listed = bool(_BULLET.match(following))
    short = len(words) <= 5 and not _BULLET.match(content)
    if content.endswith(":"):
        return listed and short
    return short and "," not in content and ":" not in content and (listed or not after[0])


def _wraps(text: str, current: _Block, line: tuple[int, int], width: int) -> bool:
    """True if the line goes on with the one before: its first word had no room there."""
    if current.heading:
        return True
    last_break = text.rfind("\n", 0, max(line[0] - 1, 0))
    before = text[max(last_break + 1, 0) : line[0]].rstrip()
    content = text[line[0] : line[1]].strip()
    if len(before) < _WRAP_WIDTH or _LABELLED.match(content):
        return False
    return len(before) + 1 + len(content.split(maxsplit=1)[0]) > width or before[-1] in ",("


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, start + len(line.rstrip("\r\n"))
        start += len(line)


def _sentences(
    text: str, block: _Block, section: Section, topic: tuple[Token, ...]
) -> Iterator[Sentence]:
    first = True
    for start, end in _cuts(text, block.start, block.end):
        tokens = tokenize(text[start:end], start)
        if not any(token.is_word for token in tokens):
            continue
        label, labelled = _label(tokens)
        if first and _inline_heading(tokens) and end < block.end and start > 0:
            section = section_of(text[start:end]) or section
            topic = tokens[:-1]
            first = False
            continue
        first = False
        yield Sentence(start, end, tokens, labelled or section, label, block.bullet, topic)
        topic = ()


def _cuts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    for match in _STOP.finditer(text, start, end):
        if match.group() == "." and _abbreviation(text, begin, match.start()):
            continue
        yield _strip(text, begin, match.end())
        begin = match.end()
    if text[begin:end].strip():
        yield _strip(text, begin, end)


def _abbreviation(text: str, begin: int, dot: int) -> bool:
    word = text[max(begin, dot - 8) : dot].split()
    return bool(word) and word[-1].lower().strip("(\"'") in lexicon.words("abbreviations")


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start].isspace() or text[start] in "-*•>"):
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _label(tokens: tuple[Token, ...]) -> tuple[str, Section]:
    """The words before a colon near the start ("Later, not now: …") and what they mean."""
    for index, token in enumerate(tokens[:7]):
        if token.text == ":":
            label = " ".join(t.low for t in tokens[:index] if t.is_word)
            return label, section_of(label)
    return "", ""


def _inline_heading(tokens: tuple[Token, ...]) -> bool:
    words = [token.low for token in tokens if token.is_word]
    if not 0 < len(words) <= 5 or tokens[-1].text != "." or len(words) + 1 != len(tokens):
        return False
    if words[0] in lexicon.words("negators"):
        return False
    return tokens[0].text[:1].isupper() and not any(lexicon.is_verb_like(word) for word in words)
