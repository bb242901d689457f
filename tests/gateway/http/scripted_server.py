"""A raw server on the loopback whose every byte, pause and rudeness a test decides."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Request:
    """What came over the wire: header names in lower case."""

    line: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]


class PeerGone(Exception):
    """The client closed the connection."""


@dataclass(slots=True)
class Peer:
    """One accepted connection; `number` counts from 0."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> Request:
        """Read one whole request; raises PeerGone where the client leaves instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            line, *rest = head[:-4].split(b"\r\n")
            pairs = [entry.split(b": ", 1) for entry in rest]
            headers = [(name.lower(), value) for name, value in pairs]
            length = int(dict(headers).get(b"content-length", b"0"))
            return Request(line, headers, await self.reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise PeerGone from error

    async def send(self, *segments: bytes) -> None:
        """Write the segments one by one, the loop turning between them."""
        try:
            for segment in segments:
                if self.writer.is_closing():
                    raise PeerGone
                self.writer.write(segment)
                await self.writer.drain()
                for _ in range(3):
                    await asyncio.sleep(0)
        except ConnectionError as error:
            raise PeerGone from error

    async def gone(self) -> None:
        """Stay silent until the client has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                continue

    def reset(self) -> None:
        """Answer with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        """Send what is left, then FIN."""
        self.writer.close()


Handler = Callable[[Peer], Awaitable[None]]


@dataclass(slots=True)
class ScriptedServer:
    """The running server: `accepted` connections so far, `failures` of its script."""

    handler: Handler
    port: int = 0
    accepted: int = 0
    peak: int = 0
    live: int = 0
    failures: list[BaseException] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(self.accepted, reader, writer)
        self.accepted += 1
        self.live += 1
        self.peak = max(self.peak, self.live)
        task = asyncio.get_running_loop().create_task(self._play(peer))
        self.tasks.add(task)
        task.add_done_callback(self._note)

    def _note(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failures.append(error)

    async def _play(self, peer: Peer) -> None:
        try:
            with contextlib.suppress(PeerGone):
                await self.handler(peer)
        finally:
            self.live -= 1
            peer.close()


@contextlib.asynccontextmanager
async def serving(
    handler: Handler, *, context: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedServer]:
    """Run `handler` for every connection; what it raises fails the test."""
    server = ScriptedServer(handler)
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=context, backlog=1024)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        tasks = list(server.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
    assert server.failures == []


def answering(*segments: bytes) -> Handler:
    """Return a handler that gives every request the same answer and then keeps quiet."""

    async def handler(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(*segments)

    return handler


def closing(*segments: bytes) -> Handler:
    """Return a handler that answers one request and closes."""

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(*segments)

    return handler


def split(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut `data` at the given offsets."""
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def plain(body: bytes, *headers: bytes) -> bytes:
    """A good answer with a Content-Length."""
    head = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body
