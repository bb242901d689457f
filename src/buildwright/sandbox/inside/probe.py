"""Try to break out of the box and report, as JSON on descriptor 0, which layers held.

Started as `python -I -S probe.py` with a JSON object on standard input: `port` of a TCP listener
and `datagrams` of a UDP one outside, `canary` (a readable file outside), `tree` (the working
directory), `pid` of the process outside, `names` of the environment variables it gave.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

CLONE_NEWUSER = 0x10000000
EXPECTED_NAMES = {"PWD", "LC_CTYPE", "LD_PRELOAD"}


def refused(attempt: Callable[[], object]) -> bool:
    """True when `attempt` ends in an OSError."""
    try:
        attempt()
    except OSError:
        return True
    return False


def write_to(path: str) -> None:
    """Leave a mark at `path`."""
    Path(path).write_text("x")


def read(path: str) -> bytes:
    """Every byte of the file at `path`."""
    return Path(path).read_bytes()


def is_powerless() -> bool:
    """No capability now and none to be had: another uid than root's, or root with all dropped."""
    rows = dict(row.split(":", 1) for row in read("/proc/self/status").decode().splitlines())
    names = ["CapEff", "CapPrm"] if os.geteuid() else ["CapEff", "CapPrm", "CapBnd"]
    return rows["NoNewPrivs"].strip() == "1" and all(int(rows[n], 16) == 0 for n in names)


def network_is_off(facts: dict[str, Any]) -> bool:
    """Neither TCP nor UDP reaches loopback of the machine; the prober checks what arrived."""

    def connect() -> None:
        socket.create_connection(("127.0.0.1", facts["port"]), timeout=1).close()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", ("127.0.0.1", facts["datagrams"]))

    refused(send)
    return refused(connect)


def kernel_is_narrow() -> bool:
    """No new user namespace, no tracing."""
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.unshare(CLONE_NEWUSER) != 0 and libc.ptrace(0, 0, 0, 0) != 0)


def forks_are_limited(limit: int) -> bool:
    """Forking beyond the limit fails."""
    children = []
    try:
        for _ in range(limit + 1):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError:
        return True
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return False


def main() -> None:
    """Read the facts, try everything, write `{"layer": held}`."""
    facts = json.loads(os.read(0, 1 << 16))
    pid = facts["pid"]
    unread = refused(lambda: read(facts["canary"]))
    # where the folder is a private one, the canary can be made anew; the prober looks at its own
    refused(lambda: write_to(facts["canary"]))
    held = {
        "user": is_powerless(),
        "files": all(
            refused(partial(write_to, path))
            for path in ("/buildwright-probe", f"{facts['tree']}/probe")
        ),
        "secrets": unread
        and refused(lambda: read(f"/proc/{pid}/environ"))
        and set(os.environ) <= {*facts["names"], *EXPECTED_NAMES},
        "processes": refused(lambda: os.kill(pid, 0)),
        "network": network_is_off(facts),
        "seccomp": kernel_is_narrow(),
        "forks": forks_are_limited(facts["forks"]),
    }
    os.write(0, json.dumps(held).encode())


if __name__ == "__main__":
    main()
