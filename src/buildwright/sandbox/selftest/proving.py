"""What a build asks for: a box whose self-test holds on this machine, from disk where it can."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from buildwright import __version__
from buildwright.core.errors import BuildwrightError, SandboxUnavailableError
from buildwright.sandbox.box import Sandbox
from buildwright.sandbox.bubblewrap import find_bubblewrap
from buildwright.sandbox.environment import ensure_environment
from buildwright.sandbox.guarded import find_sandlock
from buildwright.sandbox.opening import BACKENDS, open_sandbox
from buildwright.sandbox.selftest.model import Ground, Outcome, Result
from buildwright.sandbox.selftest.running import SHORT, self_test

LOCK = Path(__file__).with_name("lock.txt")
LISTED = 3


async def proven(backend: str, cache: Path) -> Sandbox:
    """The first backend that opens and on which every required threat holds.

    `backend` is `auto` or a name. Results are kept in the file `cache` for this kernel, tool, user
    and version of ours; where there are none, the short list runs (at most two seconds). Raises
    SandboxUnavailableError that names what does not hold, and how to see more.
    """
    refusals, fix = [], ""
    for name in BACKENDS if backend == "auto" else (backend,):
        try:
            box = await open_sandbox(name, cache=cache.with_name(f"{cache.name}.probe"))
        except SandboxUnavailableError as error:
            refusals.append(error.message)
            fix = fix or error.next_step
            continue
        results = recalled(cache, name)
        if results is None:
            results = await self_test([box], threats=SHORT)
            remember(cache, results)
        bad = [row for row in results if row.counts_against]
        if not bad:
            return box
        shown = "; ".join(f"{row.threat} {row.title}: {row.reason}" for row in bad[:LISTED])
        refusals.append(f"{name} does not hold: {shown}")
    raise SandboxUnavailableError(
        "; ".join(refusals),
        next_step=fix or "see the whole table with: buildwright sandbox self-test",
    )


async def make_ground(root: Path) -> Ground:
    """The interpreter with pytest for threats to the verdict, in an environment under `root`."""
    try:
        made = await ensure_environment(LOCK.read_bytes(), root=root)
    except BuildwrightError as error:
        return Ground(None, error.message)
    return Ground(made.python)


def recalled(cache: Path, backend: str) -> tuple[Result, ...] | None:
    """What is known of `backend` here and now; None when nothing is."""
    try:
        rows = json.loads(cache.read_bytes())[machine(backend)]
        results = tuple(Result(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    known = {row.threat for row in results if row.backend == backend}
    return results if known >= {threat.id for threat in SHORT} else None


def remember(cache: Path, results: Iterable[Result]) -> None:
    """Keep results, backend by backend; what did not hold in the short list is tried again.

    Best effort: without the file the short list just runs again.
    """
    known: dict[str, object] = {}
    try:
        known = dict(json.loads(cache.read_bytes()))
    except (OSError, ValueError, TypeError):
        known = {}
    rows = [row for row in results if row.backend in BACKENDS]
    for name in {row.backend for row in rows}:
        mine = [asdict(row) for row in rows if row.backend == name]
        failed = any(row.counts_against for row in rows if row.backend == name)
        if failed and len(mine) <= len(SHORT):
            known.pop(machine(name), None)
        else:
            known[machine(name)] = mine
    fresh = cache.with_name(f"{cache.name}.{os.getpid()}")
    try:
        fresh.write_text(json.dumps(known))
        fresh.replace(cache)
    except OSError:
        return


def machine(backend: str) -> str:
    """What results are worth for: kernel, tool, interpreter, user, our version and our filters."""
    tool = find_bubblewrap() if backend == "bubblewrap" else find_sandlock()
    facts: list[object] = [backend, platform.release(), platform.machine(), sys.executable]
    facts += [__version__, os.geteuid(), _own_digest(), str(tool)]
    if tool is not None:
        path = Path(tool) if backend == "bubblewrap" else Path(tool, "sandlock", "__init__.py")
        facts += [path.stat().st_size, path.stat().st_mtime_ns]
    return json.dumps(facts)


def _own_digest() -> str:
    """Of the code of this package, so that a changed box proves itself anew."""
    sources = sorted(Path(__file__).parents[1].rglob("*.py"))
    joined = b"\0".join(path.read_bytes() for path in sources)
    return hashlib.sha256(joined).hexdigest()[:16]
