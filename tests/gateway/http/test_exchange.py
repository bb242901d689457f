"""One request, one response."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib

import pytest
from tests.gateway.http.pools import pool_to
from tests.gateway.http.scripted_server import Peer, Request, answering, closing, plain, serving

from buildwright.gateway.http import HttpError, UnsafeRequestError

LIMIT = 1_000_000


async def test_a_request_is_written_with_host_length_and_the_callers_headers() -> None:
    seen: list[Request] = []

    async def handler(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(plain(b"{}", b"X-Request-Id: 7"))

    async with serving(handler) as server, pool_to(server.url + "/v1/") as pool:
        answer = await pool.send("POST", "/chat", [(b"Authorization", b"Bearer k")], b'{"a":1}')
        assert (answer.status, await answer.read(LIMIT)) == (200, b"{}")
        assert answer.header(b"x-request-id") == b"7"
        assert answer.header(b"absent") == b""
    assert seen[0].line == b"POST /v1/chat HTTP/1.1"
    assert seen[0].body == b'{"a":1}'
    assert seen[0].headers == [
        (b"host", f"127.0.0.1:{server.port}".encode()),
        (b"accept-encoding", b"identity"),
        (b"authorization", b"Bearer k"),
        (b"content-length", b"7"),
    ]


async def test_a_get_without_a_body_has_no_length_and_an_empty_post_has_zero() -> None:
    seen: list[Request] = []

    async def handler(peer: Peer) -> None:
        while True:
            seen.append(await peer.request())
            await peer.send(plain(b""))

    async with serving(handler) as server, pool_to(server.url) as pool:
        for method in ("GET", b"POST"):
            assert await (await pool.send(method, "/", [])).read(LIMIT) == b""
    assert [request.header(b"content-length") for request in seen] == [[], [b"0"]]


async def test_reading_does_not_wait_when_everything_arrived_at_once() -> None:
    async with serving(answering(plain(b"x" * 1000))) as server, pool_to(server.url) as pool:
        answer = await pool.send("GET", "/", [])
        reading = answer.read(LIMIT)
        with pytest.raises(StopIteration) as stop:
            reading.send(None)
        assert stop.value.value == b"x" * 1000


async def test_pieces_of_a_stream_come_as_they_arrive() -> None:
    go_on = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await go_on.wait()
        await peer.send(b"3\r\ntwo\r\n5\r\nthree\r\n0\r\nTrailer: yes\r\n\r\n")
        await peer.gone()

    async with serving(handler) as server, pool_to(server.url) as pool:
        answer = await pool.send("GET", "/", [])
        pieces = []
        async for piece in answer:
            pieces.append(piece)
            go_on.set()
        assert pieces == [b"one", b"twothree"]
        assert pool.idle == 1


async def test_interim_responses_are_skipped() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with serving(answering(interim, plain(b"ok"))) as server, pool_to(server.url) as pool:
        answer = await pool.send("GET", "/", [])
        assert (answer.status, answer.header(b"link")) == (200, b"")
        assert await answer.read(LIMIT) == b"ok"


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_ends_with_its_head(status: int) -> None:
    head = b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status
    async with serving(answering(head)) as server, pool_to(server.url) as pool:
        for _ in range(2):
            answer = await pool.send("GET", "/", [])
            assert (answer.status, await answer.read(LIMIT)) == (status, b"")
        assert server.accepted == 1


async def test_an_empty_answer_that_closes_is_whole_before_the_close() -> None:
    head = b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n"
    async with serving(answering(head)) as server, pool_to(server.url) as pool:
        for _ in range(2):
            answer = await pool.send("GET", "/", [])
            assert (answer.status, await answer.read(LIMIT)) == (204, b"")
        assert server.accepted == 2


async def test_the_answer_to_head_has_no_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    async with serving(answering(head)) as server, pool_to(server.url) as pool:
        answer = await pool.send("HEAD", "/", [])
        assert (answer.header(b"content-length"), await answer.read(LIMIT)) == (b"5", b"")


async def test_an_old_server_closes_and_its_body_is_whole() -> None:
    async with (
        serving(closing(b"HTTP/1.0 200 OK\r\n\r\n", b"all ", b"of it")) as server,
        pool_to(server.url) as pool,
    ):
        for _ in range(2):
            assert await (await pool.send("GET", "/", [])).read(LIMIT) == b"all of it"
        assert (server.accepted, pool.reused_total) == (2, 0)


RAW = zlib.compressobj(wbits=-15)
ENCODED = {
    "gzip": gzip.compress(b"tokens " * 9999),
    "x-gzip": gzip.compress(b"tokens ") + gzip.compress(b"tokens " * 9998),
    "deflate": zlib.compress(b"tokens " * 9999),
    "Deflate": RAW.compress(b"tokens " * 9999) + RAW.flush(),
}


@pytest.mark.parametrize("name", ENCODED)
async def test_an_encoding_nobody_asked_for_is_undone(name: str) -> None:
    data = ENCODED[name]
    whole = plain(data, b"Content-Encoding: " + name.encode())
    async with (
        serving(answering(whole[:150], whole[150:])) as server,
        pool_to(server.url) as pool,
    ):
        assert await (await pool.send("GET", "/", [])).read(LIMIT) == b"tokens " * 9999
        pieces = [piece async for piece in await pool.send("GET", "/", [])]
        assert b"".join(pieces) == b"tokens " * 9999
        assert max(map(len, pieces)) <= 64 * 1024


async def test_a_compressed_bomb_is_too_large() -> None:
    bomb = plain(gzip.compress(bytes(50_000_000)), b"Content-Encoding: gzip")
    async with serving(answering(bomb)) as server, pool_to(server.url) as pool:
        answer = await pool.send("GET", "/", [])
        with pytest.raises(HttpError) as raised:
            await answer.read(LIMIT)
    assert raised.value.kind == "too_large"


@pytest.mark.parametrize("framing", [b"Content-Length: 1000000\r\n", b""])
async def test_a_body_over_the_limit_is_refused_and_the_connection_closed(framing: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n"
    async with serving(closing(head, bytes(1_000_000))) as server, pool_to(server.url) as pool:
        answer = await pool.send("GET", "/", [])
        with pytest.raises(HttpError) as raised:
            await answer.read(999_999)
        assert raised.value.kind == "too_large"
        assert pool.idle == 0


async def test_nagle_is_off() -> None:
    async with serving(answering(plain(b""))) as server, pool_to(server.url) as pool:
        await pool.send("GET", "/", [])
        transport = next(iter(pool._places))._transport
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


UNSAFE: list[tuple[str, str, bytes, bytes]] = [
    ("GET", "no-slash", b"a", b"b"),
    ("GET", "/ HTTP/1.1\r\nx: y", b"a", b"b"),
    ("GET", "/a b", b"a", b"b"),
    ("GET", "/\u00e9", b"a", b"b"),
    ("GET", "/#x", b"a", b"b"),
    ("GET\r\n", "/", b"a", b"b"),
    ("CONNECT", "/", b"a", b"b"),
    ("GET", "/", b"a\r\nb", b"c"),
    ("GET", "/", b"a b", b"c"),
    ("GET", "/", b"", b"c"),
    ("GET", "/", b"a:", b"c"),
    ("GET", "/", b"a", b"b\r\nc: d"),
    ("GET", "/", b"a", b"b\n"),
    ("GET", "/", b"a", b"b\r"),
    ("GET", "/", b"a", b"\x00"),
    ("GET", "/", b"a", b"\x7f"),
    ("GET", "/", b"Host", b"other"),
    ("GET", "/", b"content-Length", b"5"),
    ("GET", "/", b"Transfer-Encoding", b"chunked"),
]


@pytest.mark.parametrize(("method", "path", "name", "value"), UNSAFE)
async def test_what_could_smuggle_is_refused_before_anything_is_sent(
    method: str, path: str, name: bytes, value: bytes
) -> None:
    async with serving(answering(plain(b""))) as server, pool_to(server.url) as pool:
        with pytest.raises(UnsafeRequestError) as raised:
            await pool.send(method, path, [(b"ok", b"ok"), (name, value)])
        assert "c: d" not in str(raised.value)
        assert (server.accepted, pool.open) == (0, 0)
