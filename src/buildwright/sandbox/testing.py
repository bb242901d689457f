"""One run of pytest in a box: the job that goes in and the facts that come out."""

from __future__ import annotations

import hashlib
import json
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from buildwright.sandbox.box import ROOT, Exit, Health, Job, Limits, Sandbox
from buildwright.sandbox.inside import harness
from buildwright.sandbox.probe import interpreter_paths
from buildwright.sandbox.snapshot import Snapshot

INSIDE = Path(harness.__file__).parent
DECOY_WORDS = ("again", "twice", "empty", "order", "large", "small", "first", "last", "missing")
TEST_LIMITS = Limits()
BOX_GRACE_S = 8.0
"""The box ends this much later than the tests in it, so that the harness can say what hung."""

NODE_ADDRESS_SPACE = 64 << 30
Runner = Literal["pytest", "node", "vitest"]


@dataclass(frozen=True, slots=True)
class TestJob:
    """What is tested, by what, and with which interpreter.

    `tree` is the project (only read); `python` that of its environment; `locked` maps relative
    paths of tests, conftest and pytest configuration to the SHA-256 they must have; `expected` are
    function-level node ids. `source_dir` is measured for coverage, relative to the tree, empty for
    none. `plugins` are installed pytest plugins to load (`-p`); none load by themselves.
    `reruns` is how often failing tests are tried again (0 or 1). `runner` is `pytest`, `node`
    (`node --test`) or `vitest`; for the last two `python` is the Node executable and `expected` are
    ids of `expected_node_tests` or `expected_vitest_tests`. `tools` is the folder of
    `ensure_vitest`, needed for vitest; `modules` one of `ensure_node_environment` with what the
    project imports. `limits.wall_s` is for the tests; the box around them gets more.
    """

    __test__ = False

    tree: Path
    python: Path
    locked: Mapping[str, str]
    expected: tuple[str, ...]
    source_dir: str = "src"
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = TEST_LIMITS
    plugins: tuple[str, ...] = ()
    reruns: int = 1
    runner: Runner = "pytest"
    tools: Path | None = None
    modules: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a vitest job without the tools that run it."""
        if self.runner == "vitest" and self.tools is None:
            raise ValueError("tools is None, expected the folder of ensure_vitest for vitest")


@dataclass(frozen=True, slots=True)
class Facts:
    """What one run gave: signed events in order, and the end of the pytest process.

    `alive` means our harness started; `finished` that it also told how it ended. `status` is the
    exit code of the pytest process, negative for a signal, None if it had to be killed (`late`).
    """

    ended: Exit
    alive: bool = False
    finished: bool = False
    late: bool = False
    status: int | None = None
    forged: bool = False
    events: tuple[dict[str, Any], ...] = ()
    decoys: frozenset[str] = frozenset()


async def run_once(
    box: Sandbox, job: TestJob, snapshot: Snapshot, select: tuple[str, ...]
) -> Facts:
    """Run the node ids `select` over the snapshot."""
    nonce, key = secrets.token_hex(16), secrets.token_bytes(32)
    decoys = _decoys(job.expected, select)
    settings = {
        "nonce": nonce,
        "key": key.hex(),
        "tree": str(snapshot.root),
        "configuration": str(snapshot.configuration or INSIDE / "pytest.ini"),
        "locked": sorted(snapshot.locked),
        "plugins": list(job.plugins),
        "select": list(select),
        "expected": list(job.expected),
        "decoys": decoys,
        "source": str(snapshot.root / job.source_dir) if job.source_dir else "",
        "deadline_s": job.limits.wall_s,
        "runner": job.runner,
        "interpreter": str(job.python),
        "tools": str(job.tools or ""),
        "modules": str(job.modules or ""),
    }
    # where the tests are not Python's, the harness runs on our own interpreter
    python = job.python if job.runner == "pytest" else Path(sys.executable)
    ended = await box.execute(
        Job(
            argv=(str(python), "-I", "-S", "-B", harness.__file__),
            tree=snapshot.root,
            binds=(INSIDE, *_folders(job), *interpreter_paths(python)),
            env=_environment(job),
            limits=_box_limits(job),
            stdin=json.dumps(settings).encode(),
            wants_report=True,
            as_init=True,
        )
    )
    return _facts(ended, nonce, key, frozenset(f"{path}::{name}" for path, name in decoys.items()))


def _folders(job: TestJob) -> tuple[Path, ...]:
    more = (folder for folder in (job.tools, job.modules) if folder is not None)
    return (*_installation(job.python), *more)


def _installation(program: Path) -> tuple[Path, ...]:
    """Folder that `bin/program` is in, unless it is the system's own, which every box has."""
    folder = program.parent.parent
    return () if folder == ROOT else (folder,)


