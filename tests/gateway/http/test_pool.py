"""Many requests over few connections; cancelled at any instant, nothing leaks."""

from __future__ import annotations

import asyncio
import gc
import random

import pytest
from tests.gateway.http.pools import BRIEF, pool_to
from tests.gateway.http.scripted_server import Peer, answering, plain, serving

from buildwright.core.errors import SettingsError
from buildwright.gateway.http import HttpError, HttpPool, PoolLimits

LIMIT = 1_000_000
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def got(pool: HttpPool, path: str = "/") -> bytes:
    answer = await pool.send("POST", path, [], b"{}")
    return await answer.read(LIMIT)


async def echo_path(peer: Peer) -> None:
    while True:
        request = await peer.request()
        await peer.send(plain(request.line.split()[1]))


async def test_one_connection_serves_requests_that_follow_each_other() -> None:
    async with serving(answering(plain(b"ok"))) as server, pool_to(server.url) as pool:
        for _ in range(50):
            assert await got(pool) == b"ok"
        assert (server.accepted, pool.connects_total, pool.reused_total) == (1, 1, 49)
        assert (pool.open, pool.idle, pool.waiting) == (1, 1, 0)


def test_a_pool_without_a_place_is_refused() -> None:
    with pytest.raises(SettingsError, match="max_connections is 0; expected 1 or more"):
        PoolLimits(max_connections=0)


async def test_the_connection_used_last_is_used_first() -> None:
    numbers: list[int] = []

    async def handler(peer: Peer) -> None:
        while True:
            await peer.request()
            numbers.append(peer.number)
            await peer.send(plain(b"ok"))

    async with serving(handler) as server, pool_to(server.url) as pool:
        await asyncio.gather(*(got(pool) for _ in range(5)))
        last = numbers[-1]
        for _ in range(3):
            await got(pool)
        assert numbers[5:] == [last] * 3
        assert pool.idle == 5


async def test_five_hundred_at_once_stay_within_the_limit_and_get_their_own_answers() -> None:
    limits = PoolLimits(max_connections=7)
    async with serving(echo_path) as server, pool_to(server.url, limits=limits) as pool:
        answers = await asyncio.gather(*(got(pool, f"/{n}") for n in range(500)))
        assert answers == [f"/{n}".encode() for n in range(500)]
        assert server.peak <= 7
        assert (pool.open, pool.idle, pool.waiting) == (7, 7, 0)
        assert pool.waited_s_total > 0


async def test_whoever_came_first_goes_first() -> None:
    limits = PoolLimits(max_connections=1)
    order: list[bytes] = []

    async def handler(peer: Peer) -> None:
        while True:
            request = await peer.request()
            order.append(request.line.split()[1])
            await peer.send(plain(b"ok"))

    async with serving(handler) as server, pool_to(server.url, limits=limits) as pool:
        await asyncio.gather(*(got(pool, f"/{n}") for n in range(40)))
    assert order == [f"/{n}".encode() for n in range(40)]


async def test_waiting_ends_with_pool_timeout_and_nothing_sent() -> None:
    limits = PoolLimits(max_connections=1)

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM)
        await peer.gone()

    async with serving(handler) as server, pool_to(server.url, limits=limits) as pool:
        holding = await pool.send("GET", "/", [])
        with pytest.raises(HttpError) as raised:
            await pool.send("GET", "/", [], timeouts=BRIEF)
        assert (raised.value.kind, raised.value.sent) == ("pool_timeout", False)
        assert (pool.open, pool.waiting) == (1, 0)
        holding.abort()


async def test_the_place_of_a_closed_connection_goes_to_the_next_in_line() -> None:
    limits = PoolLimits(max_connections=2)

    async def handler(peer: Peer) -> None:
        request = await peer.request()
        if peer.number % 3 == 0:
            peer.reset()
        else:
            await peer.send(plain(request.body, b"Connection: close"))

    async with serving(handler) as server, pool_to(server.url, limits=limits) as pool:
        results = await asyncio.gather(*(got(pool) for _ in range(30)), return_exceptions=True)
        assert results.count(b"{}") == 20
        kinds = [result.kind for result in results if isinstance(result, HttpError)]
        assert kinds == ["reset"] * 10


