"""What the gateway's HTTP client costs, beside aiohttp's.

`python bench/http_client.py [--seconds S] [--rounds N] [--json FILE]`

An upstream in a process of its own answers every POST with 1 KB of JSON and does nothing else; the
clients take turns against it, 1 KB request bodies, plain HTTP, uvloop. Medians over the rounds of
requests per second and of CPU microseconds (user + system of the client's process) per request.
Part of the gateway's aim of at most 125 µs of CPU per request; this part should cost about 30.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import uvloop

from buildwright.gateway.http import HttpPool, parse_origin

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 960}]}).encode()
PAYLOAD = json.dumps({"id": "r", "choices": [{"message": {"content": "y" * 960}}]}).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"X-Request-Id: req-0123456789\r\nX-Ratelimit-Remaining-Requests: 999\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(PAYLOAD), PAYLOAD)
)
LEVELS = (1, 16, 64)
Call = Callable[[], Awaitable[None]]


class Upstream(asyncio.Protocol):
    """Answer as soon as a request, whose size is known, is whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = cast(asyncio.Transport, transport)
        self.pending = b""

    def data_received(self, data: bytes) -> None:
        """Answer what ends with the body of the bench."""
        self.pending += data
        if self.pending.endswith(BODY[-64:]):
            self.pending = b""
            self.transport.write(ANSWER)


async def serve() -> None:
    """Print the port and answer until killed."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@asynccontextmanager
async def ours(url: str, level: int) -> AsyncIterator[Call]:
    """The client under test."""
    pool = HttpPool(parse_origin(url))
    headers = [(b"authorization", b"Bearer sk-bench"), (b"content-type", b"application/json")]

    async def call() -> None:
        response = await pool.send("POST", "/v1/chat/completions", headers, BODY)
        await response.read(1 << 20)

    yield call
    await pool.close()


@asynccontextmanager
async def theirs(url: str, level: int) -> AsyncIterator[Call]:
    """The peer: one session, its pool as large as ours."""
    headers = {"authorization": "Bearer sk-bench", "content-type": "application/json"}
    connector = aiohttp.TCPConnector(limit=256)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def call() -> None:
            async with session.post(url + "/v1/chat/completions", data=BODY) as response:
                await response.read()

        yield call


CLIENTS = {"buildwright": ours, "aiohttp": theirs}


async def load(call: Call, level: int, seconds: float) -> tuple[float, float]:
    """Return requests per second and CPU µs per request of `level` callers in a closed loop."""
    done = 0

    async def caller(until: float) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await call()
            done += 1

    await asyncio.gather(*(call() for _ in range(level)))
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller(began + seconds) for _ in range(level)))
    spent, used = time.perf_counter() - began, time.process_time() - cpu
    return done / spent, used / done * 1e6


async def measure(url: str, seconds: float, rounds: int) -> dict[str, Any]:
    """Interleave the clients; return the medians by client and level."""
    samples: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for level in LEVELS:
            for name, client in CLIENTS.items():
                async with client(url, level) as call:
                    result = await load(call, level, seconds)
                samples.setdefault((name, level), []).append(result)
    return {
        f"{name} c={level}": {
            "requests_per_s": round(statistics.median(rate for rate, _ in taken)),
            "cpu_us_per_request": round(statistics.median(cost for _, cost in taken), 1),
        }
        for (name, level), taken in samples.items()
    }


def main() -> None:
    """Run the upstream, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve())
        return
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as upstream:
        try:
            port = (upstream.stdout or sys.stdin).readline().strip()
            url = f"http://127.0.0.1:{port}"
            table = uvloop.run(measure(url, options.seconds, options.rounds))
        finally:
            upstream.kill()
    print(f"{'client':<20} {'requests/s':>10} {'CPU µs/request':>15}")
    for name, row in table.items():
        print(f"{name:<20} {row['requests_per_s']:>10} {row['cpu_us_per_request']:>15}")
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
