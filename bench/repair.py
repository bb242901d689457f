"""Generate and repair with scripted models, one whole build a task: "oracle replay", no model.

    python bench/repair.py [DATA.jsonl] [--tasks N] [--models oracle,flaky-oracle:0.3,...]
                           [--attempts 5] [--at-once 2] [--json FILE]

Each task of the data (the form of HumanEvalPack) becomes a build: requirement = its instruction,
locked acceptance tests = its tests, and the project starts from the buggy solution. Figures are
`passed` (the outcome of the build), attempts and calls; `wrong` counts builds that ended `passed`
although the delivered solution fails the task's own program in a process of its own, or the other
way round. The baseline in the same run is "resend the error": one call after the other with the
last error, judged by that program, up to the same number of calls; a flaky model's luck depends on
task and turn only, so both ways meet the same.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildwright.app import open_app
from buildwright.core.build import Outcome
from buildwright.core.chat import ChatRequest, Message
from buildwright.core.settings import Settings, load_settings
from buildwright.gateway.pricing import FREE
from buildwright.gateway.providers.scripted import Reference, make_script, seed_of
from buildwright.gateway.targets import Target
from buildwright.services.request import Wish

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data" / "humanevalpack" / "dev.jsonl"
SOLUTION = "src/solution.py"
MODELS = "oracle,flaky-oracle:0.6,flaky-oracle:0.3,saboteur,cheater,spender,mute"
TEMPLATE = ROOT / "src/buildwright/design/templates/python-package"


@dataclass(frozen=True)
class Task:
    """One task: what to solve, what decides, and the two reference solutions."""

    name: str
    text: str
    tests: str
    right: str
    wrong: str
    program: str


@dataclass(frozen=True)
class Result:
    """How one build ended, and what the task's own program says of what was delivered."""

    task: str
    outcome: str
    attempts: int
    calls: int
    seconds: float
    solved: bool
    ended: str


def main() -> None:
    """Run the builds, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--tasks", type=int, default=0)
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--attempts", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/repair.json")
    parser.add_argument("--keep", type=Path, help="folder in which the builds stay")
    given = parser.parse_args()
    tasks = read_tasks(given.data)[: given.tasks or None]
    rows = {}
    print(f"{len(tasks)} tasks, oracle replay\n{HEAD}")
    for model in given.models.split(","):
        with tempfile.TemporaryDirectory(prefix="buildwright-repair-") as passing:
            folder = given.keep / model.replace(":", "-") if given.keep else Path(passing)
            run = all_of(folder, tasks, model, given.attempts, given.at_once)
            results = asyncio.run(run)
        rows[model] = figures(results, honest="oracle" in model)
        print(line(model, rows[model]))
        if rows[model]["wrong"]:
            print(f"  wrong: {', '.join(rows[model]['wrong_tasks'])}")
        if model.startswith("flaky"):
            rows[f"{model} resend"] = figures([resend(t, model, given.attempts) for t in tasks])
            print(line("  resend the error", rows[f"{model} resend"]))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps({"tasks": len(tasks), "rows": rows}, indent=2) + "\n")


def read_tasks(path: Path) -> list[Task]:
    """Return the tasks of a JSONL file."""
    return [task_of(json.loads(line)) for line in path.read_text().splitlines() if line.strip()]


def task_of(row: dict[str, str]) -> Task:
    """Return a task of one record; its test program becomes one pytest function."""
    name, check = row["entry_point"], row["test"].rstrip()
    call = f"check({name})"
    body = check.removesuffix(call).rstrip() if check.endswith(call) else check
    # Programs may use helpers of the declaration; the tests bring their own, so that what is tested
    # does not judge itself.
    helpers = helpers_of(row["declaration"], name)
    tests = f"{helpers}\nfrom solution import {name}\n\n{body}\n\n\ndef test_it():\n    {call}\n"
    right = row["declaration"] + row["canonical_solution"]
    wrong = row["declaration"] + row["buggy_solution"]
    return Task(row["task_id"], row["instruction"], tests, right, wrong, row["test"])


def helpers_of(declaration: str, name: str) -> str:
    """Return imports and functions of a declaration beside the one that is to be written."""
    tree = ast.parse(f"{declaration.rstrip()}\n    pass\n")
    others = [node for node in tree.body if getattr(node, "name", "") != name]
    return "\n\n".join(ast.unparse(node) for node in others)


async def all_of(
    folder: Path, tasks: list[Task], model: str, attempts: int, at_once: int
) -> list[Result]:
    """Run every task as a build, some at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(number: int, task: Task) -> Result:
        async with gate:
            return await build(folder, number, task, model, attempts)

    return await asyncio.gather(*(one(number, task) for number, task in enumerate(tasks)))


