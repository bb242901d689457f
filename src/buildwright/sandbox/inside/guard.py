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
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 36, 38, 22, 2
POLL_S = 0.05
FOLDER_SHARE = 10
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


def threads(pids: Iterable[int]) -> int:
    """How many threads they have together."""
    total = 0
    for pid in pids:
        try:
            row = Path(f"/proc/{pid}/stat").read_bytes()
            total += int(row.rpartition(b")")[2].split()[17])
        except (OSError, IndexError, ValueError):
            continue
    return total


def is_too_full(folder: str, most_bytes: int, most_files: int) -> bool:
    """True when there are more files or bytes on disk below `folder` than allowed."""
    todo = [folder]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    facts = entry.stat(follow_symlinks=False)
                    most_files -= 1
                    most_bytes -= facts.st_blocks * 512
                    if most_files < 0 or most_bytes < 0:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
        except OSError:
            continue
    return False


def narrow(program: bytes) -> None:
    """Put a seccomp filter on this process and all that it starts. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, FILTER, described, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the seccomp filter was not taken")


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
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return  # orphans become our children, so no child means that nothing is left
        kill_all(descendants(os.getpid()))
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

        narrow(bytes.fromhex(spec["filter"]))
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
    next_look = next_count = time.monotonic() + POLL_S
    while True:
        ended = command.poll()
        if ended is not None:
            return {"code": ended[0], "signal": ended[1], "limit": ""}
        if select.select([control], [], [], 0.002)[0]:
            return {**killed, "limit": "stopped"}
        if time.monotonic() < next_look:
            continue
        now = time.monotonic()
        next_look = now + POLL_S
        limit = limit_met(spec)
        if not limit and "tmp" in spec and now >= next_count:
            if is_too_full(spec["tmp"], spec["tmp_bytes"], spec["tmp_files"]):
                limit = "files"
            took = time.monotonic() - now
            next_count = time.monotonic() + took * FOLDER_SHARE
        if limit:
            return {**killed, "limit": limit}


def limit_met(spec: dict[str, Any]) -> str:
    """Name of the limit that everything below us has met, or nothing."""
    below = descendants(os.getpid())
    if threads(below) > spec["processes"]:
        return "processes"
    return "memory" if resident_bytes(below) > spec["memory"] else ""


def main() -> None:
    """Read the spec, run, tell how it ended: `{"code", "signal", "limit"}` or `{"error"}`.

    Spec: `kind` (plain or sandlock), `command`, `env`, `cwd`, `processes`, `memory` (bytes), and
    for sandlock `sandlock` (folder of the package), `options` of its Sandbox, `filter` (seccomp
    program in hex) and `tmp`, `tmp_bytes`, `tmp_files` of the temporary folder.
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
