"""Whole builds: time by stage, our own overhead, commits, memory, `--help`.

    python bench/build.py [REQUIREMENT] [--runs 20] [--at-once 4] [--json FILE]

"Overhead" is a build's wall time less the time of the generated project's own tests, measured as a
bare `pytest` of the same project in the same environment, without a sandbox, in the same run.
Stage commits are timed twice: alone, and as the builds in a row see every transaction, where a
commit also waits for the event loop while analysers and boxes are being started.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from buildwright.app import App, open_app
from buildwright.core.build import Build, BuildRequest, StageName, StageRecord, Update
from buildwright.core.settings import load_settings
from buildwright.services.request import Wish
from buildwright.store.builds import BuildStore

TEXT = "A REST API that tracks books with title, author and year"


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirement", nargs="?", default=TEXT)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--json", type=Path, default=Path("bench/results/build.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="buildwright-bench-") as folder:
        figures = measure(Path(folder), given.requirement, given.runs, given.at_once)
    show(figures)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"\nwritten to {given.json}")


def measure(folder: Path, text: str, runs: int, at_once: int) -> dict[str, Any]:
    """Return all figures; seconds unless the name says otherwise."""
    cold = command(folder, "cold", ["build", "--quiet", text])
    warm = [command(folder, f"warm{i}", ["build", "--quiet", text]) for i in range(5)]
    helps = [command(folder, "help", ["--help"])["wall_s"] for _ in range(10)]
    bare = bare_tests(folder)
    inside = asyncio.run(in_process(folder, text, runs, at_once))
    wall = statistics.median(inside["walls_s"])
    return {
        "requirement": text,
        "cold_process_s": cold["wall_s"],
        "warm_process_s": statistics.median(run["wall_s"] for run in warm),
        "warm_process_rss_mib": max(run["rss_mib"] for run in warm),
        "bare_tests_s": bare,
        "in_a_row_s": wall,
        "overhead_in_a_row_s": wall - bare,
        "overhead_warm_process_s": statistics.median(run["wall_s"] for run in warm) - bare,
        "help_ms": statistics.median(helps) * 1000,
        **inside,
    }


def command(folder: Path, name: str, arguments: Sequence[str]) -> dict[str, float]:
    """Run the command line in a process of its own."""
    where = folder / name
    where.mkdir(exist_ok=True)
    env = {**os.environ, "BUILDWRIGHT_HOME": str(folder / "home")}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "buildwright", *arguments],
        cwd=where,
        env=env,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"buildwright {arguments[0]} exited with {process.returncode}")
    return {"wall_s": time.perf_counter() - started, "rss_mib": usage.ru_maxrss / 1024}


def bare_tests(folder: Path) -> float:
    """Return the median seconds of the generated project's tests without any sandbox."""
    (project,) = [path for path in (folder / "cold").iterdir() if path.is_dir()]
    (python,) = (folder / "home" / "environments").glob("*/bin/python")
    walls = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(
            [python, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            cwd=project,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": "src"},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        walls.append(time.perf_counter() - started)
    return statistics.median(walls)


async def in_process(folder: Path, text: str, runs: int, at_once: int) -> dict[str, Any]:
    """Run builds in a row and some at a time in this process."""
    commits: list[float] = []
    settings = load_settings({"home": folder / "home"})
    async with open_app(settings) as opened:
        timed: Any = TimedStore(opened.builds.store, commits)
        app = replace(opened, builds=replace(opened.builds, store=timed))
        await one(app, folder / "first", text)
        commits.clear()
        walls = [await one(app, folder / f"row{i}", text) for i in range(runs)]
        row_commits = sorted(commits)
        started = time.perf_counter()
        await asyncio.gather(*(one(app, folder / f"once{i}", text) for i in range(at_once)))
        together = time.perf_counter() - started
        medians = await app.builds.store.stage_medians(runs)
        alone = await commits_alone(opened.builds.store)
    return {
        "walls_s": walls,
        "at_once": at_once,
        "at_once_wall_s": together,
        "at_once_per_build_s": together / at_once,
        "stage_medians_s": {stage.value: medians[stage] for stage in StageName},
        "commits": len(row_commits),
        "commit_median_ms": statistics.median(alone) * 1000,
        "commit_p95_ms": sorted(alone)[int(len(alone) * 0.95)] * 1000,
        "commit_in_builds_median_ms": statistics.median(row_commits) * 1000,
        "commit_in_builds_p95_ms": row_commits[int(len(row_commits) * 0.95)] * 1000,
        "process_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def commits_alone(store: BuildStore, count: int = 200) -> list[float]:
    """Return the seconds of durable stage commits while nothing else runs in the process."""
    await store.add("bench", "bench", BuildRequest("x", "/nowhere"), 1.0)
    claim = await store.claim("bench", "bench", 1.0)
    spent = []
    for number in range(count):
        record = StageRecord(StageName.TEST, number, 1.0, 2.0)
        started = time.perf_counter()
        await store.record(claim, record, Update(), {"summary": "x" * 100})
        spent.append(time.perf_counter() - started)
    return spent


async def one(app: App, folder: Path, text: str) -> float:
    """Run one build and return its wall seconds."""
    started = time.perf_counter()
    build: Build = await app.builds.build(Wish(text, folder))
    if build.outcome is None or build.outcome.exit_code != 0:
        raise SystemExit(f"build ended {build.outcome}: {build.reason}")
    return time.perf_counter() - started


class TimedStore:
    """A store whose every method, one transaction each, is timed."""

    def __init__(self, store: BuildStore, spent: list[float]) -> None:
        self._store, self._spent = store, spent

    def __getattr__(self, name: str) -> Any:
        """Return the store's method, its length noted."""
        method = getattr(self._store, name)

        async def timed(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            result = await method(*arguments, **named)
            self._spent.append(time.perf_counter() - started)
            return result

        return timed


def show(figures: dict[str, Any]) -> None:
    """Print the tables."""
    rows = [
        ("cold: own process, nothing cached", figures["cold_process_s"], "s", ""),
        ("warm: own process", figures["warm_process_s"], "s", ""),
        ("warm: own process, overhead", figures["overhead_warm_process_s"], "s", ""),
        ("in a row, one process (median)", figures["in_a_row_s"], "s", ""),
        ("in a row, overhead", figures["overhead_in_a_row_s"], "s", "<= 1.5"),
        (f"{figures['at_once']} at a time, wall", figures["at_once_wall_s"], "s", ""),
        (f"{figures['at_once']} at a time, for each", figures["at_once_per_build_s"], "s", ""),
        ("tests of the project alone, no sandbox", figures["bare_tests_s"], "s", ""),
        ("stage commit, median", figures["commit_median_ms"], "ms", ""),
        ("stage commit, p95", figures["commit_p95_ms"], "ms", "<= 5"),
        ("as builds see it, median", figures["commit_in_builds_median_ms"], "ms", ""),
        ("as builds see it, p95", figures["commit_in_builds_p95_ms"], "ms", ""),
        ("--help", figures["help_ms"], "ms", "<= 150"),
        ("memory, one build in its process", figures["warm_process_rss_mib"], "MiB", "<= 200"),
        ("memory, after all builds in a row", figures["process_rss_mib"], "MiB", "<= 200"),
    ]
    print(f"{'figure':<42} {'value':>9} unit  aim")
    for name, value, unit, aim in rows:
        print(f"{name:<42} {value:>9.2f} {unit:<5} {aim}")
    print(f"\n{'stage':<10} {'median s':>9}")
    for stage, seconds in figures["stage_medians_s"].items():
        print(f"{stage:<10} {seconds:>9.3f}")


if __name__ == "__main__":
    main()
