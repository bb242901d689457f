"""The public names that a change of a module takes away."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from buildwright.workspace.edits.syntax import python_tree

_SCRIPT = (".js", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".jsx")
_EXPORT = re.compile(
    r"export\s+(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?"
    r"(?:function\s*\*?|class|const|let|var|interface|type|enum)\s+([A-Za-z_$][\w$]*)"
)
_EXPORT_LIST = re.compile(r"(?:export|module\.exports\s*=)\s*\{([^{}]{0,5000})\}")
_LAST_NAME = re.compile(r"([A-Za-z_$][\w$]*)\s*\Z")


def lost_symbols(path: str, before: bytes, after: bytes) -> dict[str, int]:
    """Return the names that are gone, with the 1-based lines they stood at.

    Python: public top-level functions, classes and assignments, and public methods as
    `Class.name`; a name that is imported now is not lost. JavaScript and TypeScript: names that
    are exported. Nothing where the file is of another kind or one side cannot be parsed.
    """
    if path.endswith((".py", ".pyi")):
        old, new = python_tree(before), python_tree(after)
        if old is None or new is None:
            return {}
        now = _bound_names(new)
        return {name: line for name, line in _defined(old).items() if not _is_in(name, now)}
    if path.endswith(_SCRIPT):
        kept = _exports(after)
        return {name: line for name, line in _exports(before).items() if name not in kept}
    return {}


def _is_in(name: str, now: dict[str, bool]) -> bool:
    """Whether the name is bound; a class that comes from elsewhere brings its methods."""
    owner, _, _ = name.rpartition(".")
    return name in now or (bool(owner) and now.get(owner) is False)


def _defined(tree: ast.Module) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in _statements(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for name in filter(_is_public, _names(node)):
            found.setdefault(name, node.lineno)
            for method in _methods(node):
                found.setdefault(f"{name}.{method.name}", method.lineno)
    return found


def _methods(node: ast.stmt) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    if isinstance(node, ast.ClassDef):
        for inner in _statements(node.body):
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and _is_public(inner.name):
                yield inner


def _bound_names(tree: ast.Module) -> dict[str, bool]:
    """Return every name that is bound at the top or in a class; True for classes made here."""
    found: dict[str, bool] = {}
    for node in _statements(tree.body):
        for name in _names(node):
            found[name] = isinstance(node, ast.ClassDef)
        if isinstance(node, ast.ClassDef):
            inside = (name for inner in _statements(node.body) for name in _names(inner))
            found.update((f"{node.name}.{name}", True) for name in inside)
    return found


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements of a body and of the blocks in it that open no scope."""
    waiting = list(body)[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for field in ("finalbody", "orelse", "handlers", "body"):
            for inner in reversed(getattr(node, field, None) or []):
                waiting += inner.body[::-1] if isinstance(inner, ast.ExceptHandler) else [inner]


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    return [t.id for target in targets for t in ast.walk(target) if isinstance(t, ast.Name)]


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def _exports(data: bytes) -> dict[str, int]:
    text = data.decode("utf-8", "replace")
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        match = _EXPORT.match(line)
        if match:
            found.setdefault(match.group(1), number)
    for match in _EXPORT_LIST.finditer(text):
        number = text.count("\n", 0, match.start()) + 1
        for item in match.group(1).split(","):
            name = _LAST_NAME.search(item.partition(":")[0])
            if name:
                found.setdefault(name.group(1), number)
    return found
