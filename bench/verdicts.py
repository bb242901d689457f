"""Whether verdicts are right: right code passes, wrong code fails, and cheats never pass.

`python bench/verdicts.py [DATA.jsonl] [--tasks N] [--cheats N] [--backend NAME] [--json FILE]`

DATA has HumanEvalPack's form. The canonical solution of each task must be `passed`; the buggy one
`failed` with its symptom told apart; each kind of cheat, laid over the buggy one, never `passed`;
and nothing `infra`. `--cheats 0` leaves the cheats out; `--tasks` takes evenly spread ones.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import hashlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from buildwright.core.verdict import TestRun, Verdict
from buildwright.sandbox import (
    Job,
    Limits,
    Sandbox,
    TestJob,
    ensure_environment,
    expected_tests,
    open_sandbox,
    run_tests,
)
from buildwright.sandbox.probe import interpreter_paths
from cheats import CHEATS, Fake, Target

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "humanevalpack" / "dev.jsonl"
LOCK = ROOT / "tests" / "sandbox" / "lock.txt"
LIMITS = Limits(wall_s=5.0, cpu_s=5, memory_bytes=1 << 30, processes=64)
AT_ONCE = 2
LABELS = {
    "incorrect output": "wrong output",
    "infinite loop": "hang",
    "stackoverflow": "stack overflow",
}
SEEN_BY_ITS_README = {
    "Python/10": "hang",
    "Python/44": "wrong output",
    "Python/76": "wrong output",
    "Python/160": "hang",
    "Python/48": "exception",
    "Python/162": "exception",
}
"""Rows where the label of the data set errs, as its README has checked."""

KINDS = {
    "assertion": "wrong output",
    "exception": "exception",
    "timeout": "hang",
    "stack overflow": "stack overflow",
    "out of memory": "out of memory",
    "crash": "crash",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One task as a project: module `task`, its test, and what its bug looks like."""

    id: str
    entry: str
    canonical: str
    buggy: str
    test: str
    symptom: str


@dataclass(frozen=True, slots=True)
class Row:
    """One judged run; `kind` is canonical, buggy or the name of a cheat."""

    task: str
    kind: str
    verdict: str
    symptom: str
    expected: str
    seconds: float
    reason: str

    @property
    def is_right(self) -> bool:
        """The verdict is the one it must be, and the symptom of a bug too."""
        if self.kind == "canonical":
            return self.verdict == Verdict.PASSED
        if self.verdict != Verdict.FAILED:
            return False
        return self.kind != "buggy" or self.symptom == self.expected


def read_tasks(data: Path) -> list[Task]:
    """Every task of the file."""
    return [_task(json.loads(line)) for line in data.read_text().splitlines() if line.strip()]


def _task(row: dict[str, str]) -> Task:
    module = row["declaration"] + row["canonical_solution"]
    return Task(
        row["task_id"],
        row["entry_point"],
        module,
        row["declaration"] + row["buggy_solution"],
        as_pytest(row["test"], module),
        SEEN_BY_ITS_README.get(row["task_id"], LABELS.get(row["failure_symptoms"], "?")),
    )


def as_pytest(test: str, module: str) -> str:
    """The test as a pytest module: names of the module imported, the calls at its end in a test."""
    body = ast.parse(test).body
    calls = [
        node for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    rest = [ast.unparse(node) for node in body if node not in calls]
    used = {node.id for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Name)}
    bound = set(_bound(ast.parse(module).body)) & used
    checks = "\n".join(f"    {ast.unparse(node)}" for node in calls)
    imported = f"from task import {', '.join(sorted(bound))}\n"
    return "\n".join((imported, *rest, f"\ndef test_check():\n{checks}\n"))


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


async def judge(box: Sandbox, python: Path, task: Task, kind: str, fake: Fake) -> Row:
    """Run the task's locked test over the module of `fake`."""
    with tempfile.TemporaryDirectory(prefix="verdicts-") as folder:
        lay_out(Path(folder), task, fake)
        test = task.test.encode()
        job = TestJob(
            tree=Path(folder),
            python=python,
            locked={"tests/test_task.py": hashlib.sha256(test).hexdigest()},
            expected=expected_tests({"tests/test_task.py": test}),
            source_dir="",
            limits=LIMITS,
            reruns=0,
        )
        run = await run_tests(box, job)
    return Row(
        *(task.id, kind, run.verdict.value, symptom_of(run), task.symptom),
        round(run.duration_s, 3),
        run.reason[:160],
    )


def lay_out(folder: Path, task: Task, fake: Fake) -> None:
    """Write the project of one run."""
    files = {"src/task.py": fake.program, **fake.files, "tests/test_task.py": task.test}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    folder.chmod(0o755)


