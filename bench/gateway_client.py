"""Load that wrk cannot make: a schedule that does not wait, and many paced streams.

    python bench/gateway_client.py open URL --key K --model M --per-s 1000 --seconds 4
    python bench/gateway_client.py streams URL --key K --model M --count 512

Prints one JSON object. Latencies are from the scheduled time (no coordinated omission).
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import time
from array import array
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import uvloop

PAD = "y" * 850
MARK = "#" * 12
"""Stands where a request's number goes."""

STREAM_S = 60.0
Told = dict[str, Any]


def request(url: str, key: str, body: dict[str, Any]) -> bytes:
    """Return a request as bytes."""
    parts = urlsplit(url)
    raw = json.dumps(body, separators=(",", ":")).encode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def place_of(url: str) -> tuple[str, int]:
    """Return host and port of an address that names both."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


class Whole(asyncio.Protocol):
    """A connection that sends one request at a time and waits for the whole answer."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._buffer = b""
        self._left = -1
        self.answer: asyncio.Future[int] | None = None
        self.lost = False
        self._status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way."""
        self.lost = True
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(0)

    async def ask(self, whole: bytes) -> int:
        """Send a request and return the status of its answer, 0 when it broke off."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(whole)
        return await self.answer

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        self._buffer += data
        if self._left < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            self._status = int(head[9:12])
            place = head.find(b"content-length:") + 15
            self._left = end + 4 + int(head[place : head.find(b"\r\n", place) % (end + 1)])
        if len(self._buffer) >= self._left and self.answer is not None:
            self._buffer, self._left = b"", -1
            if not self.answer.done():
                self.answer.set_result(self._status)


class OpenLoop:
    """Requests by a schedule, whatever comes back; one that finds no idle connection opens one."""

    def __init__(self, url: str, key: str, model: str) -> None:
        self._place = place_of(url)
        content = f"{PAD}{time.time_ns()}-{MARK}"
        body = {"model": model, "max_tokens": 100,
                "messages": [{"role": "user", "content": content}]}  # fmt: skip
        # Made once: this program shares its core with the upstream.
        self._before, self._after = request(url, key, body).split(MARK.encode())
        self._idle: list[Whole] = []
        self.latencies = array("d")
        self.statuses: Counter[int] = Counter()

    async def one(self, due: float, number: int) -> None:
        """Send one request that was due at a time (`perf_counter`: a loop's is in milliseconds)."""
        connection = await self._connection()
        status = await connection.ask(self._before + b"%0*d" % (len(MARK), number) + self._after)
        self.statuses[status] += 1
        if status == 200:
            self.latencies.append(time.perf_counter() - due)
        if not connection.lost:
            self._idle.append(connection)

    async def _connection(self) -> Whole:
        while self._idle:
            connection = self._idle.pop()
            if not connection.lost:
                return connection
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Whole, *self._place)
        return connection


async def open_loop(url: str, key: str, model: str, per_s: int, seconds: float) -> Told:
    """Send by the schedule; failed is every answer but 200.

    `late_ms` is by how much this program itself was late at most: it may have to wait for its core.
    """
    loop, load = asyncio.get_running_loop(), OpenLoop(url, key, model)
    start = time.perf_counter() + 0.1
    tasks: set[asyncio.Task[None]] = set()
    latest = 0.0
    for number in range(int(per_s * seconds)):
        due = start + number / per_s
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        latest = max(latest, time.perf_counter() - due)
        task = loop.create_task(load.one(due, number))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    done, all_told = len(load.latencies), sum(load.statuses.values())
    cuts = statistics.quantiles(load.latencies, n=100)
    return {
        "per_s": done / (time.perf_counter() - start), "done": done, "failed": all_told - done,
        "p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000,
        "late_ms": latest * 1000, "statuses": dict(sorted(load.statuses.items())),
    }  # fmt: skip


class Stream(asyncio.Protocol):
    """One stream after the other until a time; notes the longest time between two arrivals."""

    def __init__(self, ask: Callable[[], bytes], until: float) -> None:
        self._ask, self._until = ask, until
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last, self.worst, self.events, self.failed = 0.0, 0.0, 0, 0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = transport
        self._transport.write(self._ask())

    def connection_lost(self, exc: Exception | None) -> None:
        """A stream that is lost before its end failed."""
        if not self.done.done():
            self.failed += 1
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Note the gap; ask again when a stream has ended and there is time left."""
        now = time.perf_counter()
        if self.last:
            self.worst = max(self.worst, now - self.last)
        self.last = now
        self.events += data.count(b"data: ")
        if b"[DONE]" not in data or self.done.done():
            return
        if now < self._until:
            self.last = 0.0
            self._transport.write(self._ask())
        else:
            self.done.set_result(None)


async def streams(url: str, key: str, model: str, number: int, seconds: float) -> Told:
    """Hold so many streams at once; they begin over one second. Each ends by itself after that."""
    loop, place = asyncio.get_running_loop(), place_of(url)
    content = f"{time.time_ns()}-{MARK}"
    body = {"model": model, "max_tokens": 200, "stream": True,
            "messages": [{"role": "user", "content": content}]}  # fmt: skip
    before, after = request(url, key, body).split(MARK.encode())
    count = itertools.count()
    made: list[Stream] = []
    start = time.perf_counter()
    for _ in range(number):
        _, stream = await loop.create_connection(
            lambda: Stream(
                lambda: before + b"%0*d" % (len(MARK), next(count)) + after, start + seconds
            ),
            *place,
        )
        made.append(stream)
        await asyncio.sleep(1.0 / number)
    begun = time.perf_counter()
    await asyncio.wait_for(asyncio.gather(*(one.done for one in made)), seconds + STREAM_S)
    events = sum(one.events for one in made)
    return {
        "events": events,
        "events_per_s": events / (time.perf_counter() - begun + 1.0),
        "worst_gap_ms": max(one.worst for one in made) * 1000,
        "streams": next(count),
        "failed": sum(one.failed for one in made),
    }


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["open", "streams"])
    parser.add_argument("url")
    parser.add_argument("--key", default="")
    parser.add_argument("--model", default="m")
    parser.add_argument("--per-s", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--count", type=int, default=64)
    given = parser.parse_args()
    uvloop.install()
    if given.mode == "open":
        work = open_loop(given.url, given.key, given.model, given.per_s, given.seconds)
    else:
        work = streams(given.url, given.key, given.model, given.count, given.seconds)
    print(json.dumps(asyncio.run(work)))


if __name__ == "__main__":
    main()
