"""Memory and files of a box where no control group can hold it, and whether the machine starved."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from buildwright.sandbox.box import Limits
from buildwright.sandbox.inside.guard import descendants, kill_all, resident_bytes

POLL_S = 0.05
COUNTED_S = 0.25
SCARCE = 16
"""The machine is short of memory where less than this part of it is available."""


class Machine:
    """Whether the machine, and not the box, ran out of memory during a run.

    The kernel's count of kills is one for all control groups, so that a box that met its own limit
    counts for its neighbours too; only together with scarce memory does it mean the machine.
    """

    def __init__(self) -> None:
        self.kills = machine_kills()
        self.scarce = is_scarce()

    def look(self) -> None:
        """Note whether memory is scarce now."""
        self.scarce = self.scarce or is_scarce()

    def starved(self) -> bool:
        """True when the kernel killed for want of memory while there was little."""
        self.look()
        return self.scarce and machine_kills() > self.kills

    async def watch(self, _: int) -> str:
        """Look from time to time; never returns."""
        while True:
            await asyncio.sleep(COUNTED_S)
            self.look()


def watch_box(limits: Limits, machine: Machine, *, memory: bool) -> Callable[[int], Awaitable[str]]:
    """A watch on the box that the process with the given pid holds.

    It returns after it had to end everything below that process, with the name of the limit:
    `memory` (only watched where asked for) or `files` in the private temporary folder.
    """

    async def watch(pid: int) -> str:
        while True:
            await asyncio.sleep(POLL_S if memory else COUNTED_S)
            machine.look()
            below = descendants(pid)
            limit = _met(below, limits, memory=memory)
            if limit:
                kill_all(below)
                return limit

    return watch


def _met(below: list[int], limits: Limits, *, memory: bool) -> str:
    if memory and resident_bytes(below) > limits.memory_bytes:
        return "memory"
    return "files" if _private_files(below) > limits.tmp_files else ""


def _private_files(below: list[int]) -> int:
    """Files in the temporary folder of the box, seen through the first process that lets us."""
    for pid in below:
        with contextlib.suppress(OSError):
            path = Path(f"/proc/{pid}/root/tmp")
            if path.stat().st_dev != Path("/tmp").stat().st_dev:  # noqa: S108 - of the box
                usage = os.statvfs(path)
                return usage.f_files - usage.f_ffree
    return 0


def is_scarce() -> bool:
    """Less than a sixteenth of the machine's memory is available."""
    rows: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError, IndexError):
        for row in Path("/proc/meminfo").read_text().splitlines()[:5]:
            name, _, value = row.partition(":")
            rows[name] = int(value.split()[0])
    return rows.get("MemAvailable", 1) * SCARCE < rows.get("MemTotal", 1)


def machine_kills() -> int:
    """Processes the kernel has killed for want of memory since boot, in any control group."""
    with contextlib.suppress(OSError, ValueError):
        for row in Path("/proc/vmstat").read_text().splitlines():
            if row.startswith("oom_kill "):
                return int(row.split()[1])
    return 0
