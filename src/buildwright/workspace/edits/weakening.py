"""Signs that a test file checks less than it did."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from buildwright.workspace.edits.syntax import python_tree

_SKIPS = re.compile(r"\b(?:skip|skipif|skipIf|skipUnless|xfail|importorskip|expectedFailure)\b")
_CASE = re.compile(rb"\b(?:it|test|describe)\s*\(")
_EXPECT = re.compile(rb"\b(?:expect|assert)\b")
_SKIP = re.compile(rb"\b(?:it|test|describe)\.(?:skip|todo|only)\b|\bx(?:it|describe)\s*\(")


@dataclass(slots=True)
class _Facts:
    cases: dict[str, int] = field(default_factory=dict)
    asserts: int = 0
    skips: int = 0
    first_skip: int = 0


def weakened(path: str, before: bytes | None, after: bytes | None) -> Iterator[tuple[int, str]]:
    """Yield (1-based line, reason) for each way in which the tests check less than before."""
    if before is None:
        return
    if after is None:
        yield 0, "a test file is deleted"
        return
    if not path.endswith(".py"):
        yield from _script_weakened(before, after)
        return
    old, new = _facts(before), _facts(after)
    if old is None or new is None:
        return
    for name in sorted(old.cases.keys() - new.cases.keys()):
        yield old.cases[name], f"test {name!r} is taken away"
    if new.asserts < old.asserts:
        yield 0, f"the file has {new.asserts} assertions, {old.asserts} before"
    if new.skips > old.skips:
        yield new.first_skip, f"the file skips or excuses {new.skips} tests, {old.skips} before"


def _facts(data: bytes) -> _Facts | None:
    tree = python_tree(data)
    if tree is None:
        return None
    facts = _Facts()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name.lower().startswith("test"):
                facts.cases[node.name] = node.lineno
        elif isinstance(node, ast.Assert):
            facts.asserts += not isinstance(node.test, ast.Constant)
        elif isinstance(node, ast.Attribute | ast.Name):
            _count_name(facts, node)
    return facts


def _count_name(facts: _Facts, node: ast.Attribute | ast.Name) -> None:
    name = node.attr if isinstance(node, ast.Attribute) else node.id
    if _SKIPS.fullmatch(name):
        facts.skips += 1
        facts.first_skip = facts.first_skip or node.lineno
    elif name.startswith("assert") or name in ("raises", "warns"):
        facts.asserts += 1


def _script_weakened(before: bytes, after: bytes) -> Iterator[tuple[int, str]]:
    for pattern, what in ((_CASE, "test cases"), (_EXPECT, "expectations")):
        old, new = len(pattern.findall(before)), len(pattern.findall(after))
        if new < old:
            yield 0, f"the file has {new} {what}, {old} before"
    if len(_SKIP.findall(after)) > len(_SKIP.findall(before)):
        yield 0, "the file skips tests that it did not skip before"
