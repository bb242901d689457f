"""The end of a service: nothing that was begun is lost, nothing holds it up for ever."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from tests.web.http1.talking import GET, Door, Talk, at, body_of, echo, post, reply, until

from buildwright.web.app import App
from buildwright.web.http import Receive, Scope, Send

MIB = b"x" * (1 << 20)


@asynccontextmanager
async def ending(app: App, *said: bytes, **how: Any) -> AsyncIterator[tuple[Door, Talk]]:
    """Have a client say something, wait until it is being answered, and begin to end."""
    async with AsyncExitStack() as client, AsyncExitStack() as service:
        door = await service.enter_async_context(at(app, **{"drain_s": 60.0, **how}))
        talk = await client.enter_async_context(door.talk())
        await talk.say(*said)
        await until(lambda: door.state.exchanges if said else door.state.connections)
        end = asyncio.create_task(service.aclose())
        await until(lambda: door.state.ending)
        yield door, talk
        await end


async def test_idle_connections_are_closed_at_once() -> None:
    async with ending(echo) as (_, talk):
        assert await talk.rest() == b""


async def test_half_a_head_holds_nothing_up() -> None:
    async with AsyncExitStack() as client:
        async with at(echo, drain_s=60.0) as door:
            talk = await client.enter_async_context(door.talk())
            await talk.say(GET + GET[:10])
            await talk.answer()
        assert await talk.rest() == b""


async def test_a_call_in_flight_ends_and_then_its_connection() -> None:
    async with ending(echo, post(b"body")[:-1]) as (door, talk):
        await talk.say(b"y" + GET)
        answer = await talk.answer()
        assert (answer.body, answer.headers[b"connection"]) == (
            b"POST / body"[:-1] + b"y",
            b"close",
        )
        # What was asked behind it is for another server.
        assert await talk.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", door.port)


async def test_a_client_that_has_not_taken_all_of_its_answer_is_waited_for() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await body_of(receive)
        await reply(send, MIB * 32)

    async with ending(app, post(b"body")[:-1]) as (door, talk):
        await talk.say(b"y")
        await until(lambda: not door.state.exchanges)
        assert (await talk.answer()).body == MIB * 32


async def test_a_client_that_left_is_settled_before_the_end() -> None:
    free, settled = asyncio.Event(), False

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal settled
        while (await receive())["type"] != "http.disconnect":
            pass
        await free.wait()
        settled = True

    async with ending(app, GET) as (door, talk):
        await talk.leave()
        await until(lambda: not door.state.connections)
        assert not door.state.drained.is_set()
        free.set()
    assert settled


async def wait_for_ever(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def test_a_call_that_does_not_end_is_cancelled() -> None:
    async with ending(wait_for_ever, GET, drain_s=0.05) as (door, talk):
        answer = await talk.rest()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 500 ")
    assert not door.state.exchanges
    assert not door.state.connections


async def test_a_second_wish_to_end_is_not_kept_waiting() -> None:
    hurried = asyncio.Event()
    async with ending(wait_for_ever, GET, hurried=hurried) as (door, _):
        assert door.state.exchanges
        hurried.set()
    assert not door.state.connections


PROGRAM = """
import asyncio, sys
sys.path[:0] = {paths!r}
from buildwright.web.server import listening_socket, serve
from tests.web.http1.talking import echo

listening = listening_socket("127.0.0.1", 0)
asyncio.run(serve(echo, listening, lambda: print(listening.getsockname()[1], flush=True)))
print("ended", flush=True)
"""


@asynccontextmanager
async def program() -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    code = PROGRAM.format(paths=sys.path)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=pipe)
    assert process.stdout is not None
    try:
        yield process, int(await process.stdout.readline())
        assert await process.stdout.read() == b"ended\n"
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_refused(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
        except ConnectionRefusedError:
            return
        except ConnectionError:
            # It stopped listening in the middle of this.
            continue


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_calls_in_flight_end(first: signal.Signals) -> None:
    async with program() as (process, port):
        talk = Talk(*await asyncio.open_connection("127.0.0.1", port))
        await talk.say(GET + post(b"body")[:-1])
        await talk.answer()
        process.send_signal(first)
        await until_refused(port)
        await talk.say(b"y")
        answer = await talk.answer()
        assert (answer.body, answer.headers[b"connection"]) == (
            b"POST / body"[:-1] + b"y",
            b"close",
        )
        await talk.leave()


async def test_a_second_signal_ends_calls_in_flight() -> None:
    async with program() as (process, port):
        talk = Talk(*await asyncio.open_connection("127.0.0.1", port))
        await talk.say(GET + post(b"body")[:-1])
        await talk.answer()
        process.send_signal(signal.SIGTERM)
        await until_refused(port)
        process.send_signal(signal.SIGINT)
        assert b"HTTP/1.1 200" not in await talk.rest()
        await talk.leave()
