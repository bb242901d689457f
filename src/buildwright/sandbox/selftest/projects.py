"""Running a project as a threat: write it, lock its tests, judge it, and see what was said."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from buildwright.core.verdict import TestRun, Verdict
from buildwright.sandbox.box import Sandbox
from buildwright.sandbox.expected import expected_tests
from buildwright.sandbox.selftest.model import QUICK, Answer, Cheat, Outcome
from buildwright.sandbox.selftest.trials import Breaking, Turning, digest
from buildwright.sandbox.testing import TestJob
from buildwright.sandbox.verdict import run_tests

TEST = """
from app import add

def test_one():
    assert add(1, 2) == 3

class TestMore:
    def test_two(self):
        assert add(2, 2) == 4
"""
BAD = "def add(a, b):\n    return 7\n"
GOOD = "def add(a, b):\n    return a + b\n"
LIMITS = replace(QUICK, memory_bytes=300 << 20, file_bytes=16 << 20, processes=40, open_files=256)


@contextlib.contextmanager
def open_project(code: str, test: str = "", files: object = None) -> Iterator[Path]:
    """A folder with `src/app`, `tests/test_app.py` and whatever `files` adds."""
    with tempfile.TemporaryDirectory(prefix="buildwright-cheat-") as folder:
        more = dict(files) if isinstance(files, dict) else {}
        all_files = {"src/app/__init__.py": code, "tests/test_app.py": test or TEST, **more}
        for name, text in all_files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        yield Path(folder)


def job_of(tree: Path, python: Path, test: str = "", *, wall_s: float = 20.0) -> TestJob:
    """The job for a project made by `open_project`, its test locked as it should be."""
    text = test or TEST
    return TestJob(
        tree=tree,
        python=python,
        locked={"tests/test_app.py": digest(text)},
        expected=expected_tests({"tests/test_app.py": text.encode()}),
        source_dir="",
        limits=replace(LIMITS, wall_s=wall_s),
        reruns=0,
    )


async def judge_cheat(box: Sandbox, python: Path, cheat: Cheat) -> Answer:
    """Run the project of `cheat`; held when the verdict is the right one for the right reason."""
    with open_project(cheat.code, cheat.test, cheat.files) as tree:
        job = job_of(tree, python, cheat.test, wall_s=cheat.wall_s)
        turning = Turning(box)
        run = await run_tests(turning, replace(job, reruns=cheat.reruns))
    return judged(run, cheat)


def judged(run: TestRun, cheat: Cheat) -> Answer:
    """Held, or what was said instead."""
    told = f"{run.verdict.value}: {run.reason}"[:200]
    said = "\n".join([run.reason, *(case.message for case in run.cases)])
    if run.verdict is Verdict.INFRA and cheat.verdict != "infra":
        return Answer(Outcome.UNPROVEN, "", told)
    if run.verdict.value != cheat.verdict or cheat.wanted not in said:
        return Answer(Outcome.NOT_HELD, "", told)
    return Answer(Outcome.HELD, "harness", told)


async def changed_test(box: Sandbox, python: Path) -> Answer:
    """T50: a test that was weakened before the run."""
    with open_project(BAD, "def test_one():\n    pass\n") as tree:
        run = await run_tests(box, job_of(tree, python))
    return judged(run, Cheat(BAD, "failed", "changed after locking"))


async def stale_report(box: Sandbox, python: Path) -> Answer:
    """T51: reports of an earlier run lie in the tree and in the place for temporary files."""
    stale = dict.fromkeys(("report.xml", ".report.json"), '<testsuite tests="2" failures="0"/>')
    code = "import os\nos._exit(0)\n"
    with open_project(GOOD) as tree:
        first = await run_tests(box, job_of(tree, python))
    with open_project(code, files=stale) as tree:
        second = await run_tests(box, job_of(tree, python))
    if first.verdict is not Verdict.PASSED:
        return Answer(Outcome.UNPROVEN, "", f"right code is not passed: {first.reason}"[:200])
    return judged(second, Cheat(code, "failed", "left with exit code"))


async def breaks_in_mid_run(box: Sandbox, python: Path) -> Answer:
    """T53: interpreter gone, no space, killed from outside: `infra`, neither passed nor failed."""
    with open_project(GOOD) as tree:
        job = job_of(tree, python)
        runs = {
            how: await run_tests(Breaking(box, how), job)
            for how in ("shell gone", "no space", "killed from outside")
        }
    wrong = [f"{how}: {run.verdict.value}" for how, run in runs.items() if run.verdict != "infra"]
    if wrong:
        return Answer(Outcome.NOT_HELD, "", ", ".join(wrong))
    return Answer(Outcome.HELD, "health probe", f"infra: {', '.join(runs)}")
