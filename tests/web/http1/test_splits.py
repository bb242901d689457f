"""How the bytes of requests are cut on the way changes nothing."""

from __future__ import annotations

import asyncio

import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.http1.asking import Conversation, conversations, teller
from tests.web.http1.talking import Answer, Talk, at


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(conversations(), st.booleans())
def test_any_cut_gives_the_same_answers(
    drawn: Conversation,
    fast: bool,  # noqa: FBT001 - drawn
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if fast else None) as runner:
        runner.run(compare(drawn.methods, drawn.pieces))


async def compare(methods: list[str], pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    ways = [[data], pieces]
    if len(data) < 2_000:
        ways.append([bytes([byte]) for byte in data])
    async with at(teller) as door:
        answers = [await ask(door.port, methods, way) for way in ways]
    assert all(one == answers[0] for one in answers)


async def ask(port: int, methods: list[str], pieces: list[bytes]) -> list[tuple[int, bytes]]:
    talk = Talk(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 22))
    await talk.say(*pieces)
    answers: list[Answer] = [await talk.answer(method) for method in methods]
    await talk.leave()
    return [(answer.status, answer.body) for answer in answers]