async def build(folder: Path, number: int, task: Task, model: str, attempts: int) -> Result:
    """Run one task as a build that starts from the buggy solution."""
    place = folder / str(number)
    settings = prepare(folder, place, task, model, attempts)
    started = time.perf_counter()
    async with open_app(settings) as app:
        wish = Wish(task.text, place, place / "out", "start", {}, place / "tests")
        done = await app.builds.build(wish)
        report = await app.builds.report(done.id)
    seconds = time.perf_counter() - started
    solution = place / "out" / SOLUTION
    text = solution.read_text(errors="replace") if solution.is_file() else ""
    tries = report.attempts if report else ()
    return Result(
        task.name,
        done.outcome.value if done.outcome else "none",
        len(tries),
        sum(attempt.calls for attempt in tries),
        seconds,
        solves(task, text),
        tries[-1].ended if tries else done.reason,
    )


def prepare(folder: Path, place: Path, task: Task, model: str, attempts: int) -> Settings:
    """Write tests, reference and a template that holds the buggy solution."""
    (place / "tests").mkdir(parents=True)
    (place / "tests" / "test_task.py").write_text(task.tests)
    reference = {"right": {SOLUTION: task.right}, "wrong": {SOLUTION: task.wrong}}
    (place / "reference.json").write_text(json.dumps(reference))
    start = place / "templates" / "start"
    shutil.copytree(TEMPLATE, start)
    manifest = (start / "template.yaml").read_text().replace("name: python-package", "name: start")
    (start / "template.yaml").write_text(manifest)
    (start / "files" / SOLUTION).write_text(task.wrong)
    row = {"script": same_luck(model, task), "reference": place / "reference.json", "free": True}
    return load_settings(
        {
            "home": folder / "home",
            "model": "played",
            "models": {"played": {**row, "tools": not model.startswith("flaky")}},
            "agent": {"max_attempts": attempts, "max_steps": 6, "call_timeout_s": 5},
            "sandbox": {"wall_s": 10},
            "templates": (place / "templates",),
        }
    )


def same_luck(model: str, task: Task) -> str:
    """Return the script's name; a flaky one draws by task and turn, alike for both ways."""
    return f"{model}@{task.name}" if model.startswith("flaky-oracle:") else model


def resend(task: Task, model: str, calls: int) -> Result:
    """Return how far plain resending comes: no state, no best tree, no change of approach."""
    reference = Reference({SOLUTION: task.right}, {SOLUTION: task.wrong})
    target = Target(model, "scripted", model, "scripted", FREE, script=same_luck(model, task))
    played = make_script(target, reference)
    for number in range(1, calls + 1):
        key = f"{task.name}.{number}"
        request = ChatRequest(model, (Message("user", task.text),), key=key)
        text = played.answer(request, number, seed_of(request)).text
        if solves(task, text.partition("```\n")[2].rpartition("```")[0]):
            return Result(task.name, "passed", number, number, 0.0, solved=True, ended="done")
    return Result(task.name, "failed", calls, calls, 0.0, solved=False, ended="out of calls")


def solves(task: Task, solution: str) -> bool:
    """Run the task's own program in a process of its own, outside of everything."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", f"{solution}\n{task.program}\nprint('end reached')"],
            capture_output=True,
            timeout=10,
            text=True,
        )
    except (subprocess.TimeoutExpired, ValueError):
        return False
    return done.returncode == 0 and done.stdout.endswith("end reached\n")


PASSED = Outcome.PASSED.value
HEAD = (
    f"{'model':<22}{'passed':>8}{'wrong':>7}{'attempts':>10}{'calls':>7}{'s median':>10}  outcomes"
)


def figures(results: list[Result], *, honest: bool = True) -> dict[str, Any]:
    """Return the figures of one row; whatever a dishonest model passes with is wrong."""
    outcomes: dict[str, int] = {}
    for result in results:
        outcomes[result.outcome] = outcomes.get(result.outcome, 0) + 1
    return {
        "passed": sum(r.outcome == PASSED for r in results) / len(results),
        "wrong": sum((r.outcome == PASSED) != (r.solved and honest) for r in results),
        "attempts_mean": statistics.mean(r.attempts for r in results),
        "calls_mean": statistics.mean(r.calls for r in results),
        "seconds_median": statistics.median(r.seconds for r in results),
        "outcomes": outcomes,
        "ended": sorted({r.ended for r in results}),
        "wrong_tasks": [r.task for r in results if (r.outcome == PASSED) != (r.solved and honest)],
        "tasks": {r.task: [r.outcome, r.attempts, r.ended] for r in results},
    }


def line(name: str, row: dict[str, Any]) -> str:
    """Return one line of the table."""
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(row["outcomes"].items()))
    return (
        f"{name:<22}{row['passed']:>8.1%}{row['wrong']:>7}{row['attempts_mean']:>10.2f}"
        f"{row['calls_mean']:>7.2f}{row['seconds_median']:>10.2f}  {outcomes}"
    )


if __name__ == "__main__":
    main()