def symptom_of(run: TestRun) -> str:
    """What the failing test is said to have shown."""
    message = next((case.message for case in run.failures), "")
    message = message.removeprefix("collection: ").removeprefix("not reported: ")
    return KINDS.get(message.partition(":")[0], "")


def plan(tasks: Sequence[Task], cheats: int | None) -> Iterator[tuple[Task, str, Fake]]:
    """Every run: canonical and buggy of each task, then the cheats."""
    for task in tasks:
        yield task, "canonical", Fake(task.canonical)
        yield task, "buggy", Fake(task.buggy)
    for name, make in list(CHEATS.items())[:cheats]:
        for task in tasks:
            yield task, name, make(Target(task.buggy, task.entry, task.test))


async def measure(options: argparse.Namespace, environments: Path) -> list[Row]:
    """Judge everything, two at a time."""
    tasks = read_tasks(options.data)
    step = max(1, len(tasks) // (options.tasks or len(tasks)))
    tasks = tasks[::step][: options.tasks or None]
    environment = await ensure_environment(LOCK.read_bytes(), root=environments)
    box = await open_sandbox(options.backend)
    lanes = asyncio.Semaphore(AT_ONCE)

    async def one(task: Task, kind: str, fake: Fake) -> Row:
        async with lanes:
            return await judge(box, environment.python, task, kind, fake)

    print(f"{len(tasks)} tasks on {box.name}", file=sys.stderr)
    started = time.monotonic()
    runs = list(plan(tasks, options.cheats))
    plain, cheating = runs[: 2 * len(tasks)], runs[2 * len(tasks) :]
    rows = list(await asyncio.gather(*(one(*run) for run in plain)))
    print(f"canonical and buggy: {time.monotonic() - started:.1f} s", file=sys.stderr)
    rows += await asyncio.gather(*(one(*run) for run in cheating))
    print(f"everything: {time.monotonic() - started:.1f} s", file=sys.stderr)
    return rows


async def fooled_by(options: argparse.Namespace, environments: Path) -> set[str]:
    """Cheats after which plain pytest, in the same box, leaves with exit code 0 for one task."""
    task = read_tasks(options.data)[0]
    environment = await ensure_environment(LOCK.read_bytes(), root=environments)
    box = await open_sandbox(options.backend)
    names = set()
    for name, make in list(CHEATS.items())[: options.cheats]:
        with tempfile.TemporaryDirectory(prefix="verdicts-") as folder:
            lay_out(Path(folder), task, make(Target(task.buggy, task.entry, task.test)))
            ended = await box.execute(plain_pytest(Path(folder), environment.python))
        if ended.code == 0:
            names.add(name)
    return names


def plain_pytest(tree: Path, python: Path) -> Job:
    """What a build system without a verdict of its own would run."""
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "pythonpath=src", "tests")
    seen = (python.parent.parent, *interpreter_paths(python))
    return Job((str(python), *words), tree, seen, {"PATH": "/usr/bin:/bin"}, LIMITS)


def show(rows: Sequence[Row], fooled: set[str]) -> None:
    """The table: verdicts by kind, then symptoms, then what is not right."""
    print(
        f"{'kind':<32}{'runs':>6}{'passed':>8}{'failed':>8}{'infra':>7}{'other':>7}{'right':>7}"
        "  fools plain pytest"
    )
    for kind in dict.fromkeys(row.kind for row in rows):
        mine = [row for row in rows if row.kind == kind]
        said = Counter(row.verdict for row in mine)
        known = [said[name] for name in ("passed", "failed", "infra")]
        print(
            f"{kind:<32}{len(mine):>6}{known[0]:>8}{known[1]:>8}{known[2]:>7}"
            f"{len(mine) - sum(known):>7}{sum(row.is_right for row in mine):>7}"
            f"  {'yes' if kind in fooled else ''}".rstrip()
        )
    symptoms = Counter(row.symptom for row in rows if row.kind == "buggy")
    print("symptoms of the buggy ones:", ", ".join(f"{n} {k}" for k, n in symptoms.most_common()))
    for row in rows:
        if not row.is_right:
            print(f"not right: {row.task} {row.kind}: {row.verdict} {row.symptom}: {row.reason}")


def main() -> None:
    """Judge, print, write; exit 1 when a verdict is not right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--tasks", type=int, default=0)
    parser.add_argument("--cheats", type=int, default=None)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(options, Path(folder)))
        fooled = asyncio.run(fooled_by(options, Path(folder)))
    show(rows, fooled)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    sys.exit(any(not row.is_right for row in rows))


if __name__ == "__main__":
    main()
