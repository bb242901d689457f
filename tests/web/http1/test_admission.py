"""Many at once: connections are taken together, requests begin in turn, and none is forgotten."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from contextlib import AsyncExitStack, closing

import pytest
from tests.web.http1.talking import GET, Door, Talk, at, body_of, echo, post, reply, until

from buildwright.web.http import Receive, Scope, Send
from buildwright.web.http1 import Accepting, accepting, admission
from buildwright.web.server import listening_socket, serving

MANY = 150


class Turns:
    """An application that notes in which turn of the loop each of its requests began."""

    def __init__(self) -> None:
        self.turn, self.begun, self.late = 0, list[tuple[int, str]](), list[bool]()
        self._next()

    def _next(self) -> None:
        self.turn += 1
        self._again = asyncio.get_running_loop().call_soon(self._next)

    def stop(self) -> None:
        self._again.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append((self.turn, scope["path"]))
        self.late.append(admission.OVERLOADED in scope)
        await body_of(receive)
        await reply(send, scope["path"].encode())


async def all_at_once(door: Door, stack: AsyncExitStack, *last: bytes) -> list[Talk]:
    """Have many clients ask before the server reads any of them; return them all."""
    talks = [await stack.enter_async_context(door.talk()) for _ in range(MANY + len(last))]
    await until(lambda: len(door.state.connections) == len(talks))
    asked = [*(post(b"x", b"/%d" % number) for number in range(MANY)), *last]
    for talk, one in zip(talks, asked, strict=True):
        talk.writer.write(one)
    return talks


async def test_many_requests_begin_a_few_in_a_turn_and_all_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "MOST_A_TURN", 10)
    app = Turns()
    async with at(app) as door, AsyncExitStack() as stack:
        talks = await all_at_once(door, stack)
        answers = [await talk.answer() for talk in talks]
        app.stop()
    assert [one.body for one in answers] == [b"/%d" % number for number in range(MANY)]
    assert max(Counter(turn for turn, _ in app.begun).values()) <= 10
    assert not any(app.late)


async def test_who_waited_for_too_long_is_marked_and_who_came_first_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "MOST_A_TURN", 10)
    monkeypatch.setattr(admission, "WAIT_S", -1.0)
    app = Turns()
    async with at(app) as door, AsyncExitStack() as stack:
        for talk in await all_at_once(door, stack):
            await talk.answer()
        app.stop()
    assert not any(app.late[:10])
    assert any(app.late)


async def test_what_is_no_call_does_not_stand_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MOST_A_TURN", 0)
    async with at(echo) as door, AsyncExitStack() as stack:
        talks = await all_at_once(door, stack, GET)
        assert (await talks[-1].answer()).status == 200
        monkeypatch.setattr(admission, "MOST_A_TURN", 1)
        assert [(await talk.answer()).status for talk in talks[:-1]] == [200] * MANY


async def test_who_leaves_the_line_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MOST_A_TURN", 0)
    app = Turns()
    async with at(app) as door:
        async with AsyncExitStack() as stack:
            await all_at_once(door, stack)
            await until(lambda: len(door.state.exchanges) == MANY)
        await until(lambda: not door.state.connections)
        monkeypatch.setattr(admission, "MOST_A_TURN", 1)
        await until(lambda: not door.state.exchanges)
        app.stop()
    assert app.begun == []


async def test_a_line_holds_no_end_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MOST_A_TURN", 0)
    async with AsyncExitStack() as stack:
        async with at(echo) as door:
            talks = await all_at_once(door, stack)
            await until(lambda: len(door.state.exchanges) == MANY)
        assert {await talk.rest() for talk in talks} == {b""}


async def test_connections_are_taken_many_in_a_turn() -> None:
    listening = listening_socket("127.0.0.1", 0)
    listening.listen(MANY)
    clients = [socket.create_connection(listening.getsockname()) for _ in range(MANY)]
    async with serving(echo, listening, drain_s=0.0) as state:
        turns = 0
        while len(state.connections) < MANY:
            await asyncio.sleep(0)
            turns += 1
    assert turns < MANY / 2
    for client in clients:
        client.close()


class Full(socket.socket):
    """A listening socket that at first finds no descriptor left."""

    refusals = 3

    def accept(self) -> tuple[socket.socket, object]:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Full:
    """A full process, and short pauses."""
    monkeypatch.setattr(accepting, "PAUSE_S", 0.01)
    full = Full(socket.AF_INET, socket.SOCK_STREAM)
    full.bind(("127.0.0.1", 0))
    full.listen()
    full.setblocking(False)
    return full


async def test_without_a_descriptor_connections_wait_and_are_taken_later(
    listening: Full, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[asyncio.Protocol] = []

    class Noted(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(self)
            transport.close()

    taking = Accepting(listening, Noted)
    taking.begin()
    with closing(socket.create_connection(listening.getsockname())):
        await until(lambda: made)
    taking.end()
    assert (len(made), listening.refusals) == (1, 0)
    assert "Too many open files" in caplog.text


async def test_after_its_end_nobody_is_taken_even_in_a_pause(listening: Full) -> None:
    taking = Accepting(listening, asyncio.Protocol)
    taking.begin()
    with closing(socket.create_connection(listening.getsockname())) as client:
        await until(lambda: listening.refusals < 3)
        taking.end()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert listening.fileno() == -1
