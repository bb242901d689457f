"""Dependency environments of generated projects: one per lock and interpreter, built once.

Only wheels with the hashes of the lock are installed, so no code of a package runs outside the
sandbox. An environment is built in a temporary sibling folder and renamed when it is complete:
what a `kill -9` leaves behind has a name that never counts and is removed by the next build.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from buildwright.core.errors import EnvironmentBuildError
from buildwright.sandbox.box import ROOT

LOCK_POLL_S = 0.05
INSTALL_S = 900.0
TAIL_LINES = 6
DESCRIBE = "import sys, platform as p; print(sys.implementation.cache_tag, p.python_version())"

CAUSES = (
    (
        ("hash mismatch", "do not match the hashes", "eintegrity"),
        "a downloaded file does not match the hash in the lock",
        "make the lock anew; if it happens again, the package index was tampered with",
    ),
    (
        ("no space left", "disk quota exceeded", "enospc"),
        "the disk is full",
        "free some space and run again; finished environments can be removed by hand",
    ),
    (
        (
            *("dns error", "error sending request", "failed to fetch", "connection", "timed out"),
            *("enotfound", "econnrefused", "eai_again"),
        ),
        "the package index cannot be reached",
        "check the network or the index settings of uv, pip or npm, then run again",
    ),
    (
        ("no matching distribution", "no solution found", "has no usable wheels", "no wheel"),
        "a locked package has no wheel for this machine",
        "lock versions that have wheels for this Python and platform",
    ),
)


@dataclass(frozen=True, slots=True)
class Environment:
    """`python` is the interpreter to use, `path` its folder; `cached` if nothing was installed."""

    python: Path
    path: Path
    cached: bool


async def ensure_environment(lock: bytes, *, root: Path, python: Path | None = None) -> Environment:
    """The environment for `lock` (requirements with `--hash` for each) under `root`.

    `python` is the interpreter to build on (default: ours). Any number of simultaneous callers
    install once. Raises EnvironmentBuildError with the cause and the next step.
    """
    _check_lock(lock)
    python = python or Path(sys.executable)
    name = hashlib.sha256(lock + b"\0" + (await _description(python)).encode()).hexdigest()[:32]
    target = root / name
    found = Environment(target / "bin" / "python", target, cached=True)
    if _is_whole(target):
        return found
    try:
        await asyncio.to_thread(root.mkdir, parents=True, exist_ok=True)
        async with locked(root / f"{name}.lock"):
            if _is_whole(target):
                return found
            await _build(lock, python, target)
    except OSError as error:
        raise EnvironmentBuildError(
            f"dependency environment {target} could not be written: {error}",
            next_step="free some space or choose another BUILDWRIGHT_HOME, then run again",
        ) from error
    return Environment(found.python, target, cached=False)


def _is_whole(target: Path) -> bool:
    return (target / "pyvenv.cfg").is_file()


def _check_lock(lock: bytes) -> None:
    for row in lock.decode("utf-8", errors="replace").splitlines():
        words = row.strip()
        if words.startswith("-") and not words.startswith("--hash="):
            raise EnvironmentBuildError(
                f"dependency lock has the line {words!r}: expected only pinned names with hashes",
                next_step="lock with: uv pip compile --generate-hashes --no-emit-index-url",
            )


async def _description(python: Path) -> str:
    if python == Path(sys.executable):
        tag = sys.implementation.cache_tag
        return f"{tag} {platform.python_version()} {platform.machine()}"
    code, output = await run_command((str(python), "-I", "-c", DESCRIBE))
    if code != 0:
        raise EnvironmentBuildError(
            f"interpreter {python} does not start: {output.strip()[-200:]}",
            next_step="name a Python 3.11 or newer that this user can run",
        )
    return f"{output.strip()} {platform.machine()}"


@contextlib.asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the file lock `path` against every other process; waits for it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(LOCK_POLL_S)
        yield
    finally:
        os.close(descriptor)


async def _build(lock: bytes, python: Path, target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial")
    await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
    listed = target.with_name(f"{target.name}.txt")
    listed.write_bytes(lock)
    try:
        uv = _find_uv()
        if uv is None:
            await _install_with_pip(python, partial, listed)
        else:
            await _install_with_uv(uv, python, partial, listed)
        await asyncio.to_thread(make_readable, partial)
        partial.rename(target)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True))
        raise


def _find_uv() -> str | None:
    if importlib.util.find_spec("uv") is None:
        return shutil.which("uv")
    import uv

    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError:
        return shutil.which("uv")


async def _install_with_uv(uv: str, python: Path, partial: Path, listed: Path) -> None:
    quiet = ("--no-progress", "--color", "never")
    await _checked(
        (uv, "venv", *quiet, "--relocatable", "--no-project", "--python", str(python), str(partial))
    )
    install = (
        *(uv, "pip", "install", *quiet, "--python", str(partial / "bin" / "python")),
        *("--require-hashes", "--only-binary", ":all:", "--compile-bytecode", "-r", str(listed)),
    )
    # what is in uv's cache needs no network; the second call asks the index
    if (await run_command((*install, "--offline")))[0] != 0:
        await _checked(install)


async def _install_with_pip(python: Path, partial: Path, listed: Path) -> None:
    await _checked((str(python), "-I", "-m", "venv", str(partial)))
    await _checked(
        (
            *(str(partial / "bin" / "python"), "-I", "-m", "pip", "install", "--no-input"),
            *("--disable-pip-version-check", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "-r", str(listed)),
        )
    )


async def _checked(command: Sequence[str]) -> None:
    code, output = await run_command(command)
    if code != 0:
        raise explained(output)


def explained(
    output: str, by_hand: str = "uv pip install --require-hashes -r LOCK"
) -> EnvironmentBuildError:
    """The error for what uv, pip or npm printed, with its cause where it is a known one."""
    rows = [row.strip() for row in output.splitlines() if row.strip()]
    said = " | ".join(rows[-TAIL_LINES:])[:600] or "no output"
    for words, cause, step in CAUSES:
        if any(word in output.lower() for word in words):
            return EnvironmentBuildError(
                f"dependencies could not be installed: {cause} ({said})", next_step=step
            )
    return EnvironmentBuildError(
        f"dependencies could not be installed: {said}",
        next_step=f"try the lock by hand: {by_hand}",
    )


async def run_command(command: Sequence[str], cwd: Path = ROOT) -> tuple[int, str]:
    """Exit code and output; the command does not outlive us when we are cancelled."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        umask=0o022,
        cwd=cwd,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), INSTALL_S)
    except TimeoutError:
        return 1, f"timed out after {INSTALL_S:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.shield(process.wait())
    return process.returncode or 0, output.decode(errors="replace")


def make_readable(folder: Path) -> None:
    """Root's boxes run under another uid, so everyone may read what root installed."""
    if os.geteuid() != 0:
        return
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                continue
            wanted = mode | 0o444 | (0o111 if mode & 0o100 else 0)
            if wanted != mode:
                path.chmod(stat.S_IMODE(wanted))
    folder.chmod(0o755)
