"""Stands above a command that has no process namespace and ends all of it, whatever happens.

Started as `python -I -S guard.py SPEC STATUS CONTROL` with three descriptors: SPEC holds a JSON
object (see `main`), STATUS receives one when the command has ended, and the end of CONTROL, which
also comes when Buildwright itself dies, means stop. Orphans become our children (subreaper), so a
daemon cannot slip away; processes and resident memory are counted every 50 ms.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")
Ended = tuple[int | None, int | None]


def parents() -> Iterator[tuple[int, int]]:
    """(pid, parent pid) of every process that can be seen."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                row = Path(entry.path, "stat").read_bytes()
                yield int(entry.name), int(row.rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, children before grandchildren."""
    children: dict[int, list[int]] = {}
    for child, parent in parents():
        children.setdefault(parent, []).append(child)
    found: list[int] = []
    todo = list(children.get(pid, ()))
    while todo:
        found += todo
        todo = [child for parent in todo for child in children.get(parent, ())]
    return found


def resident_bytes(pids: Iterable[int]) -> int:
    """Sum of resident memory; a page that forks share counts once for each of them."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
        except (OSError, IndexError, ValueError):
            continue
    return total


def kill_all(pids: Iterable[int]) -> None:
    """SIGKILL to each; those that are gone already do not matter."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def end_everything() -> None:
    """Kill and reap until nothing is left below us; a fork bomb loses because each is reaped."""
    while True:
        below = descendants(os.getpid())
        kill_all(below)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            if not below:
                return
        time.sleep(0.002)


class Plain:
    """The command without any isolation (the explicit `unsafe` backend)."""

    def __init__(self, spec: dict[str, Any]) -> None:
        # running what it is told is what this program is for
        self.process = subprocess.Popen(spec["command"], env=spec["env"], cwd=spec["cwd"])  # noqa: S603

    def poll(self) -> Ended | None:
        """(code, signal) or None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return (code, None) if code >= 0 else (None, -code)


class Sandlocked:
    """The command under sandlock's Landlock rules, seccomp filter and supervisor."""

    def __init__(self, spec: dict[str, Any]) -> None:
        import threading
        import warnings

        sys.path.append(spec["sandlock"])
        warnings.simplefilter("ignore")
        import sandlock

        box = sandlock.Sandbox(clean_env=True, env=spec["env"], cwd=spec["cwd"], **spec["options"])
        self.process = box.popen(spec["command"])
        self.result: Any = None
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        self.result = self.process.wait()

    def poll(self) -> Ended | None:
        """(code, signal) or None while it runs."""
        result = self.result
        if result is None:
            return None
        if result.signal is not None and result.signal > 0:
            return (None, result.signal)
        return (result.exit_code, None) if result.exit_code >= 0 else (None, signal.SIGKILL)


def watch(command: Plain | Sandlocked, control: int, spec: dict[str, Any]) -> dict[str, Any]:
    """Wait for the command, the order to stop or a limit; returns what ended it."""
    killed = {"code": None, "signal": int(signal.SIGKILL)}
    next_look = 0.0
    while True:
        ended = command.poll()
        if ended is not None:
            return {"code": ended[0], "signal": ended[1], "limit": ""}
        if select.select([control], [], [], 0.002)[0]:
            return {**killed, "limit": "stopped"}
        if time.monotonic() < next_look:
            continue
        next_look = time.monotonic() + POLL_S
        below = descendants(os.getpid())
        if len(below) > spec["processes"]:
            return {**killed, "limit": "processes"}
        if resident_bytes(below) > spec["memory"]:
            return {**killed, "limit": "memory"}


def main() -> None:
    """Read the spec, run, tell how it ended: `{"code", "signal", "limit"}` or `{"error"}`.

    Spec: `kind` (plain or sandlock), `command`, `env`, `cwd`, `processes`, `memory` (bytes), and
    for sandlock `sandlock` (folder of the package) and `options` of its Sandbox.
    """
    described, status, control = (int(word) for word in sys.argv[1:4])
    for descriptor in (described, status, control):
        os.set_inheritable(descriptor, False)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with os.fdopen(described, "rb") as file:
        spec = json.loads(file.read())
    told: dict[str, Any]
    try:
        command = Plain(spec) if spec["kind"] == "plain" else Sandlocked(spec)
        told = watch(command, control, spec)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and judged outside
        told = {"error": f"{type(error).__name__}: {error}"}
    end_everything()
    os.write(status, json.dumps(told).encode())
    os._exit(0)


if __name__ == "__main__":
    main()
