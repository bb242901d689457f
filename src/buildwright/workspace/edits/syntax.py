"""Whether a file can be parsed: Python, JSON and TOML; other kinds are not looked at."""

from __future__ import annotations

import ast
import json
import re
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import dataclass

MAX_PARSED_BYTES = 2_000_000
_AT_LINE = re.compile(r"line (\d+)")
# Tools of the JavaScript world read these with comments.
_LOOSE_JSON = ("tsconfig", "jsconfig", ".eslintrc", "devcontainer")


@dataclass(frozen=True, slots=True)
class Fault:
    """Where and why a file cannot be parsed; `line` is 1-based, 0 when it is not known."""

    line: int
    reason: str


def syntax_fault(path: str, data: bytes) -> Fault | None:
    """Return the first fault, None when there is none or the kind of file is not known."""
    name = path.rsplit("/", 1)[-1]
    if len(data) > MAX_PARSED_BYTES:
        return None
    if name.endswith((".py", ".pyi")):
        return _parsed(lambda: _compiled(data))
    if name.endswith(".json") and not name.startswith(_LOOSE_JSON):
        return _parsed(lambda: json.loads(data))
    if name.endswith(".toml"):
        return _parsed(lambda: tomllib.loads(data.decode()))
    return None


def python_tree(data: bytes) -> ast.Module | None:
    """Return the tree of a Python file, None when it has none."""
    if len(data) > MAX_PARSED_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _compiled(data: bytes) -> object:
    """Compile, which also finds what the grammar lets through: `return` outside of a function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(data, "<edit>", "exec", dont_inherit=True)


def _parsed(parse: Callable[[], object]) -> Fault | None:
    try:
        parse()
    except SyntaxError as error:
        return Fault(error.lineno or 0, f"syntax error: {error.msg}")
    except (RecursionError, MemoryError):
        return Fault(0, "the file is nested too deeply to be parsed")
    except ValueError as error:
        found = _AT_LINE.search(str(error))
        return Fault(int(found.group(1)) if found else 0, f"cannot be parsed: {error}")
    return None
