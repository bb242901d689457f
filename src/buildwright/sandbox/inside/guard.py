"""Stands above a command that has no process namespace and ends all of it, whatever happens.

Started as `python -I -S guard.py SPEC STATUS CONTROL` with three descriptors: SPEC holds a JSON
object (see `main`), STATUS receives one when the command has ended, and the end of CONTROL, which
also comes when Buildwright itself dies, means stop. Orphans become our children (subreaper), so a
daemon cannot slip away; processes and resident memory are counted every 50 ms.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")


def parents():
    """pid → parent pid of every process that can be seen."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
    return found


def descendants(pid):
    """Every process below `pid`, children before grandchildren."""
    children = {}
    for child, parent in parents().items():
        children.setdefault(parent, []).append(child)
    found = []
    todo = list(children.get(pid, ()))
    while todo:
        found += todo
        todo = [child for parent in todo for child in children.get(parent, ())]
    return found


def resident_bytes(pids):
    """Sum of resident memory; pages that forks share are divided among them once it matters."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:
                total += int(file.read().split()[1]) * PAGE
        except (OSError, IndexError, ValueError):
            continue
    return total


def kill_all(pids):
    """SIGKILL to each; those that are gone already do not matter."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def end_everything():
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

    def __init__(self, spec):
        self.process = subprocess.Popen(spec["command"], env=spec["env"], cwd=spec["cwd"])

    def poll(self):
        """(code, signal) or None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return (code, None) if code >= 0 else (None, -code)


class Sandlocked:
    """The command under sandlock's Landlock rules, seccomp filter and supervisor."""

    def __init__(self, spec):
        import threading
        import warnings

        sys.path.append(spec["sandlock"])
        warnings.simplefilter("ignore")
        import sandlock

        box = sandlock.Sandbox(clean_env=True, env=spec["env"], cwd=spec["cwd"], **spec["options"])
        self.process = box.popen(spec["command"])
        self.result = None
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self):
        self.result = self.process.wait()

    def poll(self):
        """(code, signal) or None while it runs."""
        result = self.result
        if result is None:
            return None
        if result.signal is not None and result.signal > 0:
            return (None, result.signal)
        return (result.exit_code, None) if result.exit_code >= 0 else (None, signal.SIGKILL)


def watch(command, control, processes, memory):
    """Wait for the command, the order to stop or a limit; returns what ended it."""
    next_look = 0.0
    while True:
        ended = command.poll()
        if ended is not None:
            return {"code": ended[0], "signal": ended[1], "limit": ""}
        if select.select([control], [], [], 0.002)[0]:
            return {"code": None, "signal": signal.SIGKILL, "limit": "stopped"}
        if time.monotonic() < next_look:
            continue
        next_look = time.monotonic() + POLL_S
        below = descendants(os.getpid())
        if len(below) > processes:
            return {"code": None, "signal": signal.SIGKILL, "limit": "processes"}
        if resident_bytes(below) > memory:
            return {"code": None, "signal": signal.SIGKILL, "limit": "memory"}


def main():
    """Read the spec, run, tell how it ended: `{"code", "signal", "limit"}` or `{"error"}`.

    Spec: `kind` (plain or sandlock), `command`, `env`, `cwd`, `processes`, `memory` (bytes), and
    for sandlock `sandlock` (folder of the package) and `options` of its Sandbox.
    """
    spec_fd, status_fd, control_fd = (int(word) for word in sys.argv[1:4])
    for descriptor in (spec_fd, status_fd, control_fd):
        os.set_inheritable(descriptor, False)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with os.fdopen(spec_fd, "rb") as file:
        spec = json.loads(file.read())
    try:
        command = (Plain if spec["kind"] == "plain" else Sandlocked)(spec)
        status = watch(command, control_fd, spec["processes"], spec["memory"])
    except Exception as error:
        status = {"error": f"{type(error).__name__}: {error}"}
    end_everything()
    os.write(status_fd, json.dumps(status).encode())
    os._exit(0)


if __name__ == "__main__":
    main()
