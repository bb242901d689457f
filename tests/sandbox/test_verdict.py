"""Verdicts: what is green is green, and what cheats is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from buildwright.core.verdict import CaseOutcome, Verdict
from buildwright.sandbox import Environment, Exit, Health, Job, Sandbox, TestJob, run_tests

from .conftest import BAD, GOOD, QUICK, TEST, RunProject, outcomes, project

pytestmark = pytest.mark.sandbox


async def test_right_code_passes_with_coverage(any_box: Sandbox, run_project: RunProject) -> None:
    run = await run_project(any_box, project(GOOD + "def unused():\n    return 1\n"))
    assert (run.verdict, run.reason) == (Verdict.PASSED, "2 of 2 tests passed")
    assert set(outcomes(run).values()) == {CaseOutcome.PASSED}
    assert run.coverage == 0.75
    assert (run.backend, run.unsafe) == (any_box.name, any_box.name == "unsafe")


async def test_wrong_code_fails_with_the_assertion(
    any_box: Sandbox, run_project: RunProject
) -> None:
    run = await run_project(any_box, project(BAD))
    assert run.verdict is Verdict.FAILED
    assert run.cases[0].message.startswith("assertion: assert 7 == 3")
    assert "test_one" in run.output_tail


SYMPTOMS = {
    "exception": ("def add(a, b):\n    raise KeyError('x')", "exception: KeyError"),
    "recursion": ("def add(a, b):\n    return add(a, b)", "stack overflow: RecursionError"),
    "segfault": ("import os\ndef add(a, b):\n    os.kill(os.getpid(), 11)", "crash: SIGSEGV"),
    "c-stack": (
        "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self):\n"
        "        return repr([self])\ndef add(a, b):\n    return repr(A())",
        "crash: SIGSEGV",
    ),
    "memory": ("def add(a, b):\n    return bytearray(8 << 30)", "out of memory: MemoryError"),
    "exit": ("import os\ndef add(a, b):\n    os._exit(0)", "crash: the process left"),
    "sys-exit": ("def add(a, b):\n    raise SystemExit(0)", "exception: SystemExit"),
}


@pytest.mark.parametrize("name", SYMPTOMS)
async def test_symptoms_are_told_apart(box: Sandbox, run_project: RunProject, name: str) -> None:
    code, message = SYMPTOMS[name]
    run = await run_project(box, project(code), reruns=0)
    assert run.verdict is Verdict.FAILED
    assert run.cases[0].message.startswith(message)


@pytest.mark.parametrize("place", ["import", "call"])
async def test_a_hang_is_a_timeout(box: Sandbox, run_project: RunProject, place: str) -> None:
    hang = "import time; time.sleep(60)"
    code = f"{hang}\n{GOOD}" if place == "import" else f"def add(a, b):\n    {hang}"
    run = await run_project(box, project(code), limits=replace(QUICK, wall_s=2.0))
    assert run.verdict is Verdict.FAILED
    assert "timeout:" in run.cases[0].message


async def test_locked_settings_and_conftest_count(best: Sandbox, run_project: RunProject) -> None:
    test = "def test_it(number):\n    assert number == 4\n"
    files = project(GOOD, test) | {
        "tests/conftest.py": "import pytest\n@pytest.fixture\ndef number(): return 4\n",
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-ra'\ntestpaths = ['tests']\n",
    }
    run = await run_project(best, files, locked=("tests/conftest.py", "pyproject.toml"))
    assert run.verdict is Verdict.PASSED


async def test_tests_that_edit_the_tests_change_nothing(
    box: Sandbox, run_project: RunProject, tmp_path: Path
) -> None:
    code = (
        "import pathlib\nfor p in pathlib.Path(__file__).parents[2].rglob('test_*.py'):\n"
        "    try: p.write_text('def test_one(): pass')\n    except OSError: pass\n" + BAD
    )
    run = await run_project(box, project(code), reruns=0)
    assert run.verdict is Verdict.FAILED
    assert (tmp_path / "tests/test_app.py").read_text() == TEST


async def test_a_locked_file_that_differs_fails_before_anything_runs(
    best: Sandbox, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass")
    job = TestJob(tmp_path, environment.python, {"test_a.py": "0" * 64}, ("test_a.py::test_a",), "")
    run = await run_tests(best, job)
    assert (run.verdict, run.reason) == (Verdict.FAILED, "changed after locking: test_a.py")


async def test_parameters_count_under_their_function(
    best: Sandbox, run_project: RunProject
) -> None:
    test = (
        "import pytest\nfrom app import add\n@pytest.mark.parametrize('n', [1, 2, 7])\n"
        "def test_p(n):\n    assert add(n, 0) == n\n"
    )
    run = await run_project(best, project("def add(a, b):\n    return min(a, 5)", test))
    assert outcomes(run) == {"test_p": CaseOutcome.FAILED}
    assert (await run_project(best, project(GOOD, test))).verdict is Verdict.PASSED


async def test_a_skip_the_locked_text_allows_is_a_skip(
    best: Sandbox, run_project: RunProject
) -> None:
    test = (
        TEST + "\nimport pytest\n@pytest.mark.skip(reason='later')\ndef test_later():\n    pass\n"
    )
    run = await run_project(best, project(GOOD, test))
    assert run.verdict is Verdict.PASSED
    assert outcomes(run)["test_later"] is CaseOutcome.SKIPPED


async def test_nothing_but_skips_is_not_run(best: Sandbox, run_project: RunProject) -> None:
    test = "import pytest\n@pytest.mark.skip\ndef test_later():\n    pass\n"
    assert (await run_project(best, project(GOOD, test))).verdict is Verdict.NOT_RUN


async def test_no_expected_test_is_not_run(best: Sandbox, run_project: RunProject) -> None:
    assert (await run_project(best, project(GOOD), expected=())).verdict is Verdict.NOT_RUN


async def test_a_missing_test_fails_and_extra_ones_do_not_help(
    best: Sandbox, run_project: RunProject
) -> None:
    expected = ("tests/test_app.py::test_one", "tests/test_app.py::test_gone")
    run = await run_project(best, project(GOOD), expected=expected)
    assert run.verdict is Verdict.FAILED
    assert outcomes(run)["test_gone"] is CaseOutcome.MISSING
    assert "not counted: tests/test_app.py::TestMore::test_two" in run.reason


async def test_a_test_file_that_cannot_be_imported_is_an_error(
    best: Sandbox, run_project: RunProject
) -> None:
    run = await run_project(best, project("raise ValueError('broken')"))
    assert set(outcomes(run).values()) == {CaseOutcome.ERROR}
    assert "ValueError: broken" in run.cases[0].message


class Alternating:
    """A sandbox that tells the code which turn it is."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.name, self.layers = box.name, box.layers
        self.turn = 0

    async def execute(self, job: Job) -> Exit:
        self.turn += 1
        return await self.box.execute(replace(job, env={**job.env, "TURN": str(self.turn)}))


