"""Where a hostile program is let loose: things it must not reach, and a look at them after."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from buildwright.sandbox.box import REPORT_FD_VARIABLE, Job, Sandbox
from buildwright.sandbox.probe import interpreter_paths
from buildwright.sandbox.selftest.model import Answer, Attack, Seen, report_of

CANARY = "canary-7d1f"
PRELUDE = """
import ctypes, errno, json, os, signal, socket, sys, time
raw = b""
while part := os.read(0, 65536): raw += part
F = json.loads(raw)
L = ctypes.CDLL(None, use_errno=True)
tries = []
def attempt(name, deed):
    try: deed()
    except socket.gaierror: tries.append((name, "gaierror"))
    except TimeoutError: tries.append((name, "ENETUNREACH"))
    except OSError as e:
        number = e.errno or getattr(getattr(e, "reason", None), "errno", None)
        tries.append((name, errno.errorcode.get(number, str(number))))
    except MemoryError: tries.append((name, "MemoryError"))
    else: tries.append((name, ""))
def call(name, function, *arguments):
    def deed():
        if function(*arguments) == -1: raise OSError(ctypes.get_errno(), name)
    attempt(name, deed)
def say(**more): os.write(0, json.dumps({"tries": tries, **more}).encode() + b"\\n")
"""
"""What every program begins with: `F` are the facts of the stage, `say` is the report."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder with a tree for the box and a canary beside it, sockets and a descriptor."""

    folder: Path
    tcp: socket.socket
    udp: socket.socket
    local: socket.socket
    abstract: socket.socket
    descriptor: int

    @property
    def tree(self) -> Path:
        """The working directory of the program."""
        return self.folder / "tree"

    @property
    def canary(self) -> Path:
        """A file that everybody outside may read."""
        return self.folder / "canary"

    def facts(self, attack: Attack) -> dict[str, object]:
        """What a well-informed attacker would know."""
        return {
            "pid": os.getpid(),
            "port": self.tcp.getsockname()[1],
            "datagrams": self.udp.getsockname()[1],
            "socket": str(self.folder / "socket"),
            "abstract": self.abstract.getsockname().decode().lstrip("\0"),
            "canary": str(self.canary),
            "secret": CANARY,
            "tree": str(self.tree),
            "home": str(Path.home()),
            "prefix": sys.prefix,
            "base": sys.base_prefix,
            "processes": attack.limits.processes,
            "memory": attack.limits.memory_bytes,
            "names": ["TMPDIR", "HOME", "PWD", "LC_CTYPE", "LD_PRELOAD", REPORT_FD_VARIABLE],
        }

    def leaks(self, mark: str) -> tuple[str, ...]:
        """What got out."""
        found = [f"a listener was reached by {name}" for name in self._heard()]
        if self.canary.read_text() != CANARY or any(self.tree.iterdir()):
            found.append("a file outside was written")
        left = [pid for pid in marked(mark) if pid != os.getpid()]
        return tuple(found) + ((f"{len(left)} processes are left",) if left else ())

    def _heard(self) -> Iterator[str]:
        ears = {"TCP": self.tcp, "a socket file": self.local, "an abstract socket": self.abstract}
        for name, ear in ears.items():
            with contextlib.suppress(BlockingIOError):
                ear.accept()[0].close()
                yield name
        with contextlib.suppress(BlockingIOError):
            self.udp.recv(16)
            yield "UDP"


async def let_loose(box: Sandbox, attack: Attack) -> Answer:
    """Run the program of `attack` in `box` on a stage of its own and judge it."""
    mark = secrets.token_hex(8)
    with open_stage() as stage:
        job = Job(
            argv=(sys.executable, "-I", "-S", "-c", f"# {mark}\n{PRELUDE}\n{attack.program}"),
            tree=stage.tree,
            binds=interpreter_paths(Path(sys.executable)),
            limits=attack.limits,
            stdin=json.dumps(stage.facts(attack)).encode(),
            wants_report=True,
        )
        ended = await box.execute(job)
        leaks = stage.leaks(mark)
        seen = Seen(box.name, box.layers, ended, report_of(ended), leaks, attack.limits)
        return attack.check(seen)


def marked(mark: str) -> list[int]:
    """Processes with `mark` in their command line; those that only wait to be reaped have none."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


@contextlib.contextmanager
def open_stage() -> Iterator[Stage]:
    """A fresh stage; everything on it is open to everyone, so that only the box protects it."""
    with contextlib.ExitStack() as on:
        folder = Path(on.enter_context(tempfile.TemporaryDirectory(prefix="buildwright-stage-")))
        (folder / "tree").mkdir()
        (folder / "canary").write_text(CANARY)
        for path, mode in ((folder, 0o755), (folder / "tree", 0o777), (folder / "canary", 0o666)):
            path.chmod(mode)
        tcp = on.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = on.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        local = on.enter_context(socket.socket(socket.AF_UNIX))
        local.bind(str(folder / "socket"))
        (folder / "socket").chmod(0o777)
        abstract = on.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0buildwright-{secrets.token_hex(8)}")
        for ear in (local, abstract):
            ear.listen()
        for ear in (tcp, udp, local, abstract):
            ear.setblocking(False)
        descriptor = os.open(folder / "canary", os.O_RDONLY)
        on.callback(os.close, descriptor)
        os.set_inheritable(descriptor, True)
        yield Stage(folder, tcp, udp, local, abstract, descriptor)
