"""What a Python tree offers, read from its syntax: modules, classes, functions, HTTP routes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "websocket")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A public class or function; `summary` is the first line of its docstring."""

    module: str
    name: str
    kind: str
    signature: str
    summary: str
    line: int


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP route declared by a decorator; `path` is as written there."""

    verb: str
    path: str
    module: str
    function: str
    summary: str


@dataclass(frozen=True, slots=True)
class CodeMap:
    """Symbols and routes in file order; `broken` are files that do not parse."""

    symbols: tuple[Symbol, ...]
    routes: tuple[Route, ...]
    broken: tuple[str, ...]


def map_code(files: Mapping[str, bytes]) -> CodeMap:
    """Read Python files (path -> bytes) without importing them."""
    symbols: list[Symbol] = []
    routes: list[Route] = []
    broken: list[str] = []
    for path in sorted(files):
        try:
            module = ast.parse(files[path])
        except (SyntaxError, ValueError, RecursionError):
            broken.append(path)
            continue
        symbols += [_symbol(path, node) for node in module.body if _public(node)]
        routes += _routes(path, module)
    return CodeMap(tuple(symbols), tuple(routes), tuple(broken))


_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _public(node: ast.stmt) -> bool:
    return isinstance(node, _Definition) and not node.name.startswith("_")


def _symbol(path: str, node: ast.stmt) -> Symbol:
    assert isinstance(node, _Definition)  # noqa: S101 - _public chose it
    summary = (ast.get_docstring(node) or "").partition("\n")[0]
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return Symbol(path, node.name, "class", f"{node.name}({bases})", summary, node.lineno)
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    signature = f"{node.name}({ast.unparse(node.args)}){result}"
    return Symbol(path, node.name, "function", signature, summary, node.lineno)


def _routes(path: str, module: ast.Module) -> Iterator[Route]:
    for node in ast.walk(module):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for mark in node.decorator_list:
            if not (isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute)):
                continue
            place = mark.args[0] if mark.args else None
            if mark.func.attr in _VERBS and isinstance(place, ast.Constant):
                summary = (ast.get_docstring(node) or "").partition("\n")[0]
                yield Route(mark.func.attr.upper(), str(place.value), path, node.name, summary)
