"""Working on a project that is there already: changed only when tests pass, and only in scope."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.services.conftest import Open

from buildwright.core.build import Outcome
from buildwright.core.errors import UsageError
from buildwright.core.events import Event, EventKind
from buildwright.services.request import Wish

pytestmark = [pytest.mark.build, pytest.mark.sandbox]
RIGHT = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return a - b\n"
FILES = {
    "src/calc.py": WRONG,
    "src/other.py": "X = 1\n",
    "README.md": "# Calc\n",
    "tests/test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n",
    ".git/config": "[core]\n",
    "notes.bin": "\x00\x01",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "link").symlink_to("/etc/passwd")
    return folder


def played(tmp_path: Path, right: dict[str, str], script: str = "oracle") -> dict[str, object]:
    reference = tmp_path / "reference.json"
    reference.write_text(json.dumps({"right": right, "wrong": {"src/calc.py": WRONG}}))
    row = {"script": script, "reference": reference, "free": True}
    return {"model": "m", "models": {"m": row}, "agent": {"max_attempts": 2, "max_steps": 4}}


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and ".buildwright" not in path.parts
    }


def wish(tmp_path: Path, project: Path, **more: object) -> Wish:
    return Wish("Adding gives wrong results; correct it.", tmp_path, into=project, **more)  # type: ignore[arg-type]


async def test_a_fix_lands_as_a_clean_difference(
    tmp_path: Path, project: Path, opened: Open
) -> None:
    async with opened(**played(tmp_path, {"src/calc.py": RIGHT})) as app:
        build = await app.builds.build(wish(tmp_path, project))
    assert build.outcome is Outcome.PARTIAL
    assert contents(project) == {**FILES, "src/calc.py": RIGHT}
    assert (project / "link").is_symlink()
    diff = (project / ".buildwright/changes.diff").read_text()
    assert "--- a/src/calc.py" in diff
    assert "+    return a + b" in diff
    assert diff.count("--- a/") == 1
    assert (project / ".buildwright/report.html").is_file()


async def test_with_tests_of_the_user_it_passes_and_they_stay_out_of_the_project(
    tmp_path: Path, project: Path, opened: Open
) -> None:
    tests = tmp_path / "acceptance"
    tests.mkdir()
    (tests / "test_more.py").write_text("from calc import add\ndef test(): assert add(1, 1) == 2\n")
    async with opened(**played(tmp_path, {"src/calc.py": RIGHT})) as app:
        build = await app.builds.build(wish(tmp_path, project, tests=tests))
    assert build.outcome is Outcome.PASSED
    assert contents(project) == {**FILES, "src/calc.py": RIGHT}


async def test_a_change_that_fails_leaves_the_project_as_it_was(
    tmp_path: Path, project: Path, opened: Open
) -> None:
    async with opened(**played(tmp_path, {"src/calc.py": WRONG + "Y = 2\n"})) as app:
        build = await app.builds.build(wish(tmp_path, project))
    assert build.outcome is Outcome.FAILED
    assert contents(project) == FILES
    assert "+Y = 2" in (project / ".buildwright/changes.diff").read_text()


@pytest.mark.parametrize("path", ["tests/test_calc.py", "src/other.py", "pyproject.toml"])
async def test_nothing_out_of_scope_is_touched(
    tmp_path: Path, project: Path, opened: Open, path: str
) -> None:
    async with opened(**played(tmp_path, {"src/calc.py": RIGHT, path: "Z = 3\n"})) as app:
        build = await app.builds.build(wish(tmp_path, project, scope=("src/calc.py",)))
    assert build.outcome in (Outcome.PARTIAL, Outcome.FAILED)
    assert contents(project).get(path) == FILES.get(path)


async def test_a_file_that_the_user_changed_meanwhile_is_not_overwritten(
    tmp_path: Path, project: Path, opened: Open
) -> None:
    def change(event: Event) -> None:
        if event.kind is EventKind.STAGE_DONE and event.stage == "test":
            (project / "src/calc.py").write_text("MINE = True\n")

    async with opened(change, **played(tmp_path, {"src/calc.py": RIGHT})) as app:
        build = await app.builds.build(wish(tmp_path, project))
    assert build.outcome is Outcome.ERROR
    assert "nothing was changed" in build.reason
    assert contents(project) == {**FILES, "src/calc.py": "MINE = True\n"}


async def test_what_cannot_be_worked_on_is_refused(
    tmp_path: Path, project: Path, opened: Open
) -> None:
    async with opened() as app:
        with pytest.raises(UsageError, match="rules alone cannot change"):
            await app.builds.submit(wish(tmp_path, project))
    async with opened(**played(tmp_path, {})) as app:
        with pytest.raises(UsageError, match="is no folder"):
            await app.builds.submit(wish(tmp_path, tmp_path / "missing"))
        with pytest.raises(UsageError, match="goes with neither"):
            await app.builds.submit(wish(tmp_path, project, out=tmp_path / "x"))
        (tmp_path / "empty").mkdir()
        with pytest.raises(UsageError, match="has 0 files"):
            await app.builds.submit(wish(tmp_path, tmp_path / "empty"))


NODE_WRONG = "export const add = (a, b) => a - b;\n"
NODE_RIGHT = "export const add = (a, b) => a + b;\n"
NODE_TESTS = {
    "node": (
        "import test from 'node:test';\nimport assert from 'node:assert';\n"
        "import { add } from '../src/calc.mjs';\n\n"
        "test('adds', () => { assert.equal(add(2, 3), 5); });\n",
        "test/calc.test.mjs",
    ),
    "vitest": (
        "import { expect, test } from 'vitest';\nimport { add } from '../src/calc.mjs';\n\n"
        "test('adds', () => { expect(add(2, 3)).toBe(5); });\n",
        "tests/calc.test.mjs",
    ),
}


@pytest.mark.parametrize("runner", NODE_TESTS)
async def test_a_node_project_is_mended_and_judged_by_its_own_tests(
    tmp_path: Path, opened: Open, runner: str
) -> None:
    text, place = NODE_TESTS[runner]
    project = tmp_path / "node-project"
    for path, content in (("src/calc.mjs", NODE_WRONG), (place, text)):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(content)
    flags = played(tmp_path, {"src/calc.mjs": NODE_RIGHT})
    async with opened(**flags) as app:
        build = await app.builds.build(wish(tmp_path, project))
    assert build.outcome is Outcome.PARTIAL
    assert (project / "src/calc.mjs").read_text() == NODE_RIGHT


async def test_a_node_project_whose_tests_fail_stays_as_it_was(
    tmp_path: Path, opened: Open
) -> None:
    text, place = NODE_TESTS["vitest"]
    project = tmp_path / "node-project"
    for path, content in (("src/calc.mjs", NODE_WRONG), (place, text)):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(content)
    flags = played(tmp_path, {"src/calc.mjs": "export const add = () => 0;\n"})
    async with opened(**flags) as app:
        build = await app.builds.build(wish(tmp_path, project))
    assert build.outcome is Outcome.FAILED
    assert (project / "src/calc.mjs").read_text() == NODE_WRONG
