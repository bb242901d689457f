"""The first backend: bubblewrap, with a seccomp filter, rlimits and control groups around it.

An ordinary user gets a user namespace in which nested ones are disabled. Root does not: as uid 0,
even mapped, RLIMIT_NPROC does not bind (threats.md), so root keeps the host's user namespace and
drops to an unprivileged uid of its own for each run, without capabilities and without a way back;
nested namespaces are then refused by the seccomp filter.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from buildwright.core.errors import DiskError
from buildwright.sandbox.box import REPORT_FD_VARIABLE, Exit, Health, Job
from buildwright.sandbox.cgroup import Group, make_group, remove_group
from buildwright.sandbox.leftovers import own_name
from buildwright.sandbox.memory import Machine, watch_box
from buildwright.sandbox.process import Captured, Launch, memory_file, run_process, to_exit
from buildwright.sandbox.rlimits import limited
from buildwright.sandbox.seccomp import seccomp_program

SETPRIV = "/usr/bin/setpriv"
NOBODY = 65534
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
CONFIGURATION = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
)
HOSTS = "127.0.0.1 localhost\n::1 localhost\n"
STATUS_BYTES = 4096
PRIVATE, SHIELD_BYTES = Path("/tmp"), 1 << 20  # noqa: S108 - inside the box


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """`tool` is the path of bwrap; `groups` are directories for control groups, or none."""

    tool: str
    layers: tuple[str, ...] = ()
    groups: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """`bubblewrap`."""
        return "bubblewrap"

    async def execute(self, job: Job) -> Exit:
        """Run `job` in namespaces of its own; the whole box dies with its first process."""
        machine = Machine()
        status = memory_file(b"")
        group = None
        try:
            group = self._group(job)
            watch = watch_box(job.limits, machine, memory=group is None)
            launch = replace(self._launch(job, group, status), watch=watch)
            captured = await run_process(launch, job.stdin, job.limits)
            met_limit = captured.watched or ("memory" if group and group.kills() else "")
            starved = not met_limit and machine.starved()
            notes = os.pread(status, STATUS_BYTES, 0)
            return _outcome(captured, notes, met_limit, starved=starved)
        except (OSError, DiskError) as error:
            return Exit(None, None, health=Health.NOT_STARTED, health_reason=str(error))
        finally:
            os.close(status)
            if group is not None:
                await asyncio.to_thread(remove_group, group)

    def _group(self, job: Job) -> Group | None:
        return make_group(self.groups, own_name("group"), job.limits) if self.groups else None

    def _launch(self, job: Job, group: Group | None, status: int) -> Launch:
        uid = box_uid()
        options = _Options()
        program = seccomp_program(uncounted=group is not None)
        options.add("--seccomp", options.hold(memory_file(program)))
        options.add("--json-status-fd", options.hold(os.dup(status)))
        _isolate(options, job, uid)
        _mount(options, job, uid)
        for name, value in _environment(job).items():
            options.add("--setenv", name, value)
        arguments = options.hold(memory_file("\0".join(options.words).encode()))
        command = [self.tool, "--args", arguments, "--", *_inside(job, uid)]
        return Launch(
            group.joined(command) if group else command,
            tuple(options.descriptors),
        )


@dataclass(slots=True)
class _Options:
    """Words for bwrap and the descriptors they name."""

    words: list[str] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def add(self, *words: str) -> None:
        self.words += words

    def hold(self, descriptor: int) -> str:
        self.descriptors.append(descriptor)
        return str(descriptor)


def find_bubblewrap() -> str | None:
    """Absolute path of the tool, or None."""
    return shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin")


def box_uid() -> int:
    """The uid inside the box; for root a fresh one out of those this user namespace maps.

    RLIMIT_NPROC counts by uid, so boxes that run side by side must not share one.
    """
    if os.geteuid() != 0:
        return NOBODY
    rows = Path("/proc/self/uid_map").read_text().splitlines()
    first, length = max(
        ((int(row.split()[0]), int(row.split()[2])) for row in rows), key=lambda pair: pair[1]
    )
    half = min(length, 1 << 31) // 2
    return first + half + secrets.randbelow(max(half - 1, 1))


def _isolate(options: _Options, job: Job, uid: int) -> None:
    options.add("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts")
    options.add("--unshare-cgroup-try", "--hostname", "box")
    options.add("--die-with-parent", "--new-session", "--clearenv")
    if os.geteuid() == 0:
        options.add("--cap-drop", "ALL")
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            options.add("--cap-add", capability)
    else:
        options.add("--unshare-user", "--uid", str(uid), "--gid", str(uid), "--disable-userns")
    if job.as_init:
        options.add("--as-pid-1")


def _mount(options: _Options, job: Job, uid: int) -> None:
    for path in SYSTEM:
        if Path(path).is_symlink():
            options.add("--symlink", str(Path(path).readlink()), path)
        elif Path(path).is_dir():
            options.add("--ro-bind", path, path)
    for path in ("/etc", "/etc/ssl"):
        options.add("--perms", "0755", "--dir", path)
    for path in CONFIGURATION:
        options.add("--ro-bind-try", path, path)
    for path, text in _synthetic(uid).items():
        options.add("--perms", "0444", "--ro-bind-data")
        options.add(options.hold(memory_file(text.encode())), path)
    size = str(job.limits.tmp_bytes)
    options.add("--proc", "/proc", "--dev", "/dev")
    options.add("--size", size, "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev")  # noqa: S108 - inside the box
    options.add("--size", size, "--perms", "1777", "--tmpfs", "/tmp")  # noqa: S108 - inside the box
    _bind(options, _outermost((job.tree, *job.binds)))
    options.add("--remount-ro", "/", "--chdir", str(job.tree))


def _bind(options: _Options, paths: list[Path]) -> None:
    """Show `paths` read-only, without a writable folder above any of them.

    Below the private temporary folder the folders on the way would belong to the code, which could
    rename them and put others in their place; there they stand on a read-only mount of their own.
    """
    below = [path for path in paths if path.is_relative_to(PRIVATE) and path.parent != PRIVATE]
    shields = sorted({PRIVATE / path.relative_to(PRIVATE).parts[0] for path in below})
    for path in shields:
        options.add("--size", str(SHIELD_BYTES), "--perms", "0755", "--tmpfs", str(path))
    for path in paths:
        for above in reversed(path.parents[:-1]):
            if above not in (PRIVATE, *shields):
                options.add("--perms", "0755", "--dir", str(above))
        options.add("--ro-bind", str(path), str(path))
    for path in shields:
        options.add("--remount-ro", str(path))


def _outermost(paths: tuple[Path, ...]) -> list[Path]:
    """`paths` without those that the system or another one of them already brings."""
    kept: list[Path] = [Path("/usr")]
    for path in sorted(set(paths)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept[1:]


def _synthetic(uid: int) -> dict[str, str]:
    return {
        "/etc/passwd": f"box:x:{uid}:{uid}:box:/tmp:/bin/sh\n",
        "/etc/group": f"box:x:{uid}:\n",
        "/etc/hosts": HOSTS,
    }


def _environment(job: Job) -> dict[str, str]:
    report = {REPORT_FD_VARIABLE: "0"} if job.wants_report else {}
    return {"TMPDIR": "/tmp", "HOME": "/tmp", **job.env, **report}  # noqa: S108 - inside the box


def _inside(job: Job, uid: int) -> list[str]:
    prefix = limited(job.limits, processes=True)
    if os.geteuid() == 0:
        who = str(uid)
        prefix += [SETPRIV, "--reuid", who, "--regid", who, "--clear-groups", "--no-new-privs"]
        # a change of uid clears the parent-death signal, so it is set again after it
        prefix += ["--inh-caps=-all", "--bounding-set=-all", "--pdeathsig=KILL", "--"]
    return [*prefix, *job.argv]


def _outcome(captured: Captured, status: bytes, met_limit: str, *, starved: bool) -> Exit:
    health, reason = _health(captured, status)
    if starved and health is not Health.NOT_STARTED:
        health, reason = Health.STARVED, "the machine ran out of memory during the run"
    code = captured.returncode
    signal = -code if code < 0 else code - 128 if code > 128 else None
    ended = (None if signal else code, signal)
    return to_exit(captured, ended, (health, reason), exceeded=met_limit)


def _health(captured: Captured, status: bytes) -> tuple[Health, str]:
    """bwrap notes the exit code of the command; a box that ended without one was ended for it."""
    if captured.timed_out or captured.watched:
        return Health.OK, ""
    notes: dict[str, int] = {}
    for row in status.decode(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            notes.update(json.loads(row))
    words = captured.stderr[0][:300].decode(errors="replace").strip()
    if "child-pid" not in notes or words.startswith("bwrap: "):
        return Health.NOT_STARTED, words or "bubblewrap did not start the box"
    if "exit-code" not in notes:
        return Health.LOST, "the box was ended from outside"
    return Health.OK, ""
