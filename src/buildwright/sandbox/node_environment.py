"""Dependencies of Node projects, and vitest itself: one folder per lock, installed once by npm.

Only packages with the hashes of the lock are installed and none of their scripts runs, so no code
of a package runs outside the sandbox. As for Python (`environment.py`), a folder is complete or has
a name that never counts.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import platform
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildwright.core.errors import EnvironmentBuildError
from buildwright.sandbox.environment import explained, locked, make_readable, run_command

INSIDE = Path(__file__).parent / "inside"
PINNED = Path(__file__).parent / "pinned" / "vitest"
OLDEST_NODE = 20
INSTALL = (
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--loglevel=error",
)
RUNTIME = "runtime.mjs"
MARK = ".complete"
Finish = Callable[[Path], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class NodeEnvironment:
    """`node` is the interpreter to use, `path` the folder that holds `node_modules`."""

    node: Path
    path: Path
    cached: bool


async def ensure_node_environment(manifest: bytes, lock: bytes, *, root: Path) -> NodeEnvironment:
    """The folder for `package.json` and `package-lock.json` under `root`, installed if need be.

    Any number of simultaneous callers install once. Raises EnvironmentBuildError with the cause
    and the next step, also where Node or npm is missing.
    """

    async def nothing_more(_: Path) -> None:
        return None

    return await _ensured(manifest, lock, root, b"", nothing_more)


async def ensure_vitest(*, root: Path) -> NodeEnvironment:
    """The folder of the vitest that judges: pinned here, with our test program made from it."""
    node = await find_node()
    program = _sources()

    async def make_program(folder: Path) -> None:
        bundler, side = INSIDE / "vitest" / "bundle.mjs", INSIDE / "vitest" / "side.mjs"
        words = (str(node), str(bundler), "runtime", str(side), str(folder / RUNTIME), str(folder))
        code, output = await run_command(words)
        if code != 0:
            raise EnvironmentBuildError(
                f"the test program of vitest could not be made: {output.strip()[-400:]}",
                next_step="install a supported Node (20 or newer) and run again",
            )

    manifest, lock = (PINNED / name for name in ("package.json", "package-lock.json"))
    return await _ensured(manifest.read_bytes(), lock.read_bytes(), root, program, make_program)


async def find_node() -> Path:
    """Absolute path of Node; raises EnvironmentBuildError when there is none, or an old one."""
    found = shutil.which("node")
    if found is None:
        raise _missing("node is not installed, and the tests of a Node project need it")
    node = await asyncio.to_thread(Path(found).resolve)
    code, output = await run_command((str(node), "--version"))
    version = output.strip()
    if code != 0 or not version.startswith("v") or int(version[1:].split(".")[0]) < OLDEST_NODE:
        raise _missing(
            f"node at {node} says {version[:80]!r}, expected version {OLDEST_NODE} or newer"
        )
    return node


async def _ensured(
    manifest: bytes, lock: bytes, root: Path, more: bytes, finish: Finish
) -> NodeEnvironment:
    check_package_lock(lock)
    node = await find_node()
    marks = (manifest, lock, more, f"{platform.system()} {platform.machine()}".encode())
    name = hashlib.sha256(b"\0".join(marks)).hexdigest()[:32]
    target = root / f"node-{name}"
    if (target / MARK).is_file():
        return NodeEnvironment(node, target, cached=True)
    try:
        await asyncio.to_thread(root.mkdir, parents=True, exist_ok=True)
        async with locked(root / f"node-{name}.lock"):
            if not (target / MARK).is_file():
                await _build(node, (manifest, lock), target, finish)
    except OSError as error:
        raise EnvironmentBuildError(
            f"dependency environment {target} could not be written: {error}",
            next_step="free some space or choose another BUILDWRIGHT_HOME, then run again",
        ) from error
    return NodeEnvironment(node, target, cached=False)


async def _build(node: Path, files: tuple[bytes, bytes], target: Path, finish: Finish) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise _missing("npm is not installed, and packages of a Node project are installed by it")
    partial = target.with_name(f"{target.name}.partial")
    for place in (partial, target):
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
    try:
        partial.mkdir()
        (partial / "package.json").write_bytes(files[0])
        (partial / "package-lock.json").write_bytes(files[1])
        code, output = await run_command((npm, *INSTALL), cwd=partial)
        if code != 0:
            raise explained(output, by_hand="npm ci --ignore-scripts")
        await finish(partial)
        (partial / MARK).touch()
        await asyncio.to_thread(make_readable, partial)
        partial.rename(target)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True))
        raise


def check_package_lock(lock: bytes) -> None:
    """Raise EnvironmentBuildError unless every package of the lock has a version and a hash."""
    try:
        packages: dict[str, Any] = json.loads(lock)["packages"]
        rows = [(name, row) for name, row in packages.items() if name]
        bad = [name for name, row in rows if not _is_pinned(row)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentBuildError(
            f"package-lock.json cannot be read: {error!r}, expected lockfileVersion 2 or 3",
            next_step="make it with: npm install --package-lock-only",
        ) from error
    if bad:
        raise EnvironmentBuildError(
            f"package-lock.json has no hash for {bad[0]!r}: expected `integrity` for each package",
            next_step="use packages of a registry, then: npm install --package-lock-only",
        )


def _is_pinned(row: dict[str, Any]) -> bool:
    """A package of a registry with its hash, or one that comes inside of such a package."""
    if row.get("inBundle") is True:
        return True
    return str(row.get("integrity", "")).startswith(("sha512-", "sha384-")) and not row.get("link")


def _sources() -> bytes:
    places = sorted((*INSIDE.glob("*.mjs"), *(INSIDE / "vitest").glob("*.mjs")))
    return b"\0".join(place.read_bytes() for place in places)


def _missing(what: str) -> EnvironmentBuildError:
    return EnvironmentBuildError(
        what, next_step="install Node 20 or newer with npm (Debian: apt-get install nodejs npm)"
    )
