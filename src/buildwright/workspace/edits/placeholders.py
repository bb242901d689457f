"""Comments and bodies that stand for code a model has left out."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from buildwright.workspace.edits.pages import squeezed
from buildwright.workspace.edits.syntax import python_tree

_PROSE = (".md", ".rst", ".txt", ".adoc", ".csv", ".svg")
_LEADER = r"(?:#+|//+|/\*+|<!--|--|;|%|\{/\*|\*)"
_COMMENT = re.compile(rf"(?:^|(?<=\s)){_LEADER}(?!!)\s*(.*)")
_DOTS = r"(?:\.\.\.|…)"
_LEFT_OUT = re.compile(
    rf"""
    {_DOTS}(?:\s*(?:\*/\}}?|-->))?\s*\Z |                      # nothing but dots
    [\[(<]?\s*{_DOTS}.*{_DOTS} |                               # ... anything ...
    {_DOTS}?\s*\(?(?:the\s+)?
      (?:rest|remainder|remaining|existing|previous|other|original|same|unchanged)\b
      [\w\s,'"`/-]{{0,60}}
      \b(?:code|file|class|function|method|methods|functions|implementation|logic|imports|body
         |tests|content|contents|definitions|handlers|routes|fields|lines|part)\b
      (?=.*(?:{_DOTS}|unchanged|same|remain|stays?|here|as\ before|omitted|above)) |
    {_DOTS}\s*(?:rest|remainder|existing|unchanged|same\ as|as\ before|other|more|etc) |
    .*\b(?:rest|remainder)\ of\ (?:the\ |this\ |your\ )?
      (?:code|file|class|function|method|module|implementation|logic|body|script|program)\b |
    (?:code|lines|content)?\s*(?:unchanged|omitted\ for\ brevity|remains\ (?:the\ same|unchanged))
      \W*\Z |
    .*\bomitted\ for\ brevity\b |
    .*\b(?:code|implementation|logic)\ (?:goes|continues)\ here\b |
    .*\byour\ (?:code|implementation|logic)\ here\b |
    (?:todo|fixme|xxx)\b[\s:()\w-]{{0,20}}?\b(?:implement|finish|complete|fill|write|add)\b |
    (?:implement|add|insert|put|fill\ in)\ (?:me|this|it|the|your|actual|real)\b.*
      \b(?:here|later|implementation)\b |
    placeholder\b.{{0,40}}(?:implementation|code|logic|for\ now)? \s*\Z |
    rest\W*\Z |
    (?:der\ )?rest\ (?:des\ codes|bleibt|unverändert) | (?:le\ )?reste\ du\ code |
    (?:el\ )?resto\ del\ código | (?:il\ )?resto\ del\ codice |
    .*(?:其余|剩余|保持不变|省略) | .*остальн
    """,
    re.VERBOSE | re.IGNORECASE,
)


def placeholders(path: str, before: bytes | None, after: bytes) -> Iterator[tuple[int, str]]:
    """Yield (1-based line, text) of each placeholder that was not in the file before.

    Comments in any language that mark them with #, //, /*, --, ; or <!--; in Python also `...`
    among other statements and as the body of a function that is to do something. Prose files are
    not looked at.
    """
    if path.endswith(_PROSE):
        return
    known = Counter(_marks(path, before)) if before is not None else Counter()
    for text, line in _marks_with_lines(path, after):
        if known[text] > 0:
            known[text] -= 1
            continue
        yield line, text[:120]


def _marks(path: str, data: bytes) -> list[str]:
    return [text for text, _ in _marks_with_lines(path, data)]


def _marks_with_lines(path: str, data: bytes) -> list[tuple[str, int]]:
    found = [
        (squeezed(line.strip()), number)
        for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1)
        if _marks_left_out(line)
    ]
    if path.endswith((".py", ".pyi")) and b"..." in data:
        tree = python_tree(data)
        if tree is not None and not path.endswith(".pyi"):
            found += [(f"... {name}".strip(), number) for name, number in _ellipses(tree)]
    return found


def _marks_left_out(line: str) -> bool:
    text = line.strip()[:400]
    if text in ("[...]", "…", "<...>"):
        return True
    comment = _COMMENT.search(text)
    return comment is not None and _LEFT_OUT.match(comment.group(1)) is not None


def _ellipses(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield (name of what it is in, line) of each `...` that is a statement and no declaration."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, abstract = waiting.pop()
        abstract = abstract or _declares(node)
        body = getattr(node, "body", None)
        statements = body if isinstance(body, list) else []
        real = [one for one in statements if not _is_docstring(one)]
        for one in statements:
            alone = len(real) == 1 and (abstract or isinstance(node, ast.ClassDef | ast.If))
            if _is_ellipsis(one) and not alone:
                yield getattr(node, "name", ""), one.lineno
        waiting += [
            (child, isinstance(node, ast.ClassDef) and abstract)
            for child in ast.iter_child_nodes(node)
        ]


def _declares(node: ast.AST) -> bool:
    """Whether the body is a declaration: overload, abstract method, Protocol, type checking."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        names = [ast.unparse(one).rpartition(".")[2] for one in node.decorator_list]
        return any(name.startswith(("overload", "abstract")) for name in names)
    if isinstance(node, ast.ClassDef):
        names = [ast.unparse(one) for one in node.bases]
        ends = ("Protocol", "ABC", "Interface", "TypedDict", "NamedTuple", "Exception", "Error")
        return any(name.partition("[")[0].endswith(ends) for name in names)
    return False


def _is_ellipsis(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and (node.value.value is ...)
    )


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and (isinstance(node.value.value, str))
    )
