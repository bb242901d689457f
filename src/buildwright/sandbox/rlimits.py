"""Per-process limits, set by util-linux's prlimit just before the command."""

from __future__ import annotations

from buildwright.sandbox.box import Limits

PRLIMIT = "/usr/bin/prlimit"
ADDRESS_SPACE_FACTOR = 2


def limited(limits: Limits, *, processes: bool) -> list[str]:
    """Command prefix with hard limits; `processes` only where the count is of this box alone."""
    flags: dict[str, int | str] = {
        "core": 0,
        # one second between the signal that names the reason and the kill
        "cpu": f"{limits.cpu_s}:{limits.cpu_s + 1}",
        "as": limits.address_space_bytes or limits.memory_bytes * ADDRESS_SPACE_FACTOR,
        "fsize": limits.file_bytes,
        "nofile": limits.open_files,
    }
    if processes:
        flags["nproc"] = limits.processes
    return [PRLIMIT, *(f"--{name}={value}" for name, value in flags.items()), "--"]
