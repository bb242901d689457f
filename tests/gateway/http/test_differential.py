"""Ours and aiohttp's client read the same answers, cut into the same segments, alike."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import pytest
import uvloop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.gateway.http.scripted_server import Peer, plain, serving, split

from buildwright.gateway.http import HttpPool, parse_origin

Seen = tuple[int, list[tuple[bytes, bytes]], bytes]
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$%&'*+-.^_`|~"
FRAMING = ("content-", "transfer-", "connection", "upgrade", "keep-alive", "set-cookie", "location")
FRAMINGS = ("length", "chunked", "close", "old", "none")


@dataclass(frozen=True, slots=True)
class Script:
    """A whole answer and how it is cut: at `cuts`, or byte by byte where that is None."""

    data: bytes
    cuts: tuple[int, ...] | None
    close: bool

    def segments(self) -> list[bytes]:
        cuts = range(len(self.data)) if self.cuts is None else self.cuts
        return split(self.data, cuts)


def chunked(body: bytes, sizes: list[int], trailer: bytes) -> bytes:
    """Write `body` in chunks of the given sizes, the rest in one."""
    out = []
    for size in sizes:
        piece, body = body[:size], body[size:]
        out.append(b"%X\r\n%b\r\n" % (len(piece), piece) if piece else b"")
    rest = b"%x;ext=1\r\n%b\r\n" % (len(body), body) if body else b""
    return b"".join(out) + rest + b"0\r\n" + trailer + b"\r\n"


names = st.text(NAME_CHARACTERS, min_size=1, max_size=20).filter(
    lambda name: not name.lower().startswith(FRAMING)
)
values = st.lists(st.text(VISIBLE, min_size=1, max_size=20), max_size=3).map(" ".join)
statuses = st.sampled_from([200, 201, 202, 400, 401, 404, 429, 500, 503, 529])


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Any valid answer."""
    framing = draw(st.sampled_from(FRAMINGS))
    body = draw(st.binary(max_size=600))
    status = draw(statuses)
    lines = [f"{name}:{draw(st.sampled_from([' ', '', '  ']))}{value}" for name, value in draw(
        st.lists(st.tuples(names, values), max_size=6)
    )]  # fmt: skip
    version = "1.0" if framing == "old" else "1.1"
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
        sizes = draw(st.lists(st.integers(1, 200), max_size=6))
        body = chunked(body, sizes, draw(st.sampled_from([b"", b"X-Trailer: t\r\n"])))
    elif framing == "none":
        status, body = draw(st.sampled_from([204, 304])), b""
    head = "\r\n".join([f"HTTP/{version} {status} Reason", *lines])
    data = head.encode() + b"\r\n\r\n" + body
    cuts = draw(st.none() | st.lists(st.integers(1, len(data)), max_size=8).map(tuple))
    return Script(data, cuts, framing in ("close", "old"))


def play(script: Script) -> Callable[[Peer], Awaitable[None]]:
    async def handler(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(*script.segments())
            if script.close:
                return

    return handler


async def by_ours(url: str, turns: int) -> list[Seen]:
    pool = HttpPool(parse_origin(url))
    seen = []
    for turn in range(turns):
        answer = await pool.send("GET", "/", [])
        if turn % 2:
            body = b"".join([piece async for piece in answer])
        else:
            body = await answer.read(10_000_000)
        seen.append((answer.status, answer.headers, body))
    await pool.close()
    return seen


async def by_theirs(url: str, turns: int) -> list[Seen]:
    seen = []
    async with aiohttp.ClientSession() as session:
        for _ in range(turns):
            async with session.get(url, headers={"accept-encoding": "identity"}) as answer:
                headers = [(name.lower(), value) for name, value in answer.raw_headers]
                seen.append((answer.status, headers, await answer.read()))
    return seen


async def compare(script: Script, turns: int) -> None:
    async with serving(play(script)) as server:
        ours = await by_ours(server.url, turns)
        theirs = await by_theirs(server.url, turns)
    assert ours == theirs


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(scripts(), st.booleans())
@example(Script(plain(b""), None, close=False), True)
@example(Script(plain(b"x", b"Empty:", b"Spaces:  a \t "), None, close=False), False)
def test_both_read_the_same(script: Script, fast: bool) -> None:  # noqa: FBT001 - drawn
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if fast else None) as runner:
        runner.run(compare(script, 2))


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_both_read_the_same_megabytes(framing: str) -> None:
    body = random.Random(7).randbytes(3_000_000)  # noqa: S311 - a test
    data = {
        "length": plain(body),
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked(body, [1, 70_000, 300_000, 17], b""),
        "close": b"HTTP/1.1 200 OK\r\n\r\n" + body,
    }[framing]
    cuts = tuple(range(0, len(data), 99_991))
    await compare(Script(data, cuts, close=framing == "close"), 2)
