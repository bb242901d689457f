"""A model server of ours: speaks the OpenAI wire, scripted request by request, faults included.

Each request is answered by the next step of the script, and by `answer()` when there is none left.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Step = Callable[["Exchange"], Awaitable[None]]


@dataclass
class Exchange:
    """One request as it came, and ways to answer it."""

    path: str
    headers: dict[str, str]
    raw: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    left: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    async def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def whole(self, status: int, body: bytes, **headers: str) -> None:
        """Answer with a whole body; `content_type` and others by their names with `_`."""
        named = {"content-type": "application/json", "content-length": str(len(body))}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        await self.head(status, named)
        await self.send(body)

    async def stream(self, *events: bytes, end: bool = True) -> None:
        """Begin a chunked stream and send events, each in a chunk of its own."""
        await self.head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        for event in events:
            await self.chunk(event)
        if end:
            await self.send(b"0\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def until_left(self) -> None:
        """Wait until the other side closes the connection, and note it."""
        with suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass
        self.left.set()
        self.closing = True

    def close(self) -> None:
        """Close after this answer."""
        self.closing = True

    def reset(self) -> None:
        """Break the connection off."""
        self.closing = True
        self.writer.transport.abort()


@dataclass
class ModelServer:
    """The script and what came in; `connections` are those that are open now."""

    steps: deque[Step] = field(default_factory=deque)
    requests: list[Exchange] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    connections: int = 0
    url: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def script(self, *steps: Step) -> None:
        """Put steps at the end of the script."""
        self.steps.extend(steps)

    async def wait_for(self, count: int) -> Exchange:
        """Wait for the `count`-th request; return it."""
        async with asyncio.timeout(10), self.arrived:
            await self.arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests[count - 1]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._serve(reader, writer):
                    pass
        finally:
            self.connections -= 1
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        exchange = Exchange(head[0].split(" ")[1], headers, raw, reader, writer)
        async with self.arrived:
            self.requests.append(exchange)
            self.arrived.notify_all()
        step = self.steps.popleft() if self.steps else answering
        await step(exchange)
        return not exchange.closing

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def serving_model(
    *steps: Step, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ModelServer]:
    """Serve on a free port of the loopback."""
    model = ModelServer(deque(steps))
    server = await asyncio.start_server(model.connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    model.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"
    try:
        yield model
    finally:
        model.stop()
        server.close()
        await server.wait_closed()


async def answering(exchange: Exchange) -> None:
    """Answer as asked: embeddings, a whole chat, or a stream."""
    from tests.clients.answers import answer, chunks, vectors

    body = exchange.body
    if exchange.path.endswith("/embeddings"):
        await exchange.whole(200, vectors(body))
    elif body.get("stream"):
        await exchange.stream(*chunks(body))
    else:
        await exchange.whole(200, answer(body))
