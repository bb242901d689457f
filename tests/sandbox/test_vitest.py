"""Verdicts of vitest: the same rules as for pytest, and the same kinds of cheats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from buildwright.core.verdict import CaseOutcome, Verdict
from buildwright.sandbox import Sandbox, TestJob

from .vitest_projects import BAD, GOOD, IDS, LIMITS, PATH, JudgeVitest

pytestmark = pytest.mark.sandbox


async def test_right_code_passes(box: Sandbox, judge_vitest: JudgeVitest) -> None:
    run = await judge_vitest(box, GOOD)
    assert (run.verdict, run.reason) == (Verdict.PASSED, "2 of 2 tests passed")
    assert tuple(case.id for case in run.cases) == IDS


SYMPTOMS = {
    "wrong": (BAD, "assertion: AssertionError: expected 7 to be 3"),
    "exception": ("export const add = () => { throw new TypeError('x') };", "exception: TypeError"),
    "recursion": ("export const add = (a, b) => add(a, b);", "stack overflow: RangeError"),
    "exit": ("export const add = () => process.exit(0);", "crash: the process left with exit"),
    "abort": ("export const add = () => process.abort();", "crash: SIGABRT"),
    "import": ("throw new Error('broken'); export const add = 1;", "collection: Error: broken"),
    "missing": ("export const sub = 1;", "collection: "),
    "syntax": ("export const add = (", "collection: "),
    "no such module": ("import 'nowhere'; export const add = 1;", "collection: "),
}


@pytest.mark.parametrize("name", SYMPTOMS)
async def test_symptoms_are_told_apart(best: Sandbox, judge_vitest: JudgeVitest, name: str) -> None:
    code, message = SYMPTOMS[name]
    run = await judge_vitest(best, code)
    assert run.verdict is Verdict.FAILED
    assert run.cases[0].message.startswith(message), run


async def test_a_hang_names_its_test(best: Sandbox, judge_vitest: JudgeVitest) -> None:
    code = "export const add = (a, b) => { if (a === 1) return 3; for (;;) {} };"
    run = await judge_vitest(best, code, limits=replace(LIMITS, wall_s=3.0))
    assert run.cases[1].outcome is CaseOutcome.FAILED
    assert run.cases[1].message.startswith("timeout:")


async def test_a_test_that_fails_only_at_first_is_flaky(
    unsafe: Sandbox, judge_vitest: JudgeVitest, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    code = (
        "import fs from 'node:fs'; export const add = (a, b) => {"
        f" if (fs.existsSync('{mark}')) return a + b; fs.writeFileSync('{mark}', ''); return 7; }};"
    )
    run = await judge_vitest(unsafe, code, reruns=1)
    assert run.verdict is Verdict.FLAKY, run


async def test_a_changed_test_fails_before_anything_runs(
    best: Sandbox, judge_vitest: JudgeVitest
) -> None:
    run = await judge_vitest(best, GOOD, locked={PATH: "0" * 64})
    assert run.reason == f"changed after locking: {PATH}"


async def test_a_node_that_does_not_start_is_infra(
    best: Sandbox, judge_vitest: JudgeVitest
) -> None:
    run = await judge_vitest(best, GOOD, python=Path("/bin/false"))
    assert run.verdict is Verdict.INFRA
    assert "before any test was loaded" in run.reason


def test_vitest_without_its_tools_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ensure_vitest"):
        TestJob(tmp_path, Path("/usr/bin/node"), {}, (), runner="vitest")