def _box_limits(job: TestJob) -> Limits:
    limits = replace(job.limits, wall_s=job.limits.wall_s + BOX_GRACE_S)
    if job.runner != "pytest" and not limits.address_space_bytes:
        return replace(limits, address_space_bytes=NODE_ADDRESS_SPACE)
    return limits


def _environment(job: TestJob) -> dict[str, str]:
    return {
        "PATH": f"{job.python.parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "USER": "box",
        "MALLOC_ARENA_MAX": "2",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **job.env,
    }


def _decoys(expected: tuple[str, ...], select: tuple[str, ...]) -> dict[str, str]:
    """One decoy for each file, named like the tests around it and like none of them."""
    chosen = {}
    for path in sorted({name.partition("::")[0] for name in select}):
        names = {name.rpartition("::")[2] for name in expected if name.startswith(f"{path}::")}
        base = secrets.choice(sorted(names) or ["test_it"])
        words = [f"{base}_{word}" for word in DECOY_WORDS]
        free = [word for word in words if word not in names] or [f"{base}_{secrets.token_hex(3)}"]
        chosen[path] = secrets.choice(free)
    return chosen


def _facts(ended: Exit, nonce: str, key: bytes, decoys: frozenset[str]) -> Facts:
    rows = [row for row in _rows(ended.report) if row.get("nonce") == nonce]
    final = next((row for row in rows if "events" in row), None)
    if final is None:
        return Facts(ended, alive=bool(rows), decoys=decoys)
    events, forged = verified_events(str(final["events"]), key)
    return Facts(
        ended=ended,
        alive=True,
        finished=True,
        late=bool(final["late"]),
        status=final.get("status"),
        forged=forged,
        events=tuple(events),
        decoys=decoys,
    )


def _rows(report: bytes) -> Iterator[dict[str, Any]]:
    for line in report.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def verified_events(said: str, key: bytes) -> tuple[list[dict[str, Any]], bool]:
    """Events whose digest and number are right, and whether there was anything else.

    A last line without its end is what a crash leaves; it is dropped, not held against the code.
    """
    events: list[dict[str, Any]] = []
    *lines, _ = said.split("\n")
    for line in lines:
        row, _, mark = line.rpartition("\t")
        digest = hashlib.blake2b(row.encode(), key=key, digest_size=16).hexdigest()
        if not secrets.compare_digest(digest.encode(), mark.encode()):
            return events, True
        event = json.loads(row)
        if event.get("n") != len(events):
            return events, True
        events.append(event)
        key = hashlib.blake2b(key, person=b"next").digest()
    return events, False


def is_broken(facts: Facts) -> str:
    """Why the box, and not the code, is to blame; empty when it is not."""
    ended = facts.ended
    # the machine killed something for want of memory; it was not this run if it came to its end
    elsewhere = ended.health is Health.STARVED and facts.status not in (None, -signal.SIGKILL)
    if ended.health is not Health.OK and not elsewhere:
        return ended.health_reason or f"the box is {ended.health}"
    if not facts.alive:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        return f"the test harness did not start: {said[-1] if said else 'no message'}"
    if not facts.finished and not ended.exceeded:
        return "the test harness was ended before it could report"
    return next((str(event["why"]) for event in facts.events if event["e"] == "broken"), "")
