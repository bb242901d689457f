"""Resident memory of a box where no control group can hold it, and whether the machine starved."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from buildwright.sandbox.box import Limits
from buildwright.sandbox.inside.guard import descendants, kill_all, resident_bytes

POLL_S = 0.05


def watch_memory(limits: Limits) -> Callable[[int], Awaitable[None]]:
    """A watch on the process with the given pid and all below it.

    It returns after it had to end them for using more than `limits.memory_bytes` together.
    """

    async def watch(pid: int) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            below = descendants(pid)
            if resident_bytes(below) > limits.memory_bytes:
                kill_all(below)
                return

    return watch


def machine_kills() -> int:
    """Processes the kernel has killed for want of memory since boot, in any control group."""
    with contextlib.suppress(OSError, ValueError):
        for row in Path("/proc/vmstat").read_text().splitlines():
            if row.startswith("oom_kill "):
                return int(row.split()[1])
    return 0
