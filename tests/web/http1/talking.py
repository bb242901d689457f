"""A client that says any bytes to a served application and reads what comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from buildwright.web.app import App
from buildwright.web.http import Receive, Scope, Send
from buildwright.web.http1 import Patience, State
from buildwright.web.server import listening_socket, serving

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
HASTY = Patience(keep_alive_s=0.05, request_s=0.05, taking_s=0.05, leaving_s=0.05, sweep_s=0.01)
BODILESS = (100, 204, 304)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes
    line: bytes = b""


@dataclass(slots=True)
class Talk:
    """One connection to the server; closed after the test."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *pieces: bytes) -> None:
        """Send the pieces one by one; the loop turns between them so that each is read alone."""
        for piece in pieces:
            self.writer.write(piece)
            with contextlib.suppress(ConnectionError):
                await self.writer.drain()
            for _ in range(3):
                await asyncio.sleep(0)

    async def answer(self, method: str = "GET") -> Answer:
        """Read one response, up to its end and no further."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        line, *lines = head[:-4].split(b"\r\n")
        parted = (one.partition(b": ") for one in lines)
        headers = {name: value for name, _, value in parted}
        assert len(headers) == len(lines), f"a header twice in {head!r}"
        status = int(line.split(b" ")[1])
        body = b"" if method == "HEAD" or status in BODILESS else await self._body(headers)
        return Answer(status, headers, body, line)

    async def _body(self, headers: dict[bytes, bytes]) -> bytes:
        if b"content-length" in headers:
            return await self.reader.readexactly(int(headers[b"content-length"]))
        if headers.get(b"transfer-encoding") != b"chunked":
            return await self.reader.read()
        body = b""
        while size := int((await self.reader.readuntil(b"\r\n"))[:-2], 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body

    async def rest(self) -> bytes:
        """Read until the server closes."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.read()
        return b""

    async def leave(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass(frozen=True, slots=True)
class Door:
    """A served application."""

    port: int
    state: State

    @contextlib.asynccontextmanager
    async def talk(self, limit: int = 1 << 16) -> AsyncIterator[Talk]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=limit)
        talk = Talk(reader, writer)
        try:
            yield talk
        finally:
            await talk.leave()

    async def ask(self, request: bytes = GET, method: str = "GET") -> Answer:
        """Send one request on a connection of its own."""
        async with self.talk() as talk:
            await talk.say(request)
            return await talk.answer(method)

    async def raw(self, *pieces: bytes) -> bytes:
        """Send the pieces, return everything until the server closes."""
        async with self.talk() as talk:
            await talk.say(*pieces)
            return await talk.rest()


@contextlib.asynccontextmanager
async def at(app: App, **how: Any) -> AsyncIterator[Door]:
    """Serve `app`; what the loop was told of as unhandled fails the test."""
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: unhandled.append(told))
    listening = listening_socket("127.0.0.1", 0)
    port = listening.getsockname()[1]
    async with serving(app, listening, **{"drain_s": 0.0, **how}) as state:
        yield Door(port, state)
    assert unhandled == []


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until something is true; the test's own time limit ends it."""
    while not true():
        await asyncio.sleep(0.001)


def post(body: bytes, path: bytes = b"/", *headers: bytes) -> bytes:
    length = b"content-length: %d" % len(body)
    return b"\r\n".join([b"POST %b HTTP/1.1" % path, b"host: a", length, *headers, b"", body])


def in_chunks(*pieces: bytes, path: bytes = b"/") -> bytes:
    head = b"POST %b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" % path
    return head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


async def body_of(receive: Receive) -> bytes:
    """Return the whole body; ConnectionError where the client leaves before its end."""
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        pieces.append(message["body"])
        if not message["more_body"]:
            return b"".join(pieces)


async def reply(send: Send, body: bytes = b"", status: int = 200, *headers: Any) -> None:
    lines = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer method, path and body."""
    try:
        body = await body_of(receive)
    except ConnectionError:
        return
    await reply(send, b"%b %b %b" % (scope["method"].encode(), scope["raw_path"], body))


def echoed(answer: bytes) -> list[bytes]:
    """Return the bodies of answers by `echo` (they are what follows a head)."""
    return [part.split(b"HTTP/1.1 ")[0] for part in answer.split(b"\r\n\r\n")[1:]]
