"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import buildwright
from buildwright.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for path in sorted((ROOT / "src").rglob("*.py"))
    if "templates" not in path.parts and "inside" not in path.parts
]
HEAVY = (
    "alembic", "aiosqlite", "bandit", "jinja2", "langchain_core", "langgraph", "pydantic",
    "pydantic_settings", "radon", "rich", "sandlock", "sqlalchemy", "yaml", "httpx", "asyncio",
)  # fmt: skip
HELPS = [[], *[[name] for name in COMMANDS], ["builds", "list"], ["builds", "resume"],
         ["templates", "show"], ["config", "show"], ["sandbox", "status"], ["sandbox", "self-test"],
         ["db", "upgrade"]]  # fmt: skip
PROBE = """
import sys
from buildwright.cli.main import exit_code_of
code = exit_code_of(sys.argv[1:])
loaded = sorted(name for name in sys.modules if "." not in name)
print("MODULES", code, *loaded, file=sys.stderr)
"""


@pytest.mark.parametrize("command", HELPS, ids=" ".join)
def test_help_loads_no_heavy_library(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    _, code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0"
    assert "Usage: buildwright" in done.stdout
    assert set(modules) & set(HEAVY) == set()


@pytest.mark.parametrize("command", HELPS[1:], ids=" ".join)
def test_every_help_shows_an_example(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "buildwright", *command, "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Example: buildwright" in done.stdout


def test_only_settings_read_the_environment() -> None:
    guilty = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            if named and path.name != "environment.py":
                guilty.append(str(path.relative_to(ROOT)))
    assert guilty == []


def test_only_the_graph_imports_langgraph() -> None:
    users = [p.name for p in SOURCES if "from langgraph" in p.read_text()]
    assert users == ["graph.py"]


def test_broad_catches_stand_in_the_named_places_only() -> None:
    catches = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ExceptHandler):
                continue
            kind = ast.unparse(node.type) if node.type else "BaseException"
            broad = kind in ("Exception", "BaseException")
            if broad and not isinstance(node.body[-1], ast.Raise):
                catches.add(str(path.relative_to(ROOT / "src/buildwright")))
    health = {"services/selftest.py", "sandbox/selftest/running.py"}
    door = {"web/app.py", "web/http1/exchange.py"}
    assert catches <= {"cli/main.py", "app/application.py"} | door | health


def test_nothing_is_mocked() -> None:
    users = []
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = [getattr(node, "module", "") or "", *(alias.name for alias in node.names)]
                users += [path.name for name in names if name in ("unittest.mock", "mock")]
    # Its subject is how the comparing objects of honest tests are told from cheats.
    assert set(users) <= {"test_equality.py"}


def test_every_module_and_public_name_has_a_docstring() -> None:
    silent = []
    for path in SOURCES:
        module = ast.parse(path.read_text())
        if not ast.get_docstring(module):
            silent.append(str(path))
        for node in module.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if not node.name.startswith("_") and not ast.get_docstring(node):
                silent.append(f"{path}:{node.name}")
    assert silent == []


def test_no_index_host_is_named_in_a_lock() -> None:
    locks = [*ROOT.glob("requirements/*.txt"), *ROOT.glob("src/**/requirements*.txt")]
    assert len(locks) >= 4
    assert [p for p in locks if "://" in p.read_text() or "--index" in p.read_text()] == []


def test_public_names_load_when_used_and_not_before() -> None:
    probe = (
        "import sys, buildwright; assert 'asyncio' not in sys.modules; "
        "[getattr(buildwright, name) for name in buildwright.__all__]"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(buildwright, "nothing")  # noqa: B009 - the attribute must not exist
