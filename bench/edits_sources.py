"""Real edits to perturb: buggy and canonical solutions, and changed functions of real packages."""

from __future__ import annotations

import ast
import json
import random
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

PACKAGES = (
    "alembic", "anyio", "click", "h11", "httpcore", "jinja2", "mako", "markdown_it", "packaging",
    "pathspec", "platformdirs", "pluggy", "pygments", "rich", "sqlalchemy", "urllib3", "yaml",
)  # fmt: skip
SIZES = range(1_500, 40_000)
SWAPS = (
    (r" == ", " != "), (r" is not ", " is "), (r" not in ", " in "), (r"\bTrue\b", "False"),
    (r"\bNone\b", "False"), (r" and ", " or "), (r" \+ ", " - "), (r" < ", " <= "), (r"\b1\b", "2"),
    (r"\b0\b", "1"), (r"\(\)$", "(1)"), (r"\bself\.(\w)", r"self._\1"), (r"=", "= 1 +"),
)  # fmt: skip
Mutated = list[str]


@dataclass(frozen=True, slots=True)
class Source:
    """A file before and after an edit, with LF ends; `path` is where the model believes it."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One hunk: old and new lines, and the first old line's number from 0."""

    old: list[str]
    new: list[str]
    first: int

    @property
    def kept(self) -> list[tuple[int, int]]:
        """Pairs of line numbers, in old and in new, of the lines that stay."""
        matcher = SequenceMatcher(None, self.old, self.new, autojunk=False)
        blocks = matcher.get_matching_blocks()
        return [(b.a + n, b.b + n) for b in blocks for n in range(b.size)]


def changes(source: Source, context: int) -> list[Change]:
    """Return the hunks of a source with so many lines of context."""
    old, new = source.before.splitlines(), source.after.splitlines()
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context)
    return [Change(old[g[0][1] : g[-1][2]], new[g[0][3] : g[-1][4]], g[0][1]) for g in groups]


def pairs(data: Path, rng: random.Random) -> list[Source]:
    """Return every buggy solution alone, and again amid five other tasks in one module."""
    lines = data.read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()]
    found: list[Source] = []
    for number, record in enumerate(records):
        parts = [
            record["declaration"] + record[f"{kind}_solution"] for kind in ("buggy", "canonical")
        ]
        before, after = (re.sub(r"[ \t]+$", "", p.strip("\n"), flags=re.M) + "\n" for p in parts)
        path = f"tasks/task_{number}.py"
        found.append(Source(path, before, after))
        others = [other for other in records if other is not record]
        chosen = rng.sample(others, min(5, len(others)))
        around = [(o["declaration"] + o["canonical_solution"]).strip("\n") for o in chosen]
        place = rng.randrange(len(around) + 1)
        whole = (
            "\n\n\n".join([*around[:place], one.strip("\n"), *around[place:]]) + "\n"
            for one in (before, after)
        )
        found.append(Source(path, *whole))
    return [source for source in found if source.before != source.after]


def package_edits(rng: random.Random, wanted: int) -> list[Source]:
    """Return changed functions of installed packages, files in sorted order."""
    root = Path(sysconfig.get_paths()["purelib"])
    files = [path for name in PACKAGES for path in sorted((root / name).rglob("*.py"))]
    rng.shuffle(files)
    found: list[Source] = []
    for path in files:
        if len(found) >= wanted:
            break
        if path.stat().st_size in SIZES:
            found += _changed(path.relative_to(root).as_posix(), path.read_bytes(), rng)
    return found[:wanted]


def _changed(path: str, data: bytes, rng: random.Random) -> Iterator[Source]:
    """Yield up to two edits of one file, each in a function of its own."""
    try:
        text = data.decode("ascii")
        tree = ast.parse(text)
    except (UnicodeDecodeError, SyntaxError):
        return
    odd = re.search(r"[\r\t\f\v\x1c-\x1e]", text)
    if odd or not text.endswith("\n"):
        return
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and len(n.body) > 2]
    made = 0
    for function in rng.sample(functions, len(functions)):
        after = _mutate(text, function, rng)
        if after is not None:
            yield Source(path, text, after)
            made += 1
        if made == 2:
            return


def _mutate(text: str, function: ast.FunctionDef, rng: random.Random) -> str | None:
    lines = text.splitlines()
    simple = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Assign | ast.Return | ast.AugAssign | ast.Expr)
        and node.end_lineno == node.lineno
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    for node in rng.sample(simple, len(simple)):
        for change in rng.sample((_swap, _insert, _delete, _wrap), 4):
            changed = change(lines, node.lineno - 1, rng)
            if changed is not None and _parses(changed):
                return "\n".join(changed) + "\n"
    return None


def _parses(lines: list[str]) -> bool:
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:
        return False
    return True


def _swap(lines: list[str], at: int, rng: random.Random) -> Mutated | None:
    for pattern, other in rng.sample(SWAPS, len(SWAPS)):
        changed = re.sub(pattern, other, lines[at], count=1)
        if changed != lines[at]:
            return [*lines[:at], changed, *lines[at + 1 :]]
    return None


def _insert(lines: list[str], at: int, rng: random.Random) -> Mutated | None:
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    name = f"seen_{rng.randrange(1000)}"
    added = [f"{indent}{name} = {rng.randrange(100)}", f"{indent}if {name} > {at}:"]
    added += [f"{indent}    raise ValueError({name})"]
    return [*lines[:at], *(added if rng.random() < 0.5 else added[:1]), *lines[at:]]


def _delete(lines: list[str], at: int, _: random.Random) -> Mutated | None:
    return [*lines[:at], *lines[at + 1 :]]


def _wrap(lines: list[str], at: int, rng: random.Random) -> Mutated | None:
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    test = f"{indent}if {rng.randrange(100)} < len(str({at})):"
    return [*lines[:at], test, f"    {lines[at]}", *lines[at + 1 :]]
