"""The words of the sandbox: what is run, within which limits, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

ROOT = Path("/")
REPORT_FD_VARIABLE = "BUILDWRIGHT_REPORT_FD"
"""Environment variable that tells the program in the box its private report descriptor."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use; every figure is per box, not per process, unless it says so.

    `wall_s` ends the run. `cpu_s`, `file_bytes` and `open_files` are per process (rlimits).
    `memory_bytes` is resident memory of the whole box; a single process may map twice as much.
    `address_space_bytes` replaces that twice for programs that map much more than they use.
    `output_bytes` is kept of stdout and of stderr each, four times that of the report.
    `tmp_bytes` is the size of the private temporary folder, `tmp_files` how many files it may hold.
    The defaults fit the tests of a small service: two minutes, 1 GiB, 128 processes and threads.
    """

    wall_s: float = 120.0
    cpu_s: int = 120
    memory_bytes: int = 1 << 30
    processes: int = 128
    file_bytes: int = 64 << 20
    open_files: int = 512
    output_bytes: int = 1 << 20
    tmp_bytes: int = 256 << 20
    tmp_files: int = 20_000
    address_space_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """One command for the box.

    `tree` is the working directory, read-only and at its own path; `binds` are more paths to see
    read-only; `env` is the whole environment (plus TMPDIR, HOME and the report descriptor).
    `stdin` is fed through a pipe. `wants_report` opens the private report descriptor.
    `as_init` makes the command process 1 of the box where the backend has process namespaces:
    nothing in the box can then signal it, and its end is the end of the box.
    """

    argv: tuple[str, ...]
    tree: Path
    binds: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    stdin: bytes = b""
    wants_report: bool = False
    as_init: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for a job that would show the whole file system to the box."""
        if ROOT in (self.tree, *self.binds):
            raise ValueError("the root folder is never shown to a box")


class Health(StrEnum):
    """How the box itself fared, whatever the command in it did.

    NOT_STARTED: the tool could not build the box. LOST: something outside ended it.
    STARVED: the machine ran out of memory while the box was within its own limit.
    """

    OK = "ok"
    NOT_STARTED = "not_started"
    LOST = "lost"
    STARVED = "starved"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command ended: exactly one of `code` and `signal` is set, unless it was cut short.

    `timed_out` means `wall_s` passed. `exceeded` names the limit of the box the command met and was
    ended for: `memory`, `processes`, `files` or nothing.
    """

    code: int | None
    signal: int | None
    stdout: bytes = b""
    stderr: bytes = b""
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    timed_out: bool = False
    exceeded: str = ""
    duration_s: float = 0.0
    report: bytes = b""
    report_truncated: bool = False
    health: Health = Health.OK
    health_reason: str = ""


class Sandbox(Protocol):
    """A way to run foreign code; `layers` holds only what a probe has proven on this machine."""

    @property
    def name(self) -> str:
        """Backend name: `bubblewrap`, `sandlock` or `unsafe`."""
        ...

    @property
    def layers(self) -> tuple[str, ...]:
        """Proven protections, such as `network` or `seccomp`."""
        ...

    async def execute(self, job: Job) -> Exit:
        """Run `job` to its end; when cancelled, nothing of it is left running."""
        ...
