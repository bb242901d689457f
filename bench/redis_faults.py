"""Calls through a served gateway while its Redis is slow, frozen, flushed, killed.

    python bench/redis_faults.py [--rounds 3] [--seconds 4] [--per-s 200] [--connections 32]
                                 [--json FILE]

An open loop: requests are due at fixed times, and latency counts from then. Limits and cache are
in Redis; every request differs, so each asks the cache, takes from its limits, and is stored.
Latencies are medians of interleaved rounds, failures and the worst are of all. The target is an
added p99 of 50 ms at most and no failed request; exits with 1 when it is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from redis.asyncio import Redis as Connection

from gateway_targets import Target, ours, upstream

MOST_ADDED_MS = 50.0
PAD = "y" * 850
Break = Callable[["Redis"], Coroutine[None, None, None]]


class Redis:
    """A redis-server on a unix socket that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self.start()

    def start(self) -> None:
        """Start it; return once it takes connections."""
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "",
             "--appendonly", "no"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None  # noqa: S101 - asked for a pipe
        for line in self.process.stdout:
            if b"ready to accept connections" in line.lower():
                return
        sys.exit("error: redis-server does not start")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Phase:
    """What was seen in one phase; latencies in milliseconds from the scheduled time."""

    name: str
    requests: int
    failed: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    fallback: bool


class Client:
    """Connections that are kept open, and requests that all differ."""

    def __init__(self, target: Target, connections: int, per_s: float) -> None:
        self._target, self._connections, self._per_s = target, connections, per_s
        self._place = urlsplit(target.address)
        self._sent = 0

    async def run(self, seconds: float) -> list[float | None]:
        """Return the latency of each request in seconds, None for one that failed."""
        start = time.perf_counter() + 0.05
        due = [start + number / self._per_s for number in range(int(seconds * self._per_s))]
        lanes = [due[lane :: self._connections] for lane in range(self._connections)]
        told = await asyncio.gather(*(self._lane(lane) for lane in lanes))
        return [latency for lane in told for latency in lane]

    async def numbers(self) -> str:
        """Return the text of `/metrics`."""
        reader, writer = await self._opened()
        writer.write(self._head("GET", "/metrics", b"") + b"")
        _, body = await _answer(reader)
        writer.close()
        return body.decode()

    async def _lane(self, due: list[float]) -> list[float | None]:
        reader, writer = await self._opened()
        told: list[float | None] = []
        for at in due:
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            body = self._body()
            writer.write(self._head("POST", self._target.path, body) + body)
            try:
                status, _ = await _answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                status = 0
                reader, writer = await self._opened()
            told.append(time.perf_counter() - at if status == 200 else None)
        writer.close()
        return told

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._place.hostname, self._place.port)

    def _body(self) -> bytes:
        self._sent += 1
        message = {"role": "user", "content": f"{PAD}{time.time_ns()}-{self._sent}"}
        row = {"model": self._target.model, "max_tokens": 100, "messages": [message]}
        return json.dumps(row).encode()

    def _head(self, method: str, path: str, body: bytes) -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nhost: {self._place.netloc}\r\n"
            f"authorization: Bearer {self._target.key}\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    return int(head[9:12]), await reader.readexactly(length)


async def healthy(_redis: Redis) -> None:
    """Leave it alone."""


async def slow(redis: Redis) -> None:
    """Stop it for 15 ms again and again: just within the gateway's deadline."""
    while True:
        redis.signal(signal.SIGSTOP)
        await asyncio.sleep(0.015)
        redis.signal(signal.SIGCONT)
        await asyncio.sleep(0.003)


async def frozen(redis: Redis) -> None:
    """Stop it in the middle of the phase, for good."""
    await asyncio.sleep(0.5)
    redis.signal(signal.SIGSTOP)


async def flapping(redis: Redis) -> None:
    """Freeze it for a second, let it go for three."""
    while True:
        redis.signal(signal.SIGSTOP)
        await asyncio.sleep(1.0)
        redis.signal(signal.SIGCONT)
        await asyncio.sleep(3.0)


