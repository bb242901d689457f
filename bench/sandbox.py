"""What the sandbox costs over a bare subprocess.

`python bench/sandbox.py [--runs N] [--json FILE]`

Two jobs, each measured in turn on every backend that holds here: an interpreter that does nothing,
and the tests of a tiny project (bare: `python -m pytest` over the same tree). Medians in
milliseconds, the difference to the bare run, and the ratio; then how many runs a second two lanes
make. Aims: at most 60 ms over a bare process, at least 10 runs a second.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from buildwright.core.verdict import Verdict
from buildwright.sandbox import (
    Job,
    Sandbox,
    TestJob,
    available_backends,
    ensure_environment,
    expected_tests,
    open_sandbox,
    run_tests,
)
from buildwright.sandbox.probe import interpreter_paths

LOCK = Path(__file__).parents[1] / "tests" / "sandbox" / "lock.txt"
CODE = "def add(a, b):\n    return a + b\n"
TEST = "from app import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
LANES = 2
Once = Callable[[], Awaitable[None]]


async def median_ms(once: Once, runs: int) -> float:
    """Median duration of `once` over `runs`, after one that does not count."""
    await once()
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        await once()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def bare(command: list[str], tree: Path) -> Once:
    """The command without anything around it."""

    async def once() -> None:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{command} ended with {process.returncode}")

    return once


def boxed(box: Sandbox, job: Job) -> Once:
    """A job in a box."""

    async def once() -> None:
        ended = await box.execute(job)
        if ended.code:
            raise RuntimeError(f"{box.name}: {ended}")

    return once


def judged(box: Sandbox, job: TestJob) -> Once:
    """A whole verdict."""

    async def once() -> None:
        run = await run_tests(box, job)
        if run.verdict is not Verdict.PASSED:
            raise RuntimeError(f"{box.name}: {run}")

    return once


async def per_second(once: Once, runs: int) -> float:
    """Runs a second, two at a time, over `runs`."""
    await once()
    left = iter(range(runs))

    async def lane() -> None:
        for _ in left:
            await once()

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    return runs / (time.perf_counter() - started)


async def measure(runs: int, tree: Path, environments: Path) -> list[dict[str, object]]:
    """One row for each (job, way)."""
    environment = await ensure_environment(LOCK.read_bytes(), root=environments)
    boxes = [*await available_backends(), await open_sandbox("unsafe", allow_unsafe=True)]
    tests = {"tests/test_app.py": TEST.encode()}
    test_job = TestJob(
        tree=tree,
        python=environment.python,
        locked={name: hashlib.sha256(text).hexdigest() for name, text in tests.items()},
        expected=expected_tests(tests),
        source_dir="",
    )
    nothing = [sys.executable, "-I", "-S", "-c", "pass"]
    idle = Job(tuple(nothing), tree, interpreter_paths(Path(sys.executable)))
    pytest = [str(environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    pytest += ["-o", "pythonpath=src"]
    plans: list[tuple[str, Once, list[tuple[str, Once]]]] = [
        ("python -c pass", bare(nothing, tree), [(box.name, boxed(box, idle)) for box in boxes]),
        ("one test", bare(pytest, tree), [(box.name, judged(box, test_job)) for box in boxes]),
    ]
    rows: list[dict[str, object]] = []
    for name, without, ways in plans:
        base = await median_ms(without, runs)
        first = {"job": name, "way": "bare", "median_ms": base, "over_ms": 0.0, "ratio": 1.0}
        rows.append({**first, "per_s": await per_second(without, runs)})
        for way, once in ways:
            took = await median_ms(once, runs)
            row = {"job": name, "way": way, "median_ms": took, "over_ms": took - base}
            rows.append({**row, "ratio": took / base, "per_s": await per_second(once, runs)})
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "project")
        for name, text in (("src/app.py", CODE), ("tests/test_app.py", TEST)):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        rows = asyncio.run(measure(options.runs, tree, Path(folder, "environments")))
    print(f"{'job':<16}{'way':<12}{'median ms':>10}{'over ms':>10}{'ratio':>8}{'runs/s':>9}")
    for row in rows:
        print(
            f"{row['job']:<16}{row['way']:<12}{row['median_ms']:>10.1f}"
            f"{row['over_ms']:>10.1f}{row['ratio']:>8.2f}{row['per_s']:>9.1f}"
        )
    if options.json:
        options.json.write_text(json.dumps({"runs": options.runs, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
