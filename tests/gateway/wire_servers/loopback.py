"""A small HTTP server on the loopback for model servers of tests: one answer for each request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar


@dataclass
class Request:
    """What came: `headers` with names in lower case, `body` parsed."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ModelServer(Protocol):
    """Answers requests on its wire."""

    url: str

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        ...


Served = TypeVar("Served", bound=ModelServer)


@dataclass
class Reply:
    """Writes one answer; a stream is chunked and ends with `end`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def whole(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"content-type": "application/json", **(headers or {})}
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {named[name]}" for name in named)]
        head = "\r\n".join([*lines, f"content-length: {len(raw)}"]) + "\r\n\r\n"
        self.writer.write(head.encode() + raw)
        await self.writer.drain()

    async def begin(self, content_type: str) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked"
        self.writer.write(head.encode() + b"\r\n\r\n")
        await self.writer.drain()

    async def send(self, part: bytes) -> None:
        if part:
            self.writer.write(b"%x\r\n" % len(part) + part + b"\r\n")
            await self.writer.drain()

    async def end(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def stall(self) -> None:
        """Say nothing more until the client leaves."""
        await self.reader.read(1)

    def cut(self) -> None:
        """Close in the middle."""
        self.writer.transport.abort()


@asynccontextmanager
async def serving(model: Served) -> AsyncIterator[Served]:
    """Serve on a free port."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                await _once(model, reader, writer)
        tasks.discard(task)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield model
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _once(
    model: ModelServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    request = Request(head[0].split(" ")[1], headers, json.loads(raw))
    await model.answer(request, Reply(reader, writer))
