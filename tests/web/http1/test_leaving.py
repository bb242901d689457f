"""Clients that leave, and clients that are slow."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from typing import Any, cast

import pytest
from tests.web.http1.talking import GET, HASTY, at, body_of, echo, post, reply, until

from buildwright.web.http import Receive, Scope, Send
from buildwright.web.http1 import Connection, Patience
from buildwright.web.http1.exchange import Exchange

START = {"type": "http.response.start", "status": 200}
MIB = b"x" * (1 << 20)


async def test_an_idle_connection_is_closed() -> None:
    async with at(echo, patience=HASTY) as door, door.talk() as fresh, door.talk() as used:
        await used.say(GET)
        await used.answer()
        assert await fresh.rest() == await used.rest() == b""


async def test_a_connection_that_is_answered_is_not_idle() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(HASTY.keep_alive_s * 4)
        await body_of(receive)
        await reply(send, b"at last")

    async with at(app, patience=HASTY) as door, door.talk() as talk:
        # Its body is not complete, but it is the application that takes its time.
        await talk.say(post(b"body")[:-1])
        await asyncio.sleep(HASTY.keep_alive_s * 2)
        await talk.say(b"y")
        assert (await talk.answer()).body == b"at last"


async def test_a_client_that_leaves_is_told_to_the_application_and_sent_no_more() -> None:
    told: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        told.append((await receive())["type"])
        told.append((await receive())["type"])
        await send({"type": "http.response.body", "body": b"b", "more_body": True})
        await send({"type": "http.response.body"})
        told.append((await receive())["type"])

    async with at(app) as door:
        async with door.talk() as talk:
            await talk.say(GET + GET)
            await talk.reader.readuntil(b"a\r\n")
        await until(lambda: len(told) == 3)
        await until(lambda: not door.state.exchanges)
    # The second request was never begun.
    assert told == ["http.request", "http.disconnect", "http.disconnect"]


async def test_a_client_that_leaves_with_half_a_body_is_told() -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await body_of(receive)
        except ConnectionError:
            told.append("left")

    async with at(app) as door:
        async with door.talk() as talk:
            await talk.say(post(b"body")[:-1])
            await until(lambda: door.state.exchanges)
        await until(lambda: told)
    assert told == ["left"]


@pytest.mark.parametrize("said", [b"no request\r\n\r\n", GET * 3, post(b"x") + b"\0", GET[:9]])
async def test_a_client_that_resets_its_connection_is_gone(said: bytes) -> None:
    async with at(echo) as door:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", door.port)) as client:
                client.sendall(said)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await asyncio.sleep(0)
        assert (await door.ask()).status == 200
        await until(lambda: not door.state.connections and not door.state.exchanges)


async def test_a_client_that_reads_slowly_is_waited_for() -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send(START)
        for _ in range(64):
            await send({"type": "http.response.body", "body": MIB, "more_body": True})
            sent += 1
        await send({"type": "http.response.body"})

    async with at(app) as door, door.talk() as talk:
        await talk.say(GET)
        (connection,) = door.state.connections
        await until(lambda: connection.full)
        # What the two sockets hold is the machine's affair; the rest waits.
        assert sent < 32
        assert (await talk.answer()).body == MIB * 64
        assert sent == 64


async def test_a_sender_that_is_cancelled_does_not_wake_the_others() -> None:
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)

        async def beat(name: str) -> None:
            while not free.is_set():
                await send({"type": "http.response.body", "body": MIB, "more_body": True})
            done.append(name)

        (connection,) = door.state.connections
        beats = [asyncio.create_task(beat(name)) for name in ("stays", "goes")]
        await until(lambda: connection.full)
        beats[1].cancel()
        await asyncio.gather(beats[1], return_exceptions=True)
        free.set()
        await beats[0]
        await send({"type": "http.response.body", "body": b"end"})

    free = asyncio.Event()
    async with at(app) as door, door.talk() as talk:
        await talk.say(GET)
        await free.wait()
        assert (await talk.answer()).body.endswith(b"end")
    assert done == ["stays"]


@pytest.mark.parametrize("pieces", [[GET * 100], [GET] * 100], ids=["at once", "one by one"])
async def test_a_client_that_asks_again_and_reads_nothing_is_not_answered_on(
    pieces: list[bytes],
) -> None:
    answered = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal answered
        await reply(send, MIB)
        answered += 1

    async with at(app) as door, door.talk() as talk:
        await talk.say(*pieces)
        (connection,) = door.state.connections
        await until(lambda: connection.full)
        await until(lambda: not door.state.exchanges)
        assert answered < 32
        for _ in range(100):
            assert len((await talk.answer()).body) == len(MIB)


@pytest.mark.parametrize("whole", [True, False])
async def test_a_client_that_never_reads_is_left(*, whole: bool) -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        while not told:
            await send({"type": "http.response.body", "body": MIB * 8, "more_body": not whole})
            if (await receive())["type"] == "http.disconnect":
                return
            if not whole:
                await send({"type": "http.response.body", "body": MIB, "more_body": True})
                told.append((await receive())["type"])

    patience = Patience(taking_s=0.1, sweep_s=0.01)
    async with at(app, patience=patience) as door, door.talk() as talk:
        cast(asyncio.Transport, talk.writer.transport).pause_reading()
        await talk.say(GET)
        await until(lambda: door.state.connections)
        await until(lambda: not door.state.connections)
        await until(lambda: not door.state.exchanges)
    assert told == ([] if whole else ["http.disconnect"])


async def test_a_client_that_takes_its_time_but_reads_is_not_left() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, MIB * 16)

    patience = Patience(taking_s=0.2, sweep_s=0.01)
    async with at(app, patience=patience) as door, door.talk() as talk:
        await talk.say(GET)
        await talk.reader.readuntil(b"\r\n\r\n")
        size = 0
        while size < len(MIB) * 16:
            size += len(await talk.reader.readexactly(1 << 19))
            await asyncio.sleep(0.02)
    assert size == len(MIB) * 16


async def test_a_last_answer_that_is_not_read_does_not_stay_for_ever() -> None:
    async with at(echo, patience=HASTY) as door, door.talk() as talk:
        await talk.say(b"no request\r\n\r\n")
        await until(lambda: not door.state.connections)
        assert (await talk.rest()).startswith(b"HTTP/1.1 400 ")


async def test_connections_that_end_leave_no_object_behind() -> None:
    kinds = (Connection, Exchange)
    async with at(echo) as door:
        gc.collect()
        gc.disable()
        before = sum(isinstance(one, kinds) for one in gc.get_objects())
        try:
            for request in (GET, post(b"body"), post(b"body")[:-1], b"none\r\n\r\n", b"GET", b""):
                for _ in range(5):
                    async with door.talk() as talk:
                        await talk.say(request)
            await until(lambda: not door.state.connections and not door.state.exchanges)
            assert sum(isinstance(one, kinds) for one in gc.get_objects()) == before
        finally:
            gc.enable()
