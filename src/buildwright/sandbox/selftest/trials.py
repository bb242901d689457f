"""Threats that are more than one program: each is a function from a backend to an answer."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from buildwright.core.errors import DiskError
from buildwright.sandbox.box import Exit, Health, Job, Sandbox
from buildwright.sandbox.bubblewrap import Bubblewrap
from buildwright.sandbox.guarded import Unsafe
from buildwright.sandbox.inside.guard import kill_all
from buildwright.sandbox.probe import prove
from buildwright.sandbox.selftest.model import Answer, Outcome
from buildwright.sandbox.selftest.stage import marked
from buildwright.sandbox.snapshot import take_snapshot

SOURCE = Path(__file__).parents[3]
WAIT_S = 8.0
DRIVER = """
import asyncio, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from buildwright.sandbox.box import Job
from buildwright.sandbox.opening import make_box
box = make_box({name!r})
asyncio.run(box.execute(Job(("/bin/sh", "-c", "echo started; sleep 30; # {mark}"), Path("/usr"))))
"""
ESCAPES = b"\x1b]52;c;aGk=\x07\x1b[31mred\x1b[0m\x1b]8;;http://x\x07link\x00\x9b1m\x1b[6n\r\n"
HUGE = 4 << 30


async def dies_with_us(box: Sandbox) -> Answer:
    """T20: another process runs a box and is killed with SIGKILL; then the box must be gone."""
    mark = secrets.token_hex(8)
    code = DRIVER.format(paths=[str(SOURCE), *sys.path[1:]], name=box.name, mark=mark)
    driver = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        if not await _until(lambda: bool(_inside(mark, driver.pid))):
            return Answer(Outcome.UNPROVEN, "", "the box did not start")
    finally:
        if driver.returncode is None:
            driver.kill()
        await driver.wait()
    if not await _until(lambda: not _inside(mark, driver.pid)):
        return Answer(Outcome.NOT_HELD, "", "the box is still running")
    layer = "parent-death signal" if box.name == "bubblewrap" else "guard"
    return Answer(Outcome.HELD, layer, "the box ended with us")


def _inside(mark: str, driver: int) -> list[int]:
    return [pid for pid in marked(mark) if pid != driver]


async def _until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if true():
            return True
        await asyncio.sleep(0.02)
    return False


async def missing_layer(box: Sandbox) -> Answer:
    """T56: a backend that only pretends must be refused by the probe."""
    proofs = {"a bare process": await prove(Unsafe())}
    if isinstance(box, Bubblewrap):
        with tempfile.TemporaryDirectory(prefix="buildwright-fake-") as folder:
            fake = _make_fake(Path(folder))
            proofs["a tool that only pretends"] = await prove(replace(box, tool=str(fake)))
    taken = [name for name, proof in proofs.items() if not proof.reason]
    if taken:
        return Answer(Outcome.NOT_HELD, "", f"taken for a sandbox: {', '.join(taken)}")
    return Answer(Outcome.HELD, "probe", f"refused: {', '.join(proofs)}")


async def output_is_plain(box: Sandbox) -> Answer:
    """T44: what a program writes to the terminal arrives as text."""
    from buildwright.sandbox.verdict import clean_output

    code = f"import os; os.write(1, {ESCAPES!r}); os.write(2, {ESCAPES!r})"
    ended = await box.execute(Job((sys.executable, "-I", "-S", "-c", code), Path("/usr"), _seen()))
    text = clean_output(ended.stdout, ended.stderr)
    if not ended.stdout or "redlink" not in text:
        return Answer(Outcome.UNPROVEN, "", "the output did not arrive")
    bad = [char for char in text if not char.isprintable() and char != "\n"]
    if bad:
        return Answer(Outcome.NOT_HELD, "", f"kept: {bad[:3]!r}")
    return Answer(Outcome.HELD, "harness", "only printable text is left")


def _seen() -> tuple[Path, ...]:
    from buildwright.sandbox.probe import interpreter_paths

    return interpreter_paths(Path(sys.executable))


async def sparse_tree(box: Sandbox) -> Answer:
    """T43: nothing is copied out of a box; what goes in is measured before it is read."""
    with tempfile.TemporaryDirectory(prefix="buildwright-sparse-") as folder:
        _make_sparse(Path(folder))
        try:
            snapshot = await asyncio.to_thread(take_snapshot, Path(folder), {})
        except DiskError as error:
            return Answer(Outcome.HELD, "harness", error.message.partition(":")[0][-60:])
        await asyncio.to_thread(snapshot.remove)
    return Answer(Outcome.NOT_HELD, "", f"a sparse file of {HUGE >> 30} GiB was copied")


def _make_fake(folder: Path) -> Path:
    fake = folder / "bwrap"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    for path in (fake, folder):
        path.chmod(0o755)
    return fake


def _make_sparse(folder: Path) -> None:
    with (folder / "sparse").open("wb") as file:
        file.truncate(HUGE)


class Turning:
    """A sandbox that tells the code which turn it is, so that a test can change its mind."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.name, self.layers = box.name, box.layers
        self.turn = 0

    async def execute(self, job: Job) -> Exit:
        """Run `job` with TURN in its environment."""
        self.turn += 1
        return await self.box.execute(replace(job, env={**job.env, "TURN": str(self.turn)}))


class Breaking:
    """A sandbox that breaks in the middle: the command is replaced, or the box is ended."""

    def __init__(self, box: Sandbox, how: str) -> None:
        self.box, self.how = box, how
        self.name, self.layers = box.name, box.layers

    async def execute(self, job: Job) -> Exit:
        """Run something that is not `job`, or lose it."""
        if self.how == "shell gone":
            return await self.box.execute(replace(job, argv=("/nonexistent/python",)))
        if self.how == "no space":
            return Exit(None, None, health=Health.NOT_STARTED, health_reason="no space left")
        return await _killed_from_outside(self.box, job)


async def _killed_from_outside(box: Sandbox, job: Job) -> Exit:
    """Kill whatever bears the mark of this box, as soon as it is there."""
    word = secrets.token_hex(8)
    argv = (*job.argv[:1], "-X", f"box={word}", *job.argv[1:])
    running = asyncio.create_task(box.execute(replace(job, argv=argv)))
    while not running.done():
        kill_all(marked(f"box={word}"))
        await asyncio.sleep(0.005)
    return await running


def digest(text: str) -> str:
    """SHA-256 of `text` in UTF-8, as a lock file has it."""
    return hashlib.sha256(text.encode()).hexdigest()
