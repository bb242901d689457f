"""Every way in which a peer can fail: the right kind, the right `sent`, and never a hang."""

from __future__ import annotations

import asyncio
import math
import socket
from dataclasses import replace

import pytest
from tests.gateway.http.pools import BRIEF, pool_to
from tests.gateway.http.scripted_server import Peer, closing, serving

from buildwright.gateway.http import HttpError, HttpPool

LIMIT = 1_000_000
OK = b"HTTP/1.1 200 OK\r\n"


async def posted(pool: HttpPool, body: bytes) -> bytes:
    answer = await pool.send("POST", "/p", [(b"authorization", b"sk-secret")], body)
    return await answer.read(LIMIT)


async def failing(pool: HttpPool, body: bytes = b"{}") -> HttpError:
    """Send, read, and return the error that must come of it; no secret is in its text."""
    with pytest.raises(HttpError) as raised:
        await asyncio.wait_for(posted(pool, body), 20)
    assert "sk-secret" not in f"{raised.value} {raised.value!r}"
    return raised.value


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def test_a_refused_connection_was_not_sent() -> None:
    async with pool_to(f"http://127.0.0.1:{unused_port()}") as pool:
        error = await failing(pool)
        assert (error.kind, error.sent, pool.open) == ("connect", False, 0)


async def test_a_name_that_does_not_exist_was_not_sent() -> None:
    async with pool_to("http://nowhere.invalid") as pool:
        error = await failing(pool)
        assert (error.kind, error.sent) == ("dns", False)
        assert "nowhere.invalid" in str(error)


async def test_a_connection_that_is_never_accepted_times_out() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        hasty = replace(BRIEF, connect_s=0.05)
        async with pool_to(f"http://127.0.0.1:{port}", timeouts=hasty) as pool:
            error = await failing(pool)
            assert (error.kind, error.sent) == ("connect_timeout", False)
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 100 Go on\r\n\r\n"])
async def test_a_head_that_does_not_come_times_out(drip: bytes) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(drip)
        await peer.gone()

    async with serving(handler) as server, pool_to(server.url, timeouts=BRIEF) as pool:
        error = await failing(pool)
        assert (error.kind, error.sent) == ("first_timeout", True)


async def test_a_head_that_drips_does_not_extend_its_time() -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"X: ")
        while True:
            await peer.send(b"x")
            await asyncio.sleep(0.01)

    async with serving(handler) as server, pool_to(server.url, timeouts=BRIEF) as pool:
        assert (await failing(pool)).kind == "first_timeout"


@pytest.mark.parametrize(
    "begun",
    [
        OK + b"Content-Length: 10\r\n\r\n",
        OK + b"Content-Length: 10\r\n\r\n12345",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        OK + b"\r\nuntil close",
    ],
)
async def test_a_body_that_stalls_times_out(begun: bytes) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(begun)
        await peer.gone()

    async with serving(handler) as server, pool_to(server.url, timeouts=BRIEF) as pool:
        error = await failing(pool)
        assert (error.kind, error.sent) == ("between_timeout", True)


async def test_chunk_extensions_do_not_keep_a_stalled_body_alive() -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n5;")
        while True:
            await peer.send(b"x")
            await asyncio.sleep(0.01)

    async with serving(handler) as server, pool_to(server.url, timeouts=BRIEF) as pool:
        assert (await failing(pool)).kind == "between_timeout"


async def test_a_request_that_is_not_taken_times_out() -> None:
    async def handler(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with serving(handler) as server, pool_to(server.url, timeouts=BRIEF) as pool:
        error = await failing(pool, bytes(20_000_000))
        assert (error.kind, error.sent) == ("first_timeout", True)
        assert "not taken" in str(error)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"HTTP/1.1 2",
        OK + b"Content-Le",
        OK + b"Content-Length: 10\r\n\r\n12345",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n123",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n",
    ],
)
async def test_a_peer_that_closes_in_the_middle_cuts(begun: bytes) -> None:
    async with serving(closing(begun)) as server, pool_to(server.url) as pool:
        error = await failing(pool)
        assert (error.kind, error.sent) == ("cut", True)
        assert server.accepted == 1


async def test_a_peer_that_resets_before_it_answers_is_called_reset() -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        peer.reset()

    async with serving(handler) as server, pool_to(server.url) as pool:
        error = await failing(pool)
        assert (error.kind, error.sent) == ("reset", True)


@pytest.mark.parametrize("framing", [b"Content-Length: 10\r\n", b""])
async def test_a_peer_that_resets_in_the_body_is_called_reset(framing: bytes) -> None:
    go_on = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + framing + b"\r\n12345")
        await go_on.wait()
        peer.reset()

    async with serving(handler) as server, pool_to(server.url) as pool:
        answer = await pool.send("POST", "/", [])
        go_on.set()
        with pytest.raises(HttpError) as raised:
            await answer.read(LIMIT)
        assert (raised.value.kind, raised.value.sent) == ("reset", True)


async def test_what_came_before_a_cut_is_still_yielded() -> None:
    begun = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"
    async with serving(closing(begun)) as server, pool_to(server.url) as pool:
        chunks = (await pool.send("GET", "/", [])).chunks()
        assert await anext(chunks) == b"12345"
        with pytest.raises(HttpError) as raised:
            await anext(chunks)
        assert raised.value.kind == "cut"


async def test_a_slow_reader_holds_the_peer_back_and_is_not_the_peers_fault() -> None:
    sent = 0

    async def handler(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(OK + b"Content-Length: 40000000\r\n\r\n")
        for _ in range(400):
            await peer.send(bytes(100_000))
            sent += 100_000
        await peer.gone()

    async with serving(handler) as server, pool_to(server.url) as pool:
        answer = await pool.send("GET", "/", [])
        connection = next(iter(pool._places))
        while not connection._read_paused:
            await asyncio.sleep(0)
        assert connection._deadline.at == math.inf
        for _ in range(3000):  # turns enough for the peer to send it all
            await asyncio.sleep(0)
        assert answer._incoming.unread < 600_000
        assert sent < 20_000_000
        size = 0
        async for piece in answer:
            size += len(piece)
        assert (size, pool.idle) == (40_000_000, 1)
