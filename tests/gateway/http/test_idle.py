"""Connections between two requests: used again only while nothing speaks against it."""

from __future__ import annotations

import asyncio

import pytest
from tests.gateway.http.pools import pool_to
from tests.gateway.http.scripted_server import Peer, answering, closing, plain, serving

from buildwright.gateway.http import HttpError, PoolLimits

LIMIT = 1_000_000


async def test_a_reused_connection_that_closes_after_the_write_is_in_doubt_and_not_repeated() -> (
    None
):
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(plain(b"one"))
        await peer.request()

    async with serving(handler) as server, pool_to(server.url) as pool:
        await (await pool.send("POST", "/", [])).read(LIMIT)
        with pytest.raises(HttpError) as raised:
            await pool.send("POST", "/", [])
        assert (raised.value.kind, raised.value.sent) == ("cut", True)
        assert (server.accepted, pool.reused_total) == (1, 1)


async def test_an_idle_connection_whose_end_was_seen_is_not_used() -> None:
    async with serving(closing(plain(b"one"))) as server, pool_to(server.url) as pool:
        for _ in range(3):
            await (await pool.send("POST", "/", [])).read(LIMIT)
            while pool.open:
                await asyncio.sleep(0)
        assert (server.accepted, pool.reused_total) == (3, 0)


async def test_an_end_that_the_loop_has_not_seen_is_found_after_a_while() -> None:
    clock = [100.0]
    async with (
        serving(answering(plain(b"one"))) as server,
        pool_to(server.url, clock=lambda: clock[0]) as pool,
    ):
        await (await pool.send("POST", "/", [])).read(LIMIT)
        # Close the far end, and give the loop no turn to notice it.
        connection = next(iter(pool._places))
        connection._transport.pause_reading()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        clock[0] += 1
        assert await (await pool.send("POST", "/", [])).read(LIMIT) == b"one"
        assert (server.accepted, pool.reused_total) == (2, 0)


async def test_an_idle_connection_that_talks_is_poisoned() -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(plain(b"one"), b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad")
        await peer.gone()

    async with serving(handler) as server, pool_to(server.url) as pool:
        for _ in range(2):
            answer = await pool.send("GET", "/", [])
            assert await answer.read(LIMIT) == b"one"
            while pool.open:
                await asyncio.sleep(0)
        assert server.accepted == 2


async def test_an_old_idle_connection_is_not_used() -> None:
    clock = [100.0]
    limits = PoolLimits(idle_s=30)
    async with (
        serving(answering(plain(b"one"))) as server,
        pool_to(server.url, limits=limits, clock=lambda: clock[0]) as pool,
    ):
        for wait_s in (0, 29.9, 30.1):
            clock[0] += wait_s
            await (await pool.send("GET", "/", [])).read(LIMIT)
        assert (server.accepted, pool.reused_total) == (2, 1)


async def test_the_idle_time_a_peer_announces_is_kept() -> None:
    clock = [100.0]
    hint = plain(b"one", b"Keep-Alive: timeout=5, max=100")
    async with (
        serving(answering(hint)) as server,
        pool_to(server.url, clock=lambda: clock[0]) as pool,
    ):
        for wait_s in (0, 3.9, 4.1):
            clock[0] += wait_s
            await (await pool.send("GET", "/", [])).read(LIMIT)
        assert server.accepted == 2


async def test_idle_connections_close_by_themselves() -> None:
    limits = PoolLimits(idle_s=0.02)
    async with (
        serving(answering(plain(b"one"))) as server,
        pool_to(server.url, limits=limits) as pool,
    ):
        await (await pool.send("GET", "/", [])).read(LIMIT)
        async with asyncio.timeout(20):
            while pool.open:
                await asyncio.sleep(0.005)
        assert pool.idle == 0
