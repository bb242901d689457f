"""Prove what a backend holds on this machine, now; a version string proves nothing."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from buildwright.sandbox.box import REPORT_FD_VARIABLE, ROOT, Exit, Health, Job, Limits, Sandbox
from buildwright.sandbox.inside import probe as inside

REQUIRED = ("user", "files", "secrets", "processes", "network", "seccomp", "forks")
"""Without any one of these, foreign code is not run."""

CANARY = "canary"
LIMITS = Limits(wall_s=10.0, cpu_s=5, memory_bytes=256 << 20, processes=24, tmp_bytes=1 << 20)


@dataclass(frozen=True, slots=True)
class Proof:
    """Layers that held; `reason` is empty exactly when all required ones did."""

    layers: tuple[str, ...]
    reason: str


async def prove(box: Sandbox) -> Proof:
    """Run the probe in `box`. A layer counts when the attempt against it failed."""
    with _stage() as (tree, canary), _listeners() as (tcp, udp):
        facts = {
            "port": tcp.getsockname()[1],
            "datagrams": udp.getsockname()[1],
            "canary": str(canary),
            "tree": str(tree),
            "pid": os.getpid(),
            "forks": LIMITS.processes,
            "names": ["TMPDIR", "HOME", REPORT_FD_VARIABLE],
        }
        job = Job(
            argv=(sys.executable, "-I", "-S", inside.__file__),
            tree=tree,
            binds=(Path(inside.__file__).parent, *interpreter_paths(Path(sys.executable))),
            limits=LIMITS,
            stdin=json.dumps(facts).encode(),
            wants_report=True,
        )
        ended = await box.execute(job)
        heard = _arrived(tcp) or _arrived(udp)
        return _judged(ended, heard=heard, touched=_touched(tree, canary))


def interpreter_paths(python: Path) -> tuple[Path, ...]:
    """Folders that must be visible for `python` to start: its environment and its installation."""
    environment = python.parent.parent
    paths = {environment} if (environment / "pyvenv.cfg").is_file() else set()
    with contextlib.suppress(OSError):
        paths.add(python.resolve().parent.parent)
    # every link on the way from the environment to the installation has to exist inside too
    link = python
    while link.is_symlink():
        link = Path(os.path.normpath(link.parent / link.readlink()))
        paths.add(link.parent.parent)
    system = {ROOT, *(path for path in paths if path.is_relative_to("/usr"))}
    return tuple(sorted(paths - system))


def fingerprint(tool: Path, *facts: object) -> str:
    """What a proof is worth for: this kernel, this tool, this user."""
    status = tool.stat()
    rows = (platform.release(), platform.machine(), str(tool), status.st_size, status.st_mtime_ns)
    return json.dumps([*rows, os.geteuid(), sys.executable, *facts])


def _judged(ended: Exit, *, heard: bool, touched: bool) -> Proof:
    if ended.health is not Health.OK or not ended.report:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        return Proof((), ended.health_reason or (said[-1] if said else "the probe did not answer"))
    held = json.loads(ended.report)
    held["network"] = held["network"] and not heard
    held["files"] = held["files"] and not touched
    missing = [name for name in REQUIRED if not held.get(name)]
    layers = tuple(name for name in REQUIRED if held.get(name))
    return Proof(layers, f"not held: {', '.join(missing)}" if missing else "")


@contextlib.contextmanager
def _stage() -> Iterator[tuple[Path, Path]]:
    """A tree for the box, and beside it a file that it must not reach, readable for everyone."""
    with tempfile.TemporaryDirectory(prefix="buildwright-probe-") as folder:
        tree, canary = Path(folder, "tree"), Path(folder, "canary")
        tree.mkdir()
        canary.write_text(CANARY)
        for path in (Path(folder), tree):
            path.chmod(0o755)
        canary.chmod(0o644)
        yield tree, canary


def _touched(tree: Path, canary: Path) -> bool:
    return canary.read_text() != CANARY or any(tree.iterdir())


@contextlib.contextmanager
def _listeners() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("127.0.0.1", 0))
        for ear in (tcp, udp):
            ear.setblocking(False)
        yield tcp, udp


def _arrived(ear: socket.socket) -> bool:
    try:
        if ear.type == socket.SOCK_STREAM:
            ear.accept()[0].close()
        else:
            ear.recv(16)
    except BlockingIOError:
        return False
    return True
