"""Requests that went wrong on the way: the server says so and goes on serving."""

from __future__ import annotations

import asyncio

import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.http1.asking import Conversation, conversations, teller
from tests.web.http1.talking import GET, Door, Talk, at

SPICE = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b":",
    b" ",
    b"%",
    b"\xff",
    b"0",
    b"9",
    b"-1",
    b";",
]
SPICE += [b"HTTP/1.0", b"connection: close\r\n", b"content-length: 3\r\n", b"upgrade: x\r\n"]
SPICE += [b"transfer-encoding: chunked\r\n", b"expect: 100-continue\r\n", GET, b"CONNECT ", b";"]
STATUSES = {100, 200, 201, 400, 404, 431, 500, 505}


@st.composite
def mutated(draw: st.DrawFn) -> Conversation:
    data = bytearray(b"".join(draw(conversations()).pieces))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from([0, 0, 1, 2, 30]))
        data[place : place + length] = draw(st.sampled_from(SPICE) | st.binary(max_size=3))
    cut = draw(st.integers(0, len(data)))
    return Conversation([], [bytes(data[:cut]), bytes(data[cut:])])


async def say_and_leave(door: Door, said: Conversation) -> None:
    async with door.talk() as talk:
        await talk.say(*said.pieces)
        talk.writer.write_eof()
        answer = await talk.rest()
    for part in answer.split(b"HTTP/1.1 ")[1:]:
        assert not part[:3].isdigit() or int(part[:3]) in STATUSES
    # Without a date of its own nothing is an answer: nobody wrote past the head.
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")


async def good(talk: Talk) -> None:
    await talk.say(GET)
    assert (await talk.answer()).status == 201


async def play(every: list[Conversation]) -> None:
    async with at(teller) as door, door.talk() as beside:
        for said in every:
            await say_and_leave(door, said)
            await good(beside)
        await asyncio.wait_for(_until_gone(door), 10)
        assert (await door.ask()).status == 201


async def _until_gone(door: Door) -> None:
    while len(door.state.connections) > 1 or door.state.exchanges:
        await asyncio.sleep(0)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(mutated(), min_size=1, max_size=4), st.booleans())
def test_nothing_that_is_said_brings_the_server_down(
    every: list[Conversation],
    fast: bool,  # noqa: FBT001 - drawn
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if fast else None) as runner:
        runner.run(play(every))
