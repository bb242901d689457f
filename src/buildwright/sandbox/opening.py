"""Pick a sandbox that holds on this machine, or refuse and say how to get one."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from buildwright.core.errors import SandboxUnavailableError, SettingsError, UnknownNameError
from buildwright.sandbox.box import Sandbox
from buildwright.sandbox.bubblewrap import Bubblewrap, find_bubblewrap
from buildwright.sandbox.cgroup import parents
from buildwright.sandbox.guarded import Sandlock, Unsafe, find_sandlock
from buildwright.sandbox.leftovers import sweep
from buildwright.sandbox.probe import Proof, fingerprint, prove

BACKENDS = ("bubblewrap", "sandlock")
"""In order of preference."""

INSTALLERS = {
    "apt-get": "apt-get install bubblewrap",
    "dnf": "dnf install bubblewrap",
    "pacman": "pacman -S bubblewrap",
    "zypper": "zypper install bubblewrap",
    "apk": "apk add bubblewrap util-linux",
}
SWITCHES = {
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "user/max_user_namespaces": ("0", "10000"),
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
}
_proven: dict[str, Proof] = {}


async def open_sandbox(
    backend: str = "auto", *, allow_unsafe: bool = False, cache: Path | None = None
) -> Sandbox:
    """The first backend whose probe passes here: bubblewrap, else sandlock.

    `backend` names one instead of `auto`; `unsafe` needs `allow_unsafe` as well. Proofs are kept
    for this process and, where `cache` names a file, across processes until kernel, tool or user
    change. Raises SandboxUnavailableError with the fix for this machine, SettingsError for
    `unsafe` without leave, UnknownNameError for any other name.
    """
    if backend == "unsafe":
        return _unsafe(allowed=allow_unsafe)
    if backend not in ("auto", *BACKENDS):
        raise UnknownNameError("sandbox backend", backend, ("auto", *BACKENDS, "unsafe"))
    reasons = []
    for name in BACKENDS if backend == "auto" else (backend,):
        proof, box = await _try(name, cache)
        if box is not None:
            return box
        reasons.append(f"{name}: {proof.reason}")
    raise SandboxUnavailableError(
        f"no sandbox holds on this machine ({'; '.join(reasons)})", next_step=_fix()
    )


async def available_backends(cache: Path | None = None) -> tuple[Sandbox, ...]:
    """Every backend whose probe passes here, best first; may be empty."""
    found = [(await _try(name, cache))[1] for name in BACKENDS]
    return tuple(box for box in found if box is not None)


def make_box(name: str) -> Sandbox:
    """The backend `name` as it is, without any proof; for the self-test, never for a build.

    Raises SandboxUnavailableError when it is not installed here.
    """
    found = _bubblewrap() if name == "bubblewrap" else _sandlock()
    if found is None:
        raise SandboxUnavailableError(f"sandbox {name!r} is not installed", next_step=_fix())
    return found[0]


def _unsafe(*, allowed: bool) -> Sandbox:
    if not allowed:
        raise SettingsError(
            "sandbox 'unsafe' runs generated code with all your rights and was not allowed",
            next_step="use sandbox 'auto', or allow it explicitly with --unsafe",
        )
    return Unsafe()


async def _try(name: str, cache: Path | None) -> tuple[Proof, Sandbox | None]:
    found = _bubblewrap() if name == "bubblewrap" else _sandlock()
    if found is None:
        return Proof((), "not installed"), None
    box, key, grown = found
    proof = _proven.get(key) or _recalled(cache, key)
    if proof is None:
        proof = await prove(box)
        if not proof.reason:
            _remember(cache, key, proof)
    if proof.reason:
        return proof, None
    _proven[key] = proof
    return proof, grown(proof.layers)


def _bubblewrap() -> tuple[Sandbox, str, Callable[[tuple[str, ...]], Sandbox]] | None:
    tool = find_bubblewrap()
    if platform.system() != "Linux" or tool is None:
        return None
    groups = parents()
    sweep(groups)
    box = Bubblewrap(tool, groups=groups)
    more = ("cgroup",) if groups else ()
    return (
        box,
        fingerprint(Path(tool), "bubblewrap", bool(groups)),
        lambda layers: replace(box, layers=(*layers, *more)),
    )


def _sandlock() -> tuple[Sandbox, str, Callable[[tuple[str, ...]], Sandbox]] | None:
    home = find_sandlock()
    if platform.system() != "Linux" or home is None:
        return None
    box = Sandlock(home)
    key = fingerprint(home / "sandlock" / "__init__.py", "sandlock")
    return box, key, lambda layers: replace(box, layers=layers)


def _recalled(cache: Path | None, key: str) -> Proof | None:
    if cache is None:
        return None
    try:
        row = json.loads(cache.read_bytes())[key]
        return Proof(tuple(map(str, row)), "")
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(cache: Path | None, key: str, proof: Proof) -> None:
    """Best effort: without the file the probe just runs again."""
    if cache is None:
        return
    try:
        known = json.loads(cache.read_bytes()) if cache.exists() else {}
        known[key] = proof.layers
        fresh = cache.with_name(f"{cache.name}.{os.getpid()}")
        fresh.write_text(json.dumps(known))
        fresh.replace(cache)
    except (OSError, ValueError, TypeError, AttributeError):
        return


def _fix() -> str:
    if find_bubblewrap() is None:
        for installer, command in INSTALLERS.items():
            if shutil.which(installer):
                return f"install bubblewrap as root: {command}"
        return "install bubblewrap with this system's package manager"
    for name, (bad, good) in SWITCHES.items():
        path = Path("/proc/sys", name)
        if path.is_file() and path.read_text().strip() == bad:
            return f"allow user namespaces as root: sysctl -w {name.replace('/', '.')}={good}"
    return (
        "allow user namespaces for this user, or in a container start it with "
        "--security-opt seccomp=unconfined"
    )
