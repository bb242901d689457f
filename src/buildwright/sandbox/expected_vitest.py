"""Which tests a locked file of vitest holds, read from its text and never by running it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from buildwright.sandbox.expected_node import SUITES, TESTS, Word, names_among, words_of

FILE = re.compile(r"(?:^|/)[^/]*\.(?:test|spec)\.[cm]?[jt]sx?$")
VARIANTS = frozenset({"only", "skip", "todo", "concurrent", "sequential", "fails", "shuffle"})
TABLES = frozenset({"each", "for", "skipIf", "runIf"})
SKIPS = re.compile(r"\b(?:skip|todo|skipIf|runIf)\b")


def expected_vitest_tests(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Ids `path::suite > test` of the vitest files among `files`, in path order and text order.

    A test made from a table (`test.each`) has the title of the text, `adds %i`, and its rows are
    counted under it. Tests whose name is not a plain string, or that are made in a loop or a
    function of the test's own, are left out: which there are is not known before the run. Square
    brackets in names become round ones. A file that holds no such test gives its own path as the
    one id, which can never pass.
    """
    found: dict[str, None] = {}
    for path in sorted(files):
        if is_vitest_file(path):
            words = without_tables(list(words_of(files[path].decode("utf-8", errors="replace"))))
            names = [f"{path}::{name}" for name in names_among(words, VARIANTS)]
            found.update(dict.fromkeys(names or [path]))
    return tuple(found)


def skippable_vitest_tests(files: Mapping[str, bytes]) -> frozenset[str]:
    """Ids in files whose locked text speaks of skipping or of what is to be done."""
    spoken = {
        path: content
        for path, content in files.items()
        if SKIPS.search(content.decode(errors="replace"))
    }
    return frozenset(expected_vitest_tests(spoken))


def is_vitest_file(path: str) -> bool:
    """True for `x.test.ts`, `x.spec.jsx` and the like outside of `node_modules`."""
    return FILE.search(path) is not None and "node_modules" not in path.split("/")


def without_tables(words: list[Word]) -> list[Word]:
    """The words with `test.each(table)('title'` as `test('title'`; conditions go the same way."""
    kept: list[Word] = []
    at = 0
    while at < len(words):
        word = words[at]
        parts = [part.strip() for part in word.value.split(".")]
        table = word.kind == "word" and parts[0] in (*TESTS, *SUITES) and parts[-1] in TABLES
        kept.append(Word("word", ".".join(parts[:-1])) if table else word)
        at = _end_of_table(words, at + 1) if table else at + 1
    return kept


def _end_of_table(words: list[Word], at: int) -> int:
    """Where the words go on after the bracket or the template text that begins at `at`."""
    depth = 0
    for place in range(at, len(words)):
        mark = words[place].value if words[place].kind == "mark" else ""
        depth += (mark in "([{" and mark != "") - (mark in ")]}" and mark != "")
        if depth <= 0:
            return place + 1
    return len(words)
