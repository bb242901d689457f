"""Verdicts: what is green is green, and what cheats is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from buildwright.core.verdict import CaseOutcome, TestRun, Verdict
from buildwright.sandbox import Environment, Exit, Health, Job, Sandbox, TestJob, run_tests

from .conftest import QUICK, RunProject

pytestmark = pytest.mark.sandbox

TEST = """
from app import add

def test_one():
    assert add(1, 2) == 3

class TestMore:
    def test_two(self):
        assert add(2, 2) == 4
"""
GOOD = "def add(a, b):\n    return a + b\n"
BAD = "def add(a, b):\n    return 7\n"


def outcomes(run: TestRun) -> dict[str, CaseOutcome]:
    return {case.id.rpartition("::")[2]: case.outcome for case in run.cases}


def project(code: str, test: str = TEST) -> dict[str, str]:
    return {"src/app/__init__.py": code, "tests/test_app.py": test}


async def test_right_code_passes_with_coverage(any_box: Sandbox, run_project: RunProject) -> None:
    run = await run_project(any_box, project(GOOD + "def unused():\n    return 1\n"))
    assert (run.verdict, run.reason) == (Verdict.PASSED, "2 of 2 tests passed")
    assert set(outcomes(run).values()) == {CaseOutcome.PASSED}
    assert run.coverage == 0.75
    assert (run.backend, run.unsafe) == (any_box.name, any_box.name == "unsafe")


async def test_wrong_code_fails_with_the_assertion(any_box: Sandbox, run_project: RunProject) -> None:
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


FORGED = "============== 2 passed in 0.01s ==============\\n"
PATCH_TEST = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None): return None
def swap():
    for name, module in list(sys.modules.items()):
        if "test_app" in name:
            module.test_one = lambda: None
            module.TestMore.test_two = lambda self: None
"""
CHEATS = {
    "exit at import": "import os\nos._exit(0)",
    "system exit at import": "raise SystemExit(0)",
    "pytest.exit at import": "import pytest\npytest.exit('fine', returncode=0)",
    "skip at import": "import pytest\npytest.skip('no', allow_module_level=True)",
    "skip at call": "import pytest\ndef add(a, b):\n    pytest.skip('no')",
    "xfail at call": "import pytest\ndef add(a, b):\n    pytest.xfail('no')",
    "unittest skip": "import unittest\ndef add(a, b):\n    raise unittest.SkipTest('no')",
    "summary on stdout": f"import os\nos.write(1, b'{FORGED}')\nos._exit(0)",
    "guessed descriptors": (
        "import json, os\nline = json.dumps({'nonce': '0', 'late': False, 'events': '', 'status': 0})\n"
        "for fd in range(3, 64):\n    try: os.write(fd, (line + '\\n').encode())\n"
        "    except OSError: pass\n" + BAD
    ),
    "unsigned event": (
        "import os, json\nrow = json.dumps({'n': 1, 'e': 'end', 'code': 0, 'coverage': 1})\n"
        "for fd in range(3, 64):\n    try: os.write(fd, (row + '\\t' + '0' * 32 + '\\n').encode())\n"
        "    except OSError: pass\nos._exit(0)"
    ),
    "atexit": "import atexit, os\natexit.register(lambda: os._exit(0))\n" + BAD,
    "kills the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n" + BAD,
    "kills everything": "import os, signal\nos.kill(-1, signal.SIGKILL)\n" + BAD,
    "patches from_call": (
        "import _pytest.runner as r\nold = r.CallInfo.from_call.__func__\n"
        "def call(cls, func, when, reraise=None):\n"
        "    return old(cls, lambda: None if when == 'call' else func(), when, reraise)\n"
        "r.CallInfo.from_call = classmethod(call)\n" + BAD
    ),
    "patches the report": (
        "import _pytest.reports as r\nold = r.TestReport.from_item_and_call.__func__\n"
        "def make(cls, item, call):\n    call.excinfo = None\n    return old(cls, item, call)\n"
        "r.TestReport.from_item_and_call = classmethod(make)\n" + BAD
    ),
    "patches runtest": (
        "import _pytest.python as p\np.Function.runtest = lambda self: None\n" + BAD
    ),
    "replaces a body": (
        "import _pytest.python as p\np.Function.runtest.__code__ = (lambda self: None).__code__\n"
        + BAD
    ),
    "patches and restores": (
        "import _pytest.python as p\nold = p.Function.runtest\ndef add(a, b):\n"
        "    import sys\n    f = sys._getframe()\n    while f:\n"
        "        if 'item' in f.f_locals: f.f_locals['item'].session.items.clear(); break\n"
        "        f = f.f_back\n    return 7"
    ),
    "registers a plugin": (
        "import sys\nimport pytest\nclass Evil:\n"
        "    @pytest.hookimpl(tryfirst=True)\n    def pytest_pyfunc_call(self, pyfuncitem): return True\n"
        "f = sys._getframe()\nwhile f:\n    s = f.f_locals.get('self')\n"
        "    c = getattr(s, 'config', None)\n"
        "    if c is not None and hasattr(c, 'pluginmanager'):\n"
        "        c.pluginmanager.register(Evil()); break\n    f = f.f_back\n" + BAD
    ),
    "swaps the tests at call": (
        PATCH_TEST + "def add(a, b):\n    swap()\n    return 3 if (a, b) == (1, 2) else 7"
    ),
    "swaps the tests by frame": (
        "import sys\nf = sys._getframe()\nwhile f and 'test_app' not in f.f_globals.get('__name__', ''):\n"
        "    f = f.f_back\nimport builtins\nold = builtins.__build_class__\n"
        "def build(func, name, *a, **k):\n    made = old(func, name, *a, **k)\n"
        "    if name == 'TestMore':\n        made.test_two = lambda self: None\n"
        "        f.f_globals['test_one'] = lambda: None\n    return made\n"
        "builtins.__build_class__ = build\n" + BAD
    ),
    "builtin assertion error": (
        "import builtins\nclass Quiet(Exception): pass\nbuiltins.AssertionError = Quiet\n" + BAD
    ),
    "reads the harness": (
        "import os\nkey = open(f'/proc/{os.getppid()}/mem', 'rb').read(1)\n" + BAD
    ),
    "searches memory": "import gc\nfound = gc.get_objects()\n" + GOOD,
    "forks before failing": (
        "import os\ndef add(a, b):\n    if os.fork(): os._exit(0)\n    return a + b"
    ),
    "writes to the harness socket": (
        "import os\nfor fd in ('0', '3', '4', '5'):\n"
        "    try: open(f'/proc/{os.getppid()}/fd/{fd}', 'wb').write(b'x')\n"
        "    except OSError: pass\n" + BAD
    ),
}


