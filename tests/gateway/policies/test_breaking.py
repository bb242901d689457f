"""The circuit breaker: when it opens, who probes, and what counts."""

from __future__ import annotations

import asyncio

import pytest
from tests.gateway.policies.making import Clock, Upstream, call, streamed, target

from buildwright.core.gateway_settings import BreakerSettings
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError, invalid, unreachable
from buildwright.gateway.policies.breaking import Breaker, Breakers, make_breaking
from buildwright.gateway.targets import Target

SETTINGS = BreakerSettings(share=0.5, calls=4, window_s=30.0, open_s=15.0)


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(SETTINGS, clock.now)
    for _ in range(4):
        assert breaker.admit()
        breaker.record(fault=True)
    return breaker


def test_it_opens_at_the_share_of_faults_and_not_before_enough_calls() -> None:
    breaker = Breaker(SETTINGS, Clock().now)
    for fault in (True, True, True):
        breaker.admit()
        breaker.record(fault=fault)
    assert breaker.admit()
    breaker.record(fault=True)
    assert breaker.state == "open"
    assert not breaker.admit()


def test_faults_that_are_long_ago_do_not_count() -> None:
    clock = Clock()
    breaker = Breaker(SETTINGS, clock.now)
    for _ in range(3):
        breaker.record(fault=True)
    clock.at += 31
    for fault in (True, False, False):
        breaker.record(fault=fault)
    assert breaker.state == "closed"


def test_exactly_one_call_probes() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.at += 15
    assert [breaker.admit() for _ in range(10)] == [True] + [False] * 9


@pytest.mark.parametrize(("fault", "state"), [(False, "closed"), (True, "open")])
def test_the_probe_decides(fault: bool, state: str) -> None:  # noqa: FBT001
    clock = Clock()
    breaker = opened(clock)
    clock.at += 15
    breaker.admit()
    breaker.record(fault=fault)
    assert breaker.state == state


def test_a_probe_that_says_nothing_lets_another_go() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.at += 15
    breaker.admit()
    breaker.forget()
    assert breaker.admit()


async def test_ten_at_once_reach_a_sick_upstream_once_when_half_open() -> None:
    clock, gate, reached = Clock(), asyncio.Event(), []

    async def send(sent: Call, to: Target) -> Answer:
        reached.append(sent.id)
        if len(reached) > 4:
            await gate.wait()
        raise unreachable("down")

    guard = make_breaking(send, Breakers(SETTINGS, clock.now))
    for _ in range(4):
        with pytest.raises(GatewayError, match="down"):
            await guard(call(), target())
    clock.at += 15
    tasks = [asyncio.ensure_future(guard(call(), target())) for _ in range(10)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(reached) == 5
    gate.set()
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    codes = [error.error_code for error in errors if isinstance(error, GatewayError)]
    assert sorted(codes, key=str) == ["upstream_error", *["upstream_open"] * 9]


async def test_an_open_upstream_says_when_it_may_be_tried_again() -> None:
    clock = Clock()
    guard = make_breaking(Upstream(*[unreachable("down")] * 4).send, Breakers(SETTINGS, clock.now))
    for _ in range(4):
        with pytest.raises(GatewayError):
            await guard(call(), target())
    with pytest.raises(GatewayError) as caught:
        await guard(call(), target())
    assert (caught.value.status, caught.value.retry_after_s) == (503, 15.0)


@pytest.mark.parametrize("error", [
    invalid("bad request"),
    GatewayError(429, "rate_limit_error", "rate_limit_exceeded", "slow", upstream=True),
    GatewayError(502, "api_error", "upstream_auth", "key", upstream=True),
])  # fmt: skip
async def test_only_faults_of_the_upstream_count(error: GatewayError) -> None:
    breakers = Breakers(SETTINGS, Clock().now)
    guard = make_breaking(Upstream(*[error] * 20).send, breakers)
    for _ in range(20):
        with pytest.raises(GatewayError):
            await guard(call(), target())
    assert breakers.of(target()).state == "closed"


async def test_a_stream_that_is_cut_counts_as_a_fault() -> None:
    breakers = Breakers(SETTINGS, Clock().now)
    guard = make_breaking(Upstream(*[streamed(b"x") for _ in range(4)]).send, breakers)
    for _ in range(4):
        (await guard(call(), target())).end("cut")
    assert breakers.of(target()).state == "open"
