"""The trusted first process of a test run; it never loads foreign code.

Started as `python -I -S -B harness.py`, as process 1 where the box has its own process namespace.
Descriptor 0 is a private socket: the configuration comes in, the report goes out. The child that
runs pytest gets neither the socket nor the nonce, and cannot read this process: it is not
dumpable, and the box refuses ptrace. The child's events come through a pipe and are passed on as
they are; what this process adds is what the child cannot forge: that it ended, how, and when.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import os
import select
import signal
import time
from pathlib import Path
from typing import Any

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
LANDLOCK_CREATE, LANDLOCK_RESTRICT, SCOPE_SIGNAL = 444, 446, 2
EVENT_BYTES = 8 << 20
RUNNERS = {"pytest": "runner.py", "node": "node_runner.py", "vitest": "vitest_runner.py"}
DRAIN_S = 0.2
READ_BYTES = 1 << 16


def set_dumpable(value: int) -> None:
    """Open (1) or close (0) this process to its peers of the same user."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, value, 0, 0, 0)


def shield_parent() -> None:
    """From here on this process and its children cannot signal the one that started it.

    As process 1 of a namespace that one is safe already; else Landlock's signal scope (ABI 6)
    keeps it so. Where there is none, killing it makes the run `infra`.
    """
    if os.getppid() == 1:
        return
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    rules = (ctypes.c_uint64 * 3)(0, 0, SCOPE_SIGNAL)
    ruleset = libc.syscall(LANDLOCK_CREATE, ctypes.byref(rules), ctypes.sizeof(rules), 0)
    if ruleset >= 0:
        libc.syscall(LANDLOCK_RESTRICT, ruleset, 0)
        os.close(ruleset)


def take_configuration() -> tuple[dict[str, Any], int]:
    """Read everything on descriptor 0, then move the socket away from there."""
    parts = []
    while part := os.read(0, READ_BYTES):
        parts.append(part)
    report = os.dup(0)
    os.set_inheritable(report, False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return json.loads(b"".join(parts)), report


def send(report: int, row: dict[str, Any]) -> None:
    """Write one JSON line to the end."""
    data = json.dumps(row).encode() + b"\n"
    while data:
        data = data[os.write(report, data) :]


def run_child(settings: dict[str, Any], events: int) -> None:
    """Become the process that runs the tests; never returns."""
    set_dumpable(1)
    # where this is refused the kernel may choose the parent for want of memory: the run is infra
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    os.setpgid(0, 0)
    shield_parent()
    place = Path(__file__).with_name(RUNNERS[settings["runner"]])
    spec = importlib.util.spec_from_file_location("_runner", place)
    if spec is None or spec.loader is None:
        os._exit(70)
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    runner.run(settings, events)


class Child:
    """The pytest process: what it said and how it ended."""

    def __init__(self, pid: int, events: int) -> None:
        self.pid = pid
        self.events = events
        self.said = bytearray()
        self.status: int | None = None

    def listen(self, seconds: float) -> bool:
        """Take what there is within `seconds`; False at the end of the pipe."""
        if not select.select([self.events], [], [], max(seconds, 0))[0]:
            return True
        part = os.read(self.events, READ_BYTES)
        self.said += part[: EVENT_BYTES - len(self.said)]
        return bool(part)

    def reap(self) -> None:
        """Collect whoever ended; as process 1 every orphan is ours."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self.pid:
                    self.status = status
        except ChildProcessError:
            return

    def follow(self, deadline: float) -> bool:
        """Listen until the child has ended; True when the deadline came first."""
        while self.status is None:
            now = time.monotonic()
            if now >= deadline:
                return True
            if not self.listen(min(0.05, deadline - now)):
                time.sleep(0.001)
            self.reap()
        end = time.monotonic() + DRAIN_S
        while time.monotonic() < end and select.select([self.events], [], [], 0)[0]:
            if not self.listen(0):
                break
        return False

    def kill(self) -> None:
        """End it and its group."""
        targets = (-self.pid, self.pid) if self.status is None else (-self.pid,)
        for target in targets:
            try:
                os.kill(target, signal.SIGKILL)
            except OSError:
                continue
        end = time.monotonic() + 1
        while self.status is None and time.monotonic() < end:
            time.sleep(0.002)
            self.reap()


def main() -> None:
    """Hello, fork, follow, report."""
    settings, report = take_configuration()
    set_dumpable(0)
    nonce = settings.pop("nonce")
    send(report, {"nonce": nonce, "hello": os.getpid()})
    started = time.monotonic()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(report)
        os.close(reader)
        run_child(settings, writer)
        os._exit(71)
    os.close(writer)
    child = Child(pid, reader)
    late = child.follow(started + settings["deadline_s"])
    child.kill()
    status = child.status
    ended = {} if status is None else {"status": os.waitstatus_to_exitcode(status)}
    said = child.said.decode("utf-8", errors="replace")
    send(report, {"nonce": nonce, "late": late, "events": said, **ended})
    os._exit(0)


if __name__ == "__main__":
    main()
