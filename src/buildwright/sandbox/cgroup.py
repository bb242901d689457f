"""Control groups, version 1 or 2, where a directory can really be made."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from buildwright.core.errors import DiskError
from buildwright.sandbox.box import Limits

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("memory", "pids")
JOIN = (
    "/bin/sh",
    "-c",
    'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; '
    'shift; exec "$@"',
    "join",
)
REMOVE_S = 2.0


@dataclass(frozen=True, slots=True)
class Group:
    """Directories of one box, one for each hierarchy."""

    directories: tuple[Path, ...]

    def joined(self, command: list[str]) -> list[str]:
        """`command`, started inside the group; exit code 125 when it cannot join."""
        return [*JOIN, *map(str, self.directories), "--", *command]

    def kills(self) -> int:
        """How many processes the kernel killed here for want of memory."""
        for directory in self.directories:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError, ValueError, KeyError):
                    rows = (directory / name).read_text().splitlines()
                    return int(dict(row.split() for row in rows)["oom_kill"])
        return 0


def parents() -> tuple[Path, ...]:
    """Directories under which a group with memory and pids limits can be made; () if none."""
    paths = _own_paths()
    for candidate in _upwards(_unified(), paths.get("", "/")):
        if _delegates(candidate) and _writable(candidate):
            return (candidate,)
    found = []
    for controller in CONTROLLERS:
        mount = ROOT / controller
        usable = (p for p in _upwards(mount, paths.get(controller, "/")) if _writable(p))
        directory = next(usable, None)
        if not mount.is_dir() or directory is None:
            return ()
        found.append(directory)
    return tuple(found)


def make_group(above: tuple[Path, ...], name: str, limits: Limits) -> Group:
    """A group `name` under each of `above` with `limits`.

    Raises DiskError when a directory or a limit cannot be written; nothing is left behind then.
    """
    made = tuple(parent / name for parent in above)
    try:
        for directory in made:
            directory.mkdir()
            _limit(directory, limits)
    except OSError as error:
        remove_group(Group(made))
        raise DiskError(
            f"control group {name!r} could not be set up: {error}",
            next_step="run again; the sandbox probes the control groups anew",
        ) from error
    return Group(made)


def remove_group(group: Group) -> None:
    """Take the directories away; waits up to two seconds for the last process to be gone."""
    for directory in group.directories:
        deadline = time.monotonic() + REMOVE_S
        while time.monotonic() < deadline and not _removed(directory):
            time.sleep(0.001)


def _own_paths() -> dict[str, str]:
    """Controller → path of this process; the key "" is the version 2 hierarchy."""
    paths: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for row in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, path = row.split(":", 2)
            paths.update(dict.fromkeys(names.split(","), path))
    return paths


def _unified() -> Path:
    hybrid = ROOT / "unified"
    return hybrid if hybrid.is_dir() else ROOT


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    own = mount / path.lstrip("/")
    yield from (p for p in (own, *own.parents) if p.is_relative_to(mount) and p.is_dir())


def _delegates(directory: Path) -> bool:
    with contextlib.suppress(OSError):
        granted = (directory / "cgroup.subtree_control").read_text().split()
        return set(CONTROLLERS) <= set(granted)
    return False


def _writable(directory: Path) -> bool:
    """A read-only mount looks present, so make a directory and take it away again."""
    trial = directory / f"buildwright-trial-{time.monotonic_ns()}"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError:
        return False
    return True


def _limit(directory: Path, limits: Limits) -> None:
    memory = str(limits.memory_bytes)
    wanted = {
        "memory.limit_in_bytes": memory,
        "memory.memsw.limit_in_bytes": memory,
        "memory.max": memory,
        "memory.swap.max": "0",
        "pids.max": str(limits.processes),
    }
    for name, value in wanted.items():
        if (directory / name).exists():
            (directory / name).write_text(value)


def _removed(directory: Path) -> bool:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False  # a process is still on its way out
    return True
