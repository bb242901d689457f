"""What an upstream can do wrong, as steps of the model server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.clients.answers import answer, chunks, event, refusal, word
from tests.clients.model_server import Exchange, Step

HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def refused(status: int, body: bytes | None = None, **headers: str) -> Step:
    """Refuse with a status and maybe headers."""

    async def step(exchange: Exchange) -> None:
        await exchange.whole(status, refusal() if body is None else body, **headers)

    return step


def whole(make: Callable[[dict[str, Any]], bytes], **headers: str) -> Step:
    """Answer 200 with a body that is made from the request."""

    async def step(exchange: Exchange) -> None:
        await exchange.whole(200, make(exchange.body), **headers)

    return step


def constant(body: bytes, **headers: str) -> Step:
    return whole(lambda _: body, **headers)


def stream(*events: bytes, end: bool = True) -> Step:
    """Answer with a stream of these events, and end it well or not at all."""

    async def step(exchange: Exchange) -> None:
        await exchange.stream(*events, end=end)
        if not end:
            exchange.close()

    return step


def streamed(make: Callable[[dict[str, Any]], list[bytes]]) -> Step:
    async def step(exchange: Exchange) -> None:
        await exchange.stream(*make(exchange.body))

    return step


def with_usage(usage: Any) -> tuple[Step, Step]:
    """Answer well, with this usage; whole and streamed."""
    return whole(lambda body: answer(body, usage=usage)), streamed(lambda b: chunks(b, usage))


async def silent(exchange: Exchange) -> None:
    await exchange.until_left()


async def stalled_body(exchange: Exchange) -> None:
    body = answer(exchange.body)
    await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body))})
    await exchange.send(body[:20])
    await exchange.until_left()


async def cut_body(exchange: Exchange) -> None:
    body = answer(exchange.body)
    await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body))})
    await exchange.send(body[:20])
    exchange.close()


async def cut_head(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-ty")
    exchange.close()


async def endless_head(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        await exchange.send(b"x-%d: %s\r\n" % (number, b"y" * 100))


async def endless_events(exchange: Exchange) -> None:
    for _ in range(1700):
        await exchange.chunk(event({"choices": [{"index": 0, "delta": {"content": "x" * 60_000}}]}))


async def one_endless_event(exchange: Exchange) -> None:
    for _ in range(1700):
        await exchange.chunk(b"data: " + b"x" * 60_000)


async def huge_body(exchange: Exchange) -> None:
    size = 100 << 20
    await exchange.head(200, {"content-type": "application/json", "content-length": str(size)})
    for _ in range(1600):
        await exchange.send(b" " * 65_536)


async def huge_chunked(exchange: Exchange) -> None:
    await exchange.head(200, {"content-type": "application/json", "transfer-encoding": "chunked"})
    for _ in range(1600):
        await exchange.chunk(b" " * 65_536)


async def no_http(exchange: Exchange) -> None:
    await exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    exchange.close()


async def no_done(exchange: Exchange) -> None:
    """Everything but the last event, then a proper end of the body."""
    await exchange.stream(*chunks(exchange.body)[:-1])


def date_in(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


ERROR_EVENT = event({"error": {"message": "overloaded", "type": "server_error", "code": None}})


class Later:
    """A stream whose client has its first word before the rest is sent."""

    def __init__(self, rest: Step) -> None:
        self._rest, self.seen = rest, asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.stream(word(0), end=False)
        await self.seen.wait()
        await self._rest(exchange)


def more(*events: bytes, end: bool = True) -> Step:
    """Go on with a stream that has begun."""

    async def step(exchange: Exchange) -> None:
        for one in events:
            await exchange.chunk(one)
        if end:
            await exchange.send(b"0\r\n\r\n")
        else:
            exchange.close()

    return step


async def reset(exchange: Exchange) -> None:
    exchange.reset()
