"""A call with a key whose client left is sent again under a key of its own; both are counted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.policies.making import ANSWER, streamed
from tests.gateway.policies.test_caching import EVENTS, Keyed, keyed

from buildwright.core.ledger import CallFilter
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError, unreachable
from buildwright.gateway.policies.repeating import MOST_LEFT, without_marks

DOUBT = unreachable("cut", billed="unknown")


class Waiting(Keyed):
    """Repeats over an upstream that is silent for so many calls."""

    def __init__(self, silent: int, *outcomes: Any) -> None:
        super().__init__(*outcomes)
        self.silent, self.asked = silent, asyncio.Event()
        self._answers = self.upstream.handle
        self.upstream.handle = self._handled  # type: ignore[method-assign]

    async def _handled(self, call: Call) -> Answer:
        if self.silent:
            self.silent -= 1
            call.attempts += 1
            self.asked.set()
            await asyncio.Event().wait()
        return await self._answers(call)

    async def left(self, **more: Any) -> Call:
        """Make a call and leave once it was sent; return it."""
        mine = keyed(**more)
        self.asked.clear()
        running = asyncio.create_task(self.handle(mine))
        async with asyncio.timeout(5):
            await self.asked.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return mine

    async def rows(self) -> list[tuple[str, str]]:
        """Return key and status of all calls, oldest first."""
        rows = reversed(await self.ledger.calls(CallFilter()))
        return sorted((row.intent.call_key, row.status) for row in rows)


async def test_it_is_sent_again_and_each_is_paid() -> None:
    setup = Waiting(1)
    first, again = await setup.left(), keyed()
    assert (await setup.handle(again)).body == ANSWER
    assert await setup.rows() == [("k1", "done"), ("k1~left1", "done")]
    assert (first.cost_nano > 0, again.cost_nano) == (True, 15)
    spent = (await setup.ledger.spend("model", CallFilter()))[0].cost_nano
    assert spent == first.cost_nano + again.cost_nano


async def test_the_answer_of_the_one_that_ended_is_kept_for_the_key() -> None:
    setup = Waiting(2)
    await setup.left()
    await setup.left()
    await setup.handle(keyed())
    again = keyed()
    assert (await setup.handle(again)).body == ANSWER
    assert (setup.upstream.calls, again.cost_nano) == (1, 0)
    assert (b"idempotent-replayed", b"true") in again.headers


async def test_another_body_under_its_key_is_refused() -> None:
    setup = Waiting(1)
    await setup.left()
    with pytest.raises(GatewayError, match="'k1' was used before") as caught:
        await setup.handle(keyed("other"))
    assert (caught.value.status, setup.upstream.calls) == (422, 0)


async def test_after_so_many_times_it_is_refused_and_nothing_is_sent() -> None:
    setup = Waiting(MOST_LEFT + 2)
    for _ in range(MOST_LEFT + 1):
        await setup.left()
    with pytest.raises(GatewayError, match="was not kept") as caught:
        await setup.handle(keyed())
    assert (caught.value.status, caught.value.again, setup.silent) == (409, False, 1)
    assert max(len(key) for key, _ in await setup.rows()) == len("k1~left20")


async def test_one_that_was_left_and_then_in_doubt_is_repeated_once() -> None:
    setup = Waiting(1, DOUBT, DOUBT)
    await setup.left()
    for _ in range(2):
        with pytest.raises(GatewayError, match="cut"):
            await setup.handle(keyed())
    with pytest.raises(GatewayError, match="one repeat are both in doubt"):
        await setup.handle(keyed())
    assert setup.upstream.calls == 2
    assert await setup.rows() == [
        ("k1", "done"), ("k1~left1", "in_doubt"), ("k1~retry~left1", "in_doubt"),
    ]  # fmt: skip


async def test_the_repeat_of_one_in_doubt_may_be_left_too() -> None:
    setup = Waiting(0, DOUBT)
    with pytest.raises(GatewayError):
        await setup.handle(keyed())
    setup.silent = 1
    await setup.left()
    assert (await setup.handle(keyed())).body == ANSWER
    assert [key for key, _ in await setup.rows()] == ["k1", "k1~retry", "k1~retry~left1"]


async def test_a_stream_that_was_left_in_the_middle_is_told_whole_the_next_time() -> None:
    setup = Keyed(lambda: streamed(*EVENTS), lambda: streamed(*EVENTS))
    first = await setup.handle(keyed(stream=True))
    assert first.frames is not None
    await anext(first.frames)
    await first.frames.aclose()
    first.end("left")
    for _ in range(2):
        again = await setup.handle(keyed(stream=True))
        assert again.frames is not None
        assert b"".join([block async for block in again.frames]) == b"".join(EVENTS)
        again.end("complete")
    assert setup.upstream.calls == 2


async def test_a_call_in_doubt_with_another_body_is_refused_and_not_sent() -> None:
    setup = Keyed(DOUBT)
    with pytest.raises(GatewayError):
        await setup.handle(keyed())
    with pytest.raises(GatewayError) as caught:
        await setup.handle(keyed("other"))
    assert (caught.value.status, setup.upstream.calls) == (422, 1)


@given(st.text("k~left1retry", max_size=12), st.sampled_from(["", "~retry"]), st.integers(0, 20))
def test_the_given_key_can_be_told_from_the_marked_one(key: str, retry: str, left: int) -> None:
    if without_marks(key) == key:
        assert without_marks(key + retry + (f"~left{left}" if left else "")) == key