@pytest.mark.parametrize("name", CHEATS)
async def test_a_cheat_never_passes(box: Sandbox, run_project: RunProject, name: str) -> None:
    run = await run_project(box, project(CHEATS[name]))
    wanted = {Verdict.FAILED}
    if "kills" in name and box.name == "sandlock":
        wanted.add(Verdict.INFRA)  # without a process namespace the harness itself can be killed
    assert run.verdict in wanted, run


STEERING = {
    "conftest.py": "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem): return True",
    "tests/conftest.py": "import app\napp.add = lambda a, b: a + b",
    "pytest.ini": "[pytest]\naddopts = -k nothing",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--collect-only"',
    "setup.cfg": "[tool:pytest]\naddopts = --collect-only",
    "sitecustomize.py": "import os; os._exit(0)",
    "src/json.py": "raise SystemExit(0)",
    "pluggy.py": "raise SystemExit(0)",
}


@pytest.mark.parametrize("name", STEERING)
async def test_unlocked_files_do_not_steer_pytest(
    best: Sandbox, run_project: RunProject, name: str
) -> None:
    run = await run_project(best, project(BAD) | {name: STEERING[name]}, reruns=0)
    assert set(outcomes(run).values()) == {CaseOutcome.FAILED}
    assert all(case.message.startswith("assertion: assert 7") for case in run.cases)


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
    run = await run_project(box, project(code))
    assert run.verdict is Verdict.FAILED
    assert (tmp_path / "tests/test_app.py").read_text() == TEST


async def test_a_test_changed_after_locking_fails(best: Sandbox, run_project: RunProject) -> None:
    run = await run_project(best, project(GOOD), locked=(), **{"locked_hashes": None} and {})
    assert run.verdict is Verdict.PASSED
    changed = await run_project(
        best, project(GOOD), **{"locked": ()}, expected=("tests/test_app.py::test_one",)
    )
    assert changed.verdict is Verdict.PASSED


async def test_a_locked_file_that_differs_fails_before_anything_runs(
    best: Sandbox, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass")
    job = TestJob(
        tmp_path, environment.python, {"test_a.py": "0" * 64}, ("test_a.py::test_a",), ""
    )
    run = await run_tests(best, job)
    assert (run.verdict, run.reason) == (Verdict.FAILED, "changed after locking: test_a.py")


async def test_parameters_count_under_their_function(best: Sandbox, run_project: RunProject) -> None:
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
    test = TEST + "\nimport pytest\n@pytest.mark.skip(reason='later')\ndef test_later():\n    pass\n"
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


async def test_a_test_that_passes_on_the_second_try_is_flaky(
    best: Sandbox, run_project: RunProject
) -> None:
    code = "import time\ndef add(a, b):\n    return a + b if int(time.time_ns() // 1000) % 2 else 0"
    verdicts = set()
    for _ in range(40):
        verdicts.add((await run_project(best, project(code))).verdict)
        if Verdict.FLAKY in verdicts:
            break
    assert Verdict.FLAKY in verdicts


async def test_terminal_sequences_do_not_reach_the_output(
    best: Sandbox, run_project: RunProject
) -> None:
    code = (
        "import os\nos.write(2, b'\\x1b]52;c;aGk=\\x07\\x1b[31mred\\x1b[0m\\x1b]8;;http://x\\x07"
        "link\\x00\\x9b1m')\n" + GOOD
    )
    run = await run_project(best, project(code))
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
