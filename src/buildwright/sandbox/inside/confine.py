"""Closing the process file system to a program before it starts: its own memory lies there too.

Whoever can open `/proc/self/mem` reads and changes what the language keeps from it. Landlock takes
files of `/proc` away; folders above stay as they are. Where the kernel has no Landlock nothing is
taken, and the other layers remain.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PATH_BENEATH = 1
WRITE_FILE, READ_FILE = 1 << 1, 1 << 2
PR_SET_NO_NEW_PRIVS = 38
NEEDED = ("/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/version", "/proc/sys")
"""What interpreters look at when they start."""
SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "dev", "tmp", "var")


PR_SET_DUMPABLE = 4


def close_memory() -> None:
    """Close this process to its peers of the same user; a program it becomes is open again."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def close_proc(used: Iterable[str]) -> bool:
    """Take files below `/proc` from this process and its children; True where that is done.

    `used` are paths that have to stay, for boxes in which the root folder cannot be listed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    handled = ctypes.create_string_buffer(struct.pack("Q", READ_FILE | WRITE_FILE))
    ruleset = libc.syscall(CREATE_RULESET, handled, 8, 0)
    if ruleset < 0:
        return False
    places = {f"/{name}" for name in _top(used) if name not in ("", "proc")}
    allowed = [_allow(libc, ruleset, place) for place in (*sorted(places), *NEEDED)]
    done = any(allowed) and libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return bool(done)


def _top(used: Iterable[str]) -> Iterable[str]:
    try:
        return [path.name for path in Path("/").iterdir()]
    except OSError:
        return (*SYSTEM, *(path.partition("/")[2].partition("/")[0] for path in used))


def _allow(libc: ctypes.CDLL, ruleset: int, place: str) -> bool:
    try:
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return False
    rule = ctypes.create_string_buffer(struct.pack("=Qi", READ_FILE | WRITE_FILE, opened), 12)
    added = libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
    os.close(opened)
    return bool(added == 0)