async def flushed(redis: Redis) -> None:
    """Empty it ten times a second, scripts included."""
    async with Connection(unix_socket_path=str(redis.socket)) as other:
        while True:
            await other.flushall()
            await other.script_flush()
            await asyncio.sleep(0.1)


async def killed(redis: Redis) -> None:
    """Kill it in the middle of the phase."""
    await asyncio.sleep(0.5)
    redis.kill()


PHASES: dict[str, Break] = {
    "healthy": healthy, "slow": slow, "flushed": flushed, "frozen": frozen, "flapping": flapping,
    "killed": killed,
}  # fmt: skip


async def phase(client: Client, redis: Redis, name: str, seconds: float) -> Phase:
    """Load the gateway while Redis is broken in this way, then put Redis right again."""
    breaking = asyncio.create_task(PHASES[name](redis))
    latencies = await client.run(seconds)
    fallback = "\nbuildwright_redis_fallback 1\n" in await client.numbers()
    breaking.cancel()
    with suppress(asyncio.CancelledError):
        await breaking
    if redis.process.poll() is not None:
        redis.start()
    redis.signal(signal.SIGCONT)
    good = sorted(latency * 1000 for latency in latencies if latency is not None)
    failed = len(latencies) - len(good)
    p99 = good[int(len(good) * 0.99)]
    return Phase(name, len(latencies), failed, statistics.median(good), p99, good[-1], fallback)


async def back(client: Client) -> None:
    """Wait until the gateway uses Redis."""
    for _ in range(100):
        if "\nbuildwright_redis_fallback 0\n" in await client.numbers():
            return
        await asyncio.sleep(0.1)
    sys.exit("error: the gateway does not return to Redis within 10 s")


@asynccontextmanager
async def prepared(given: argparse.Namespace) -> AsyncIterator[tuple[Client, Redis]]:
    """Yield a client of a served gateway, and its Redis."""
    home = Path(tempfile.mkdtemp(prefix="bw-redis-"))
    redis = Redis(home)
    try:
        with upstream(5.0) as port:
            target = await asyncio.to_thread(ours, home, port, port)
            with (home / "config.yaml").open("a", encoding="utf-8") as config:
                config.write(f"  redis_url: 'unix://{redis.socket}'\n")
            with target.running():
                yield Client(target, given.connections, given.per_s), redis
    finally:
        redis.signal(signal.SIGCONT)
        redis.kill()
        shutil.rmtree(home, ignore_errors=True)


async def measured(given: argparse.Namespace) -> list[Phase]:
    """Return all phases in order."""
    rounds: dict[str, list[Phase]] = {name: [] for name in PHASES}
    async with prepared(given) as (client, redis):
        await client.run(1.0)
        for _ in range(given.rounds):
            for name in PHASES:
                await back(client)
                rounds[name].append(await phase(client, redis, name, given.seconds))
    return [together(phases) for phases in rounds.values()]


def together(phases: list[Phase]) -> Phase:
    """Return one row for the same phase of all rounds."""
    return Phase(
        phases[0].name,
        sum(one.requests for one in phases),
        sum(one.failed for one in phases),
        statistics.median(one.p50_ms for one in phases),
        statistics.median(one.p99_ms for one in phases),
        max(one.worst_ms for one in phases),
        sum(one.fallback for one in phases) * 2 > len(phases),
    )


def shown(phases: list[Phase]) -> bool:
    """Print the table; return whether the target is met."""
    base, met = phases[0].p99_ms, True
    print("| Redis | requests | failed | p50 ms | p99 ms | added p99 ms | worst ms | in memory |")
    print("|---|---|---|---|---|---|---|---|")
    for one in phases:
        added = one.p99_ms - base
        met = met and not one.failed and added <= MOST_ADDED_MS
        print(
            f"| {one.name} | {one.requests} | {one.failed} | {one.p50_ms:.1f} | {one.p99_ms:.1f} "
            f"| {added:+.1f} | {one.worst_ms:.1f} | {'yes' if one.fallback else 'no'} |"
        )
    return met


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--per-s", type=float, default=200.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if shutil.which("redis-server") is None:
        sys.exit("error: redis-server is not installed (apt-get install redis-server)")
    phases = asyncio.run(measured(given))
    met = shown(phases)
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in phases], indent=1))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