async def test_a_test_that_passes_on_the_second_try_is_flaky(
    best: Sandbox, run_project: RunProject
) -> None:
    code = "import os\ndef add(a, b):\n    return a + b if os.environ['TURN'] == '2' else 0"
    run = await run_project(Alternating(best), project(code))
    assert run.verdict is Verdict.FLAKY
    assert run.cases[0].message.startswith("flaky: passed when run again; first assertion:")


async def test_terminal_sequences_do_not_reach_the_output(
    best: Sandbox, run_project: RunProject
) -> None:
    code = (
        "import os\ndef add(a, b):\n    os.write(2, b'\\x1b]52;c;aGk=\\x07\\x1b[31mred\\x1b[0m"
        "\\x1b]8;;http://x\\x07link\\x00\\x9b1m')\n"
    )
    run = await run_project(best, project(code), reruns=0)
    assert "redlink" in run.output_tail
    assert "\x1b" not in run.output_tail
    assert "\x00" not in run.output_tail


class Broken:
    """A sandbox whose box breaks in the way it is told."""

    name = "broken"
    layers: tuple[str, ...] = ()

    def __init__(self, ended: Exit) -> None:
        self.ended = ended

    async def execute(self, job: Job) -> Exit:
        return self.ended


@pytest.mark.parametrize(
    "ended",
    [
        Exit(1, None, stderr=b"cannot start"),
        Exit(0, None),
        Exit(None, 9, health=Health.LOST, health_reason="killed"),
        Exit(None, None, health=Health.NOT_STARTED, health_reason="no namespace"),
        Exit(None, 9, health=Health.STARVED, health_reason="machine"),
        Exit(None, None, timed_out=True),
    ],
)
async def test_a_broken_box_is_infra(run_project: RunProject, ended: Exit) -> None:
    assert (await run_project(Broken(ended), project(GOOD))).verdict is Verdict.INFRA


async def test_the_project_is_never_written_to(
    box: Sandbox, run_project: RunProject, tmp_path: Path
) -> None:
    await run_project(box, project(GOOD))
    files = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert files == ["src/app/__init__.py", "tests/test_app.py"]
