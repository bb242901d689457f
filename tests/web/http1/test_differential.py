"""uvicorn, which others trust, and our server read the same requests alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, example, given, settings
from tests.web.http1.asking import Conversation, conversations, teller
from tests.web.http1.talking import GET, LAST, Talk, at, echo, in_chunks, post
from uvicorn.config import Config
from uvicorn.server import Server

from buildwright.web.server import listening_socket

Told = tuple[int, Any]


class Oracle(Server):
    """A uvicorn that tells when it is up and leaves the signals of the tests alone."""

    def __init__(self, app: Any) -> None:
        plain = Config(app, http="httptools", ws="none", lifespan="off", log_config=None)
        plain.access_log = plain.proxy_headers = False
        super().__init__(plain)
        self.up = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def oracle(app: Any) -> AsyncIterator[int]:
    listening = listening_socket("127.0.0.1", 0)
    server = Oracle(app)
    running = asyncio.create_task(server.serve([listening]))
    try:
        await server.up.wait()
        yield listening.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await running
        listening.close()


async def told_by(port: int, said: Conversation) -> list[Told]:
    talk = Talk(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 22))
    await talk.say(*said.pieces)
    told: list[Told] = []
    for method in said.methods:
        answer = await talk.answer(method)
        told.append((answer.status, json.loads(answer.body) if answer.body else None))
    await talk.leave()
    return told


class Both:
    """The same application behind our server and behind uvicorn, for many examples."""

    def __init__(self, *, fast: bool) -> None:
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop if fast else None)
        self.stack = AsyncExitStack()
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.ours = (await self.stack.enter_async_context(at(teller))).port
        self.theirs = await self.stack.enter_async_context(oracle(teller))

    def tell(self, said: Conversation) -> tuple[list[Told], list[Told]]:
        return self.runner.run(self._tell(said))

    async def _tell(self, said: Conversation) -> tuple[list[Told], list[Told]]:
        ours = await told_by(self.ours, said)
        return ours, await told_by(self.theirs, said)

    def close(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    servers = Both(fast=request.param)
    yield servers
    servers.close()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(conversations())
@example(Conversation(["POST", "GET"], [bytes([byte]) for byte in in_chunks(b"one", b"two") + GET]))
@example(Conversation(["OPTIONS"], [GET.replace(b"GET /", b"OPTIONS *")]))
@example(Conversation(["HEAD"], [GET.replace(b"GET", b"HEAD")]))
def test_both_read_the_same(both: Both, drawn: Conversation) -> None:
    ours, theirs = both.tell(drawn)
    assert len(ours) == len(drawn.methods)
    assert ours == theirs


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("last", [b"connection: close", b"connection: keep-alive", b"x: y"])
def test_both_read_old_clients_the_same(both: Both, version: bytes, last: bytes) -> None:
    request = post(b"body", b"/", last).replace(b"1.1", version)
    ours, theirs = both.tell(Conversation(["POST"], [request]))
    assert ours == theirs
    assert ours[0][1]["http_version"] == version.decode()


OLD_KEEP = b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"
OFFERED = post(b"body", b"/", b"connection: upgrade, close", b"upgrade: h2c")
ON_PURPOSE = {
    "an old client that asks may stay": (OLD_KEEP * 2 + LAST, 3, 1),
    "the body beside an offer of HTTP/2 is not lost": (OFFERED, b"POST / body", b"POST / "),
    "chunks in 1.0 are not to be trusted": (in_chunks(b"a").replace(b"1.1", b"1.0"), 400, 200),
    "HTTP/2.0 is not spoken in this way": (LAST.replace(b"1.1", b"2.0"), 505, 200),
    "nobody knows which of two hosts is meant": (
        LAST.replace(b"host: a", b"host: a\r\nhost: b"),
        400,
        200,
    ),
    "a list of hosts is none": (LAST.replace(b"host: a", b"host: a, b"), 400, 200),
    "a request names its host": (LAST.replace(b"host: a\r\n", b""), 400, 200),
    "a head may not hold any number of headers": (
        LAST[:-2] + b"x: y\r\n" * 200 + b"\r\n",
        431,
        200,
    ),
    "a head may not be of any size": (LAST[:-2] + b"x: " + b"y" * 200_000 + b"\r\n\r\n", 431, 200),
    "what was asked before something malformed is answered first": (
        GET + b"no request\r\n\r\n",
        200,
        400,
    ),
}


def _seen(answer: bytes, kind: Any) -> Any:
    """Return the first status, the number of answers or the first body, as the row has it."""
    if isinstance(kind, bytes):
        return answer.split(b"\r\n\r\n", 1)[1].split(b"HTTP/1.1 ")[0]
    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    return statuses[0] if kind >= 100 else len(statuses)


@pytest.mark.parametrize(("request_", "ours", "theirs"), ON_PURPOSE.values(), ids=ON_PURPOSE)
async def test_where_both_differ_it_is_on_purpose(request_: bytes, ours: Any, theirs: Any) -> None:
    async with at(echo) as door, oracle(echo) as port:
        by_us = await door.raw(request_)
        talk = Talk(*await asyncio.open_connection("127.0.0.1", port))
        await talk.say(request_)
        by_them = await talk.rest()
        await talk.leave()
    assert _seen(by_us, ours) == ours
    assert _seen(by_them, theirs) == theirs
