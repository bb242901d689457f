"""Which tests a locked file of `node --test` holds, read from its text and never by running it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

SUFFIXES = (".js", ".mjs", ".cjs")
TOKEN = re.compile(
    r"(?P<skip>//[^\n]*|/\*.*?\*/)"
    r"|(?P<text>'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`)"
    r"|(?P<word>[A-Za-z_$][\w$]*(?:\s*\.\s*[A-Za-z_$][\w$]*)*)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<mark>[^\s])",
    re.DOTALL,
)
REGULAR = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*")
BEFORE_REGULAR = frozenset("(,=:[!&|?{};+-*%<>~^")
TESTS, SUITES = ("test", "it"), ("describe", "suite")
VARIANTS = frozenset({"only", "skip", "todo"})
SKIPS = re.compile(r"\b(?:skip|todo)\b")
ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
BRACKETS = {ord("["): "(", ord("]"): ")"}


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of the text: `kind` is text, word, number or mark."""

    kind: str
    value: str


def expected_node_tests(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Ids `path::suite > test` of the test files among `files`, in path order and in text order.

    Tests whose name is not a plain string, or that are made in a loop or a function of the test's
    own, are left out: which there are is not known before the run. Square brackets in names become
    round ones. A file that holds no such test gives its own path as the one id, which can never
    pass.
    """
    found: dict[str, None] = {}
    for path in sorted(files):
        if is_node_test_file(path):
            names = [f"{path}::{name}" for name in names_in(files[path])]
            found.update(dict.fromkeys(names or [path]))
    return tuple(found)


def skippable_node_tests(files: Mapping[str, bytes]) -> frozenset[str]:
    """Ids in files whose locked text speaks of skipping or of what is to be done."""
    spoken = {
        path: content
        for path, content in files.items()
        if SKIPS.search(content.decode(errors="replace"))
    }
    return frozenset(expected_node_tests(spoken))


def is_node_test_file(path: str) -> bool:
    """True for `x.test.js`, `x-test.mjs`, `test-x.cjs`, `test.js` and all below a folder `test`."""
    pure = PurePosixPath(path)
    if pure.suffix not in SUFFIXES or "node_modules" in pure.parts:
        return False
    stem = pure.name.removesuffix(pure.suffix)
    named = re.search(r"(?:^|[._-])test$|^test(?:-|$)", stem) is not None
    return named or "test" in pure.parts[:-1]


def names_in(content: bytes) -> Iterator[str]:
    """Full names of the tests in a text."""
    return names_among(list(words_of(content.decode("utf-8", errors="replace"))), VARIANTS)


def names_among(words: list[Word], variants: frozenset[str]) -> Iterator[str]:
    """Full names of the tests; `variants` are what may follow `test.` and `describe.`."""
    suites: list[tuple[int, str]] = []
    depth = 0
    for at, word in enumerate(words):
        if word.kind == "mark" and word.value in ")]}":
            depth -= 1
            suites = [suite for suite in suites if suite[0] <= depth]
        what, name = call_at(words, at, variants)
        if what in TESTS and depth == 2 * len(suites) and name:
            yield " > ".join([*(suite[1] for suite in suites), name]).translate(BRACKETS)
        elif what in SUITES and depth == 2 * len(suites) and name:
            suites.append((depth + 1, name))
        if word.kind == "mark" and word.value in "([{":
            depth += 1


def call_at(words: list[Word], at: int, variants: frozenset[str]) -> tuple[str, str]:
    """(test or suite function, its plain name) where a call of one begins at `at`."""
    if words[at].kind != "word" or at + 2 >= len(words):
        return "", ""
    parts = [part.strip() for part in words[at].value.split(".")]
    known = parts[0] in (*TESTS, *SUITES) and set(parts[1:]) <= {*variants, *TESTS, *SUITES}
    opened, title, after = words[at + 1], words[at + 2], words[at + 3 : at + 4]
    plain = title.kind == "text" and bool(after) and after[0].value in ",)"
    if not known or opened.value != "(" or not plain:
        return "", ""
    if title.value.startswith("`") and "${" in title.value:
        return "", ""
    last = next((p for p in reversed(parts) if p in (*TESTS, *SUITES)), "")
    return last, unescaped(title.value[1:-1])


def words_of(text: str) -> Iterator[Word]:
    """The text in pieces, without comments and regular expressions."""
    at, last = 0, "("
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            at += 1
            continue
        kind, value = str(match.lastgroup), match.group()
        regular = REGULAR.match(text, at) if value == "/" and last in BEFORE_REGULAR else None
        at = regular.end() if regular else match.end()
        if kind == "skip":
            continue
        last = ")" if regular or kind in ("text", "number") else value[-1:]
        yield Word("text" if regular else kind, "//" if regular else value)


def unescaped(text: str) -> str:
    """What a string literal of JavaScript says."""

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "ux" and len(code) > 1:
            return chr(int(code[1:].strip("{}"), 16))
        return ESCAPES.get(code, code)

    return ESCAPE.sub(one, text)
