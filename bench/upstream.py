"""A model server for measurements: fixed answers, as fast as Python can write them.

    python bench/upstream.py PORT [--delay-ms 0] [--tokens-per-s 50] [--tokens 100]

Whole answers are 1 KB. With `"stream": true` it paces events, all streams on one timer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any

import httptools
import uvloop

USAGE = {"prompt_tokens": 100, "completion_tokens": 150, "total_tokens": 250}


def whole_body(size: int = 1024) -> bytes:
    """Return a chat answer of about `size` bytes."""
    row: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "small",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": ""},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
    row["choices"][0]["message"]["content"] = "x" * (size - len(json.dumps(row)))
    return json.dumps(row).encode()


BODY = whole_body()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
WHOLE = HEAD % len(BODY) + BODY
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(row: dict[str, Any]) -> bytes:
    """Return one event as a chunk."""
    return chunk(b"data: " + json.dumps(row).encode() + b"\n\n")


class Pacer:
    """Writes the next event of every stream at each beat."""

    def __init__(self, per_s: float, tokens: int) -> None:
        self._beat_s, self._tokens = 1 / per_s, tokens
        self._streams: dict[Upstream, int] = {}
        self._delta = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "small"}

    def add(self, stream: Upstream) -> None:
        """Begin a stream."""
        self._streams[stream] = 0

    def drop(self, stream: Upstream) -> None:
        """Forget a stream whose client left."""
        self._streams.pop(stream, None)

    async def run(self) -> None:
        """Beat for ever."""
        due = time.monotonic()
        while True:
            due += self._beat_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            told = {"sent_at": time.time()}
            token = event(
                {**self._delta, **told, "choices": [{"index": 0, "delta": {"content": "token "}}]}
            )
            for stream, sent in list(self._streams.items()):
                self._streams[stream] = sent + 1
                if sent < self._tokens:
                    stream.write(token)
                else:
                    del self._streams[stream]
                    stream.write(self._end())

    def _end(self) -> bytes:
        stop = {"index": 0, "delta": {}, "finish_reason": "stop"}
        usage = event({**self._delta, "choices": [], "usage": USAGE})
        done = chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
        return event({**self._delta, "choices": [stop]}) + usage + done


class Upstream(asyncio.Protocol):
    """One connection; answers each request when its body is whole."""

    def __init__(self, delay_s: float, pacer: Pacer) -> None:
        self._delay_s, self._pacer = delay_s, pacer
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment] # uvloop's own class

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the stream of a client that left."""
        self._transport = None
        self._pacer.drop(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.close()

    def on_body(self, body: bytes) -> None:
        """Collect the request."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer."""
        body, self._body = b"".join(self._body), []
        if b'"stream":true' in body or b'"stream": true' in body:
            self.write(EVENTS)
            self._pacer.add(self)
        elif self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self.write, WHOLE)
        else:
            self.write(WHOLE)

    def write(self, data: bytes) -> None:
        """Write unless the client has left."""
        if self._transport is not None:
            self._transport.write(data)


async def serve(port: int, delay_s: float, pacer: Pacer) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Upstream(delay_s, pacer), "127.0.0.1", port, backlog=4096
    )
    print("ready", flush=True)
    async with server:
        await pacer.run()


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--tokens-per-s", type=float, default=50.0)
    parser.add_argument("--tokens", type=int, default=100)
    given = parser.parse_args(sys.argv[1:])
    uvloop.install()
    asyncio.run(serve(given.port, given.delay_ms / 1000, Pacer(given.tokens_per_s, given.tokens)))


if __name__ == "__main__":
    main()