async def test_idle_connections_beyond_the_limit_are_closed() -> None:
    limits = PoolLimits(max_idle=2)
    async with serving(echo_path) as server, pool_to(server.url, limits=limits) as pool:
        await asyncio.gather(*(got(pool) for _ in range(9)))
        while pool.open > 2:
            await asyncio.sleep(0)
        assert pool.idle == 2


@pytest.mark.parametrize("leave", ["abort", "with", "break", "cancel"])
async def test_a_body_left_early_closes_its_connection(leave: str) -> None:
    gone = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM + b"3\r\none\r\n")
        await peer.gone()
        gone.set()

    async with serving(handler) as server, pool_to(server.url) as pool:
        answer = await pool.send("GET", "/", [])
        if leave == "abort":
            answer.abort()
        elif leave == "with":
            async with answer:
                pass
        elif leave == "break":
            async for _ in answer:
                break
            gc.collect()
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer.read(LIMIT), 0.02)
        await asyncio.wait_for(gone.wait(), 20)
        while pool.open:
            await asyncio.sleep(0)


async def test_a_call_cancelled_before_the_head_closes_its_connection() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.gone()
        gone.set()

    async with serving(handler) as server, pool_to(server.url) as pool:
        sending = asyncio.create_task(pool.send("POST", "/", []))
        await asked.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await asyncio.wait_for(gone.wait(), 20)
        assert sending.cancelled()
        while pool.open:
            await asyncio.sleep(0)


async def test_giving_up_a_finished_response_leaves_its_connection_alone() -> None:
    async with serving(answering(plain(b"ok"))) as server, pool_to(server.url) as pool:
        first = await pool.send("GET", "/", [])
        second = asyncio.create_task(got(pool))
        await asyncio.sleep(0)
        first.abort()
        assert await second == b"ok"
        assert await first.read(LIMIT) == b"ok"
        assert (server.accepted, pool.idle) == (1, 1)


async def test_closing_the_pool_ends_whoever_waits_or_reads() -> None:
    limits = PoolLimits(max_connections=1)

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM)
        await peer.gone()

    async with serving(handler) as server, pool_to(server.url, limits=limits) as pool:
        reading = await pool.send("GET", "/", [])
        body = asyncio.create_task(reading.read(LIMIT))
        queued = asyncio.create_task(pool.send("GET", "/", []))
        await asyncio.sleep(0)
        await pool.close()
        results = await asyncio.gather(
            body, queued, pool.send("GET", "/", []), return_exceptions=True
        )
        told = [(error.kind, error.sent) for error in results if isinstance(error, HttpError)]
        assert told == [("cut", True), ("connect", False), ("connect", False)]


async def test_closing_the_pool_ends_whoever_connects() -> None:
    connecting = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.reader.read(1)  # of a handshake that will never be answered
        connecting.set()
        await peer.gone()

    async with serving(handler) as server, pool_to(f"https://127.0.0.1:{server.port}") as pool:
        sending = asyncio.create_task(pool.send("GET", "/", []))
        await connecting.wait()
        assert (pool.open, pool.idle) == (1, 0)
        await pool.close()
        with pytest.raises(HttpError) as raised:
            await sending
        assert (raised.value.kind, raised.value.sent) == ("connect", False)


async def slow_and_chunked(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            await peer.send(b"3\r\none\r\n")
        await peer.send(b"0\r\n\r\n")


@pytest.mark.parametrize("seed", range(3))
async def test_two_hundred_cancellations_at_random_instants_leak_nothing(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test
    limits = PoolLimits(max_connections=8)

    async def impatient(pool: HttpPool) -> str:
        task = asyncio.create_task(got(pool))
        for _ in range(dice.randrange(120)):
            await asyncio.sleep(0)
        task.cancel()
        try:
            return (await task).decode()
        except asyncio.CancelledError:
            return "cancelled"

    async with serving(slow_and_chunked) as server, pool_to(server.url, limits=limits) as pool:
        outcomes = await asyncio.gather(*(impatient(pool) for _ in range(200)))
        assert set(outcomes) <= {"cancelled", "one" * 5}
        assert outcomes.count("cancelled") > 20
        assert pool.waiting == 0
        # Whoever comes after them is served, with all places there.
        after = await asyncio.gather(*(got(pool) for _ in range(20)))
        assert after == [b"one" * 5] * 20
        assert pool.open == pool.idle <= 8
    gc.collect()
