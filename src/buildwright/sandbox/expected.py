"""Which tests a locked file holds, read from its syntax and never by importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
SKIP_MARKS = frozenset({"skip", "skipif", "skipIf", "skipUnless", "xfail", "expectedFailure"})
SKIP_CALLS = frozenset({"skip", "skipTest", "xfail", "importorskip", "SkipTest"})


def expected_tests(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Function-level pytest node ids of the test files among `files` (relative path → content).

    Files in path order, tests in the order of the text; functions named `test…` (pytest's own
    default) at module level and in `Test*` classes without constructor, `test*` methods in
    TestCase classes. Tests defined under a condition are left out: whether they exist is not known
    before the run. A file that is not Python gives its own path as the one id, which can never
    pass.
    """
    found: dict[str, None] = {}
    for path in sorted(files):
        if is_test_file(path):
            found.update(dict.fromkeys(name for name, _ in _tests_in(path, files[path])))
    return tuple(found)


def skippable_tests(files: Mapping[str, bytes]) -> frozenset[str]:
    """Ids whose own locked text allows a skip: a mark on them, around them, or a call in them."""
    return frozenset(
        name
        for path in sorted(files)
        if is_test_file(path)
        for name, skippable in _tests_in(path, files[path])
        if skippable
    )


def is_test_file(path: str) -> bool:
    """True for `test_*.py` and `*_test.py`, pytest's own default."""
    name = PurePosixPath(path).name
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _tests_in(path: str, content: bytes) -> Iterator[tuple[str, bool]]:
    try:
        module = ast.parse(content)
    except (SyntaxError, ValueError):
        yield path, False
        return
    if not _refused(module.body):
        yield from _walk(path, module.body, "test", skippable=_marked_in(module.body))


def _walk(
    prefix: str, body: list[ast.stmt], test_prefix: str, *, skippable: bool
) -> Iterator[tuple[str, bool]]:
    for node in body:
        if isinstance(node, FunctionNode):
            if node.name.startswith(test_prefix) and not _is_fixture(node):
                yield f"{prefix}::{node.name}", skippable or _allows_skip(node)
        elif isinstance(node, ast.ClassDef) and (inner := _class_prefix(node)):
            marked = skippable or _marked(node.decorator_list) or _marked_in(node.body)
            yield from _walk(f"{prefix}::{node.name}", node.body, inner, skippable=marked)


def _class_prefix(node: ast.ClassDef) -> str:
    """Prefix of test methods in the class; empty when it is not a test class."""
    if _refused(node.body):
        return ""
    if any(_last_name(base).endswith("TestCase") for base in node.bases):
        return "test"
    constructors = {"__init__", "__new__"}
    made = any(isinstance(part, FunctionNode) and part.name in constructors for part in node.body)
    return "test" if node.name.startswith("Test") and not made else ""


def _refused(body: list[ast.stmt]) -> bool:
    """True when the body says `__test__ = False`."""
    return any(
        isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "__test__" for t in node.targets)
        and isinstance(node.value, ast.Constant)
        and not node.value.value
        for node in body
    )


def _is_fixture(node: FunctionNode) -> bool:
    return any(_last_name(decorator) == "fixture" for decorator in node.decorator_list)


def _allows_skip(node: FunctionNode) -> bool:
    return _marked(node.decorator_list) or any(
        _last_name(part.func) in SKIP_CALLS for part in ast.walk(node) if isinstance(part, ast.Call)
    )


def _marked(decorators: list[ast.expr]) -> bool:
    return any(
        isinstance(part, ast.Name | ast.Attribute) and _last_name(part) in SKIP_MARKS
        for decorator in decorators
        for part in ast.walk(decorator)
    )


def _marked_in(body: list[ast.stmt]) -> bool:
    """True when `pytestmark` or a call at this level allows a skip."""
    for node in body:
        if isinstance(node, ast.Assign):
            names = [t.id for t in node.targets if isinstance(t, ast.Name)]
            if "pytestmark" in names and _marked([node.value]):
                return True
        if isinstance(node, ast.Expr | ast.Assign | ast.If) and any(
            isinstance(part, ast.Call) and _last_name(part.func) in SKIP_CALLS
            for part in ast.walk(node)
        ):
            return True
    return False


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
