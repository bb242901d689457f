"""Slots of an upstream: how many, who waits, who is next."""

from __future__ import annotations

import asyncio

import pytest
from tests.gateway.policies.making import Clock, Upstream, call, streamed, target

from buildwright.core.gateway_settings import ConcurrencySettings
from buildwright.gateway.call import Answer, Call, Caller
from buildwright.gateway.errors import GatewayError, unreachable
from buildwright.gateway.ledger_memory import MemoryLedger
from buildwright.gateway.policies.queueing import Concurrency, Slots, make_queueing
from buildwright.gateway.targets import Target


def slots(start: int = 2, **more: float) -> Slots:
    settings = ConcurrencySettings(start=start, most=8, **more)  # type: ignore[arg-type]
    return Slots(settings, 8, Clock().now)


async def test_who_waits_is_served_in_turn_by_tenant() -> None:
    some, served = slots(1), []
    await some.take("a", 9)

    async def one(tenant: str, name: str) -> None:
        await some.take(tenant, 9)
        served.append(name)
        some.give(overloaded=None)

    names = [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1")]
    tasks = [asyncio.ensure_future(one(*name)) for name in names]
    await asyncio.sleep(0)
    assert some.waiting == 5
    some.give(overloaded=None)
    await asyncio.gather(*tasks)
    assert served == ["a1", "b1", "c1", "a2", "a3"]
    assert (some.taken, some.waiting) == (0, 0)


async def test_a_full_queue_refuses_at_once() -> None:
    some = slots(1, queue=1)
    await some.take("a", 9)
    waiting = asyncio.ensure_future(some.take("a", 9))
    await asyncio.sleep(0)
    with pytest.raises(GatewayError, match="1 calls wait"):
        await some.take("b", 9)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert some.waiting == 0


async def test_who_waits_too_long_is_told_so_and_leaves_the_queue() -> None:
    some = slots(1)
    await some.take("a", 9)
    with pytest.raises(GatewayError) as caught:
        await some.take("a", 0.01)
    assert (caught.value.status, some.waiting, some.taken) == (503, 0, 1)


async def test_a_slot_that_was_given_to_a_cancelled_call_is_not_lost() -> None:
    some = slots(1)
    await some.take("a", 9)
    waiting = asyncio.ensure_future(some.take("a", 9))
    await asyncio.sleep(0)
    some.give(overloaded=None)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert some.taken == 0
    assert some.free()


def test_there_are_more_slots_while_all_are_used_and_fewer_when_overloaded() -> None:
    clock = Clock()
    some = Slots(ConcurrencySettings(start=4, most=6), 6, clock.now)
    for _ in range(100):
        some.taken = int(some.limit)
        some.give(overloaded=False)
    assert some.limit == 6
    some.taken = 6
    some.give(overloaded=True)
    some.give(overloaded=True)
    assert some.limit == pytest.approx(4.8)
    clock.at += 2
    some.give(overloaded=True)
    assert some.limit == pytest.approx(3.84)


def test_an_idle_upstream_does_not_grow() -> None:
    some = slots(4)
    for _ in range(50):
        some.taken = 1
        some.give(overloaded=False)
    assert some.limit == 4


async def test_a_stream_holds_its_slot_until_its_end() -> None:
    concurrency = Concurrency(ConcurrencySettings(start=1), Clock().now)
    policy = make_queueing(
        Upstream(streamed(b"x")).send, concurrency, MemoryLedger(Clock().now), Clock().now
    )
    mine = call()
    mine.sent, mine.deadline = True, 2000.0
    answer = await policy(mine, target())
    assert not concurrency.of(target()).free()
    answer.end("left")
    assert concurrency.of(target()).free()


async def test_an_error_and_a_cancellation_give_the_slot_back() -> None:
    concurrency = Concurrency(ConcurrencySettings(start=1), Clock().now)

    async def stuck(sent: Call, to: Target) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    for inner in (Upstream(unreachable("down")).send, stuck):
        policy = make_queueing(inner, concurrency, MemoryLedger(Clock().now), Clock().now)
        mine = call(caller=Caller())
        mine.sent, mine.deadline = True, 2000.0
        task = asyncio.ensure_future(policy(mine, target()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert concurrency.of(target()).free()
