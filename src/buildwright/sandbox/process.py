"""Start a command, read what it says without letting it flood us, and end it for certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from buildwright.sandbox.box import Exit, Health, Limits
from buildwright.sandbox.inside.guard import descendants, kill_all

CHUNK = 1 << 16
DRAIN_S = 1.0
REPORT_FACTOR = 4
KILL_GRACE_S = 3.0
STOP_LOOKS = 500


@dataclass(frozen=True, slots=True)
class Launch:
    """A command of a backend: `descriptors` are passed on under their own numbers and closed here.

    `stop` asks the command to end together with everything it started; SIGKILL follows if that
    takes longer than three seconds. Without `stop` it is SIGKILL at once. `watch` gets the pid and
    returns only if it had to end the command, with the name of the limit that was met.
    """

    command: Sequence[str]
    descriptors: tuple[int, ...] = ()
    stop: Callable[[], None] | None = None
    watch: Callable[[int], Awaitable[str]] | None = None
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Captured:
    """Raw end of a command; `returncode` is negative for a signal, as asyncio has it."""

    returncode: int
    stdout: tuple[bytes, bool]
    stderr: tuple[bytes, bool]
    report: tuple[bytes, bool]
    timed_out: bool
    watched: str
    duration_s: float


async def run_process(launch: Launch, stdin: bytes, limits: Limits) -> Captured:
    """Run `launch` with a private socket as its standard input.

    The socket carries `stdin` to the command and whatever the command writes there back as the
    report: a socket, unlike a pipe, cannot be opened again through procfs. Cancellation ends the
    command before it propagates. Raises OSError when the command cannot be started.
    """
    started = time.monotonic()
    async with _started(launch) as (process, ours):
        if process.stdout is None or process.stderr is None:
            raise AssertionError("pipes were asked for")
        private, writer = await asyncio.open_connection(sock=ours)
        readers = [
            asyncio.create_task(read_capped(process.stdout, limits.output_bytes)),
            asyncio.create_task(read_capped(process.stderr, limits.output_bytes)),
            asyncio.create_task(read_capped(private, limits.output_bytes * REPORT_FACTOR)),
        ]
        feeder = asyncio.create_task(_feed(writer, stdin))
        watcher = asyncio.create_task(_watching(launch, process.pid))
        try:
            timed_out = await _ended_late(process, limits.wall_s)
            if timed_out:
                await _end(process, launch)
            out, err, report = await _drained(readers)
        finally:
            await _dismiss([*readers, feeder, watcher])
            await _closed(writer)
    watched = "" if watcher.cancelled() else watcher.result()
    seconds = time.monotonic() - started
    return Captured(process.returncode or 0, out, err, report, timed_out, watched, seconds)


def to_exit(
    captured: Captured,
    ended: tuple[int | None, int | None],
    health: tuple[Health, str],
    *,
    exceeded: str,
) -> Exit:
    """`captured` with what the backend knows: (code, signal), (health, reason)."""
    code, signal = (None, None) if captured.timed_out else ended
    return Exit(
        code=code,
        signal=signal,
        stdout=captured.stdout[0],
        stderr=captured.stderr[0],
        stdout_truncated=captured.stdout[1],
        stderr_truncated=captured.stderr[1],
        timed_out=captured.timed_out,
        exceeded=exceeded,
        duration_s=captured.duration_s,
        report=captured.report[0],
        report_truncated=captured.report[1],
        health=health[0],
        health_reason=health[1],
    )


def memory_file(content: bytes) -> int:
    """Descriptor of an anonymous file that holds `content`, at its start."""
    descriptor = os.memfd_create("buildwright", 0)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


class CappedReader:
    """Bytes kept so far; what comes after the cap is read and thrown away."""

    def __init__(self, cap: int) -> None:
        self.kept = bytearray()
        self.truncated = False
        self.cap = cap

    def add(self, chunk: bytes) -> None:
        """Keep what still fits."""
        room = self.cap - len(self.kept)
        self.kept += chunk[:room]
        self.truncated = self.truncated or len(chunk) > room


async def read_capped(stream: asyncio.StreamReader, cap: int) -> tuple[bytes, bool]:
    """Read to the end of `stream`, keep the first `cap` bytes and say whether there was more."""
    kept = CappedReader(cap)
    try:
        while chunk := await stream.read(CHUNK):
            kept.add(chunk)
    except (ConnectionError, asyncio.CancelledError):
        # a reader is cancelled only when the box is dead: what came until then is the output
        pass
    return bytes(kept.kept), kept.truncated


@contextlib.asynccontextmanager
async def _started(
    launch: Launch,
) -> AsyncIterator[tuple[asyncio.subprocess.Process, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    # shielded, because asyncio ends a half-started command without what that has started
    starting = asyncio.ensure_future(_spawn(launch, theirs))
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        ours.close()
        with contextlib.suppress(OSError):
            await _end(await starting, launch)
        raise
    except OSError:
        ours.close()
        raise
    try:
        yield process, ours
    finally:
        await asyncio.shield(_end(process, launch))


async def _spawn(launch: Launch, theirs: socket.socket) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *launch.command,
            stdin=theirs.fileno(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=launch.descriptors,
            start_new_session=True,
            env=launch.env,
            cwd="/",
        )
    finally:
        theirs.close()
        for descriptor in launch.descriptors:
            os.close(descriptor)


async def _watching(launch: Launch, pid: int) -> str:
    if launch.watch is None:
        await asyncio.Event().wait()
        return ""
    return await launch.watch(pid)


async def _feed(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        writer.write(data)
        await writer.drain()
        writer.write_eof()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError, asyncio.CancelledError):
        await writer.wait_closed()


async def _ended_late(process: asyncio.subprocess.Process, wall_s: float) -> bool:
    try:
        await asyncio.wait_for(process.wait(), wall_s)
    except TimeoutError:
        return True
    return False


async def _end(process: asyncio.subprocess.Process, launch: Launch) -> None:
    if process.returncode is not None:
        return
    if launch.stop is not None:
        launch.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), KILL_GRACE_S)
    if process.returncode is None:
        await _kill_tree(process.pid)
        await process.wait()


async def _kill_tree(pid: int) -> None:
    """Kill `pid` and what it started, also while it is still starting it.

    It is stopped first: a box that is only being set up does not know yet that it has to die with
    its parent, and would be missed if it came into being after the look for children.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        for _ in range(STOP_LOOKS):
            if not _is_running(pid):
                break
            await asyncio.sleep(0.001)
        kill_all([*descendants(pid), pid])


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in (b"T", b"t", b"Z", b"X")


async def _drained(
    readers: list[asyncio.Task[tuple[bytes, bool]]],
) -> list[tuple[bytes, bool]]:
    """A process that outlived the box could hold a pipe open; wait for it a moment only."""
    await asyncio.wait(readers, timeout=DRAIN_S)
    for reader in readers:
        reader.cancel()
    return list(await asyncio.gather(*readers))


async def _dismiss(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
