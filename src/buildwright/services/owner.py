"""Who runs a build: host, process and its start, so that a dead owner is known at once."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_owner() -> str:
    """Return `host:pid:start` of this process; `start` is 0 where the system does not tell."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def owner_is_dead(owner: str) -> bool:
    """Return True only when the owner ran on this host and that very process is gone."""
    host, _, process = owner.partition(":")
    number, _, start = process.partition(":")
    if host != socket.gethostname() or not number.isdigit():
        return False
    pid = int(number)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _started(pid) != start


def _started(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "0"
    return stat.rpartition(")")[2].split()[19]
