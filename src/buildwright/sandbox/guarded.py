"""Backends that run under the guard process: sandlock, and the bare command of `--unsafe`."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from buildwright.sandbox.box import REPORT_FD_VARIABLE, Exit, Health, Job
from buildwright.sandbox.bubblewrap import SETPRIV
from buildwright.sandbox.inside import guard
from buildwright.sandbox.leftovers import own_folder
from buildwright.sandbox.memory import Machine
from buildwright.sandbox.process import Captured, Launch, memory_file, run_process, to_exit
from buildwright.sandbox.rlimits import limited
from buildwright.sandbox.seccomp import SUPERVISION, seccomp_program

STATUS_BYTES = 4096
READABLE = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    *(f"/proc/{name}" for name in ("cpuinfo", "filesystems", "loadavg", "meminfo", "stat")),
    *(f"/proc/{name}" for name in ("sys", "uptime", "version", "self/status")),
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
)
"""What every box sees. Of `/proc` only what tells of the machine: a process cannot close its memory
to its peers here (sandlock refuses it), and whoever reads the memory of the harness forges."""
WRITABLE = ("/dev/null", "/dev/full")


@dataclass(frozen=True, slots=True)
class Sandlock:
    """The second backend: Landlock and seccomp from a wheel, without root and without namespaces.

    `home` is the folder that holds the sandlock package. Root stays uid 0 here, because without a
    mount namespace another uid could not reach an interpreter in a private home, but a uid 0
    without any capability and without a way to regain one; Landlock says what it may open.
    """

    home: Path
    layers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`sandlock`."""
        return "sandlock"

    async def execute(self, job: Job) -> Exit:
        """Run `job`; the guard ends everything it started."""
        return await _guarded(job, lambda temporary: self._spec(job, temporary))

    def _spec(self, job: Job, temporary: Path) -> dict[str, object]:
        seen = (*map(Path, READABLE), job.tree, *job.binds)
        options: dict[str, object] = {
            "fs_readable": [str(path) for path in seen if path.exists()],
            "fs_writable": [str(temporary), *WRITABLE],
            "max_processes": job.limits.processes,
            "extra_deny_syscalls": ["memfd_create"],
        }
        program = seccomp_program(without=SUPERVISION)
        return {
            "kind": "sandlock",
            "sandlock": str(self.home),
            "options": options,
            "filter": program.hex(),
            "tmp": str(temporary),
            "tmp_bytes": job.limits.tmp_bytes,
            "tmp_files": job.limits.tmp_files,
        }


@dataclass(frozen=True, slots=True)
class Unsafe:
    """No isolation: a bare subprocess with rlimits, for those who asked for it by name."""

    @property
    def name(self) -> str:
        """`unsafe`."""
        return "unsafe"

    @property
    def layers(self) -> tuple[str, ...]:
        """Nothing that isolates."""
        return ()

    async def execute(self, job: Job) -> Exit:
        """Run `job` with the rights of this user."""
        return await _guarded(job, lambda _: {"kind": "plain"})


def find_sandlock() -> Path | None:
    """Folder that holds the sandlock package, or None when it is not installed."""
    found = importlib.util.find_spec("sandlock")
    return Path(found.origin).parent.parent if found and found.origin else None


async def _guarded(job: Job, describe: Callable[[Path], dict[str, object]]) -> Exit:
    machine = Machine()
    try:
        temporary = own_folder("box")
    except OSError as error:
        return Exit(None, None, health=Health.NOT_STARTED, health_reason=str(error))
    status = memory_file(b"")
    control, ours = os.pipe()
    try:
        with os.fdopen(ours, "wb", buffering=0) as stop:
            spec = _common(job, temporary) | describe(temporary)
            launch = replace(_launch(spec, status, control, stop.close), watch=machine.watch)
            captured = await run_process(launch, job.stdin, job.limits)
        notes = json.loads(os.pread(status, STATUS_BYTES, 0) or b"{}")
    except (OSError, ValueError) as error:
        return Exit(None, None, health=Health.NOT_STARTED, health_reason=str(error))
    finally:
        os.close(status)
        await asyncio.to_thread(shutil.rmtree, temporary, ignore_errors=True)
    return _outcome(captured, notes, starved=machine.starved())


def _common(job: Job, temporary: Path) -> dict[str, object]:
    report = {REPORT_FD_VARIABLE: "0"} if job.wants_report else {}
    return {
        "command": [*limited(job.limits, processes=False), *job.argv],
        "env": {"TMPDIR": str(temporary), "HOME": str(temporary), **job.env, **report},
        "cwd": str(job.tree),
        "processes": job.limits.processes,
        "memory": job.limits.memory_bytes,
    }


def _launch(spec: dict[str, object], status: int, control: int, stop: Callable[[], None]) -> Launch:
    described = memory_file(json.dumps(spec).encode())
    descriptors = (described, os.dup(status), control)
    command = [sys.executable, "-I", "-S", guard.__file__, *map(str, descriptors)]
    if spec["kind"] == "sandlock" and os.geteuid() == 0:
        command = [SETPRIV, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", *command]
    return Launch(command, descriptors, stop=stop)


def _outcome(captured: Captured, notes: dict[str, Any], *, starved: bool) -> Exit:
    health, reason = Health.OK, ""
    if "error" in notes:
        health, reason = Health.NOT_STARTED, str(notes["error"])
    elif not notes and not captured.timed_out:
        health, reason = Health.LOST, "the guard of the box was ended from outside"
    limit = notes.get("limit", "")
    exceeded = limit if limit in ("memory", "processes", "files") else ""
    if starved and not exceeded and health is Health.OK:
        health, reason = Health.STARVED, "the machine ran out of memory during the run"
    return to_exit(
        captured,
        (notes.get("code"), notes.get("signal")),
        (health, reason),
        exceeded=exceeded,
    )
