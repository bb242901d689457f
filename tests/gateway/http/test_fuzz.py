"""Damaged answers: whatever comes, it ends as a response or as an HttpError, and soon."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.http.scripted_server import closing, plain, serving, split

from buildwright.gateway.http import HttpError, HttpPool, parse_origin

SEEDS = [
    plain(b'{"ok": true}', b"Content-Type: application/json", b"Keep-Alive: timeout=5"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"4\r\ndata\r\n3;e=1\r\nend\r\n0\r\nT: r\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.0 200 OK\r\nContent-Encoding: deflate\r\n\r\nx\x9c\x03\x00",
    b"HTTP/1.1 204 No Content\r\n\r\n",
]
TOKENS = [b"\r\n", b"\n", b"\x00", b":", b"chunked", b"Content-Length: 3\r\n", b"ff", b"1", b"\xff"]


@st.composite
def damaged(draw: st.DrawFn) -> list[bytes]:
    """A good answer with up to six places overwritten, cut out or stuffed, in segments."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 4))
        stuffing = draw(st.sampled_from(TOKENS) | st.binary(max_size=3))
        data = data[:start] + stuffing + data[end:]
    cuts = draw(st.lists(st.integers(1, max(1, len(data))), max_size=4))
    return split(data, cuts)


async def outcome(segments: list[bytes]) -> str:
    async with serving(closing(*segments)) as server:
        pool = HttpPool(parse_origin(server.url))
        try:
            async with asyncio.timeout(20):
                answer = await pool.send("POST", "/", [], b"{}")
                await answer.read(100_000)
                return "read"
        except HttpError as error:
            return f"{error.kind}, sent" if error.sent else error.kind
        finally:
            await pool.close()
            assert pool.open == 0


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged())
def test_a_damaged_answer_ends_one_way_or_the_other(segments: list[bytes]) -> None:
    assert asyncio.run(outcome(segments)) in {"read", "cut, sent", "malformed, sent"}
