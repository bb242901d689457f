"""What the sandbox tests share: proven backends, one environment with pytest, small projects."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from buildwright.core.verdict import CaseOutcome, TestRun
from buildwright.sandbox import (
    Environment,
    Exit,
    Job,
    Limits,
    NodeEnvironment,
    Sandbox,
    TestJob,
    available_backends,
    ensure_environment,
    ensure_vitest,
    expected_tests,
    open_sandbox,
    run_tests,
)
from buildwright.sandbox.probe import interpreter_paths

from .vitest_projects import JudgeVitest, make_judge

LOCK = Path(__file__).with_name("lock.txt")
QUICK = Limits(wall_s=12.0, cpu_s=10, memory_bytes=300 << 20, processes=40, tmp_bytes=16 << 20)
NAMES = ("bubblewrap", "sandlock")
RunProject = Callable[..., Awaitable[TestRun]]
Python = Callable[..., Job]

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


@pytest.fixture(scope="session")
def backends() -> dict[str, Sandbox]:
    """Backends that hold on this machine; CI must have one."""
    found = {box.name: box for box in asyncio.run(available_backends())}
    if not found and os.environ.get("CI") == "true":
        pytest.fail("no sandbox backend holds on this machine, and CI must have one")
    return found


@pytest.fixture(params=NAMES)
def box(request: pytest.FixtureRequest, backends: dict[str, Sandbox]) -> Sandbox:
    """Each isolating backend."""
    if request.param not in backends:
        pytest.skip(f"{request.param} does not hold on this machine")
    return backends[request.param]


@pytest.fixture(params=(*NAMES, "unsafe"))
async def any_box(request: pytest.FixtureRequest, backends: dict[str, Sandbox]) -> Sandbox:
    """Each backend, the one without isolation too."""
    if request.param == "unsafe":
        return await open_sandbox("unsafe", allow_unsafe=True)
    if request.param not in backends:
        pytest.skip(f"{request.param} does not hold on this machine")
    return backends[request.param]


@pytest.fixture
def best(backends: dict[str, Sandbox]) -> Sandbox:
    """The backend a build would use."""
    if not backends:
        pytest.skip("no sandbox backend holds on this machine")
    return next(iter(backends.values()))


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with pytest and coverage, in a folder another test run may have prepared."""
    prepared = os.environ.get("BUILDWRIGHT_TEST_ENVIRONMENTS")
    root = Path(prepared) if prepared else tmp_path_factory.mktemp("environments")
    return asyncio.run(ensure_environment(LOCK.read_bytes(), root=root))


@pytest.fixture(scope="session")
def vitest(tmp_path_factory: pytest.TempPathFactory) -> NodeEnvironment:
    """The pinned vitest, in a folder another test run may have prepared; CI must have Node."""
    if shutil.which("npm") is None and os.environ.get("CI") != "true":
        pytest.skip("no node and npm on this machine")
    prepared = os.environ.get("BUILDWRIGHT_TEST_ENVIRONMENTS")
    root = Path(prepared) if prepared else tmp_path_factory.getbasetemp().parent / "bw-node"
    return asyncio.run(ensure_vitest(root=root))


@pytest.fixture
def judge_vitest(vitest: NodeEnvironment, tmp_path: Path) -> JudgeVitest:
    """Judge a small TypeScript project with vitest."""
    return make_judge(vitest, tmp_path)


@pytest.fixture
async def unsafe() -> Sandbox:
    """The bare backend."""
    return await open_sandbox("unsafe", allow_unsafe=True)


@pytest.fixture
def run_project(environment: Environment, tmp_path: Path) -> RunProject:
    """Write a project, lock its tests, run it: `await run_project(box, files, **job_fields)`."""

    async def run(
        box: Sandbox, files: dict[str, str], *, locked: tuple[str, ...] = (), **fields: object
    ) -> TestRun:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        tests = {n: t.encode() for n, t in files.items() if n.startswith("tests/test_")}
        held = (*tests, *locked)
        job = TestJob(
            tree=tmp_path,
            python=environment.python,
            locked={n: hashlib.sha256(files[n].encode()).hexdigest() for n in held},
            expected=expected_tests(tests),
            limits=QUICK,
        )
        return await run_tests(box, _with(job, fields))

    return run


def _with(job: TestJob, fields: dict[str, object]) -> TestJob:
    values = {name: getattr(job, name) for name in TestJob.__slots__}
    return TestJob(**{**values, **fields})


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """Make a job that runs Python code: `python(code, limits, **job_fields)`."""
    tree = tmp_path / "tree"
    tree.mkdir()

    def job(code: str, limits: Limits = QUICK, **fields: object) -> Job:
        made = Job(
            argv=(sys.executable, "-I", "-S", "-c", code),
            tree=tree,
            binds=interpreter_paths(Path(sys.executable)),
            limits=limits,
        )
        return replace(made, **fields)  # type: ignore[arg-type]

    return job


def survivors(mark: str, start: bytes = b"") -> list[int]:
    """Processes with `mark` in their command line, which begins with `start`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if (
                mark.encode() in words
                and words.startswith(start)
                and int(entry.name) != os.getpid()
            ):
                found.append(int(entry.name))
    return found


def said(ended: Exit) -> str:
    """Standard output as text."""
    return ended.stdout.decode().strip()
