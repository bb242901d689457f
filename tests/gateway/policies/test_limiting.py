"""Rate limits: all buckets or none, what is not used is given back, the 429 names the limit."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.policies.making import USAGE, Clock, Upstream, call, streamed

from buildwright.core.gateway_settings import LimitSettings
from buildwright.gateway.call import Call, Caller
from buildwright.gateway.errors import GatewayError, unreachable
from buildwright.gateway.limits import MemoryBuckets, Rule, Rules, duration
from buildwright.gateway.policies.limiting import Limiting

TEN = LimitSettings(scope="key", requests_per_minute=10)
GLOBAL = LimitSettings(scope="global", requests_per_minute=2)
TOKENS = LimitSettings(scope="model", match="m*", tokens_per_minute=1000)


def limited(
    *limits: LimitSettings, upstream: Upstream | None = None
) -> tuple[Limiting, Clock, MemoryBuckets]:
    clock = Clock()
    buckets = MemoryBuckets(clock.now)
    inner = (upstream or Upstream()).handle
    return Limiting(inner, Rules(limits), buckets, 20), clock, buckets


def headers(mine: Call) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in mine.headers}


async def test_a_key_over_its_limit_is_told_which_and_when() -> None:
    policy, clock, _ = limited(TEN)
    for _ in range(10):
        await policy.handle(call(caller=Caller("t", "key_1")))
    with pytest.raises(GatewayError) as caught:
        await policy.handle(call(caller=Caller("t", "key_1")))
    error = caught.value
    assert (error.status, error.error_code) == (429, "rate_limit_exceeded")
    assert "10 requests per minute reached for key key_1: used 10 of 10" in error.message
    assert error.retry_after_s == pytest.approx(6.0)
    assert error.headers["x-ratelimit-remaining-requests"] == "0"
    await policy.handle(call(caller=Caller("t", "key_2")))
    clock.at += 6.001
    await policy.handle(call(caller=Caller("t", "key_1")))


async def test_nothing_is_taken_from_one_bucket_when_another_refuses() -> None:
    policy, _, buckets = limited(TEN, GLOBAL)
    for _ in range(2):
        await policy.handle(call())
    for _ in range(5):
        with pytest.raises(GatewayError, match="global"):
            await policy.handle(call())
    rules = Rules([TEN]).of(Caller(), "m")
    assert (await buckets.peek(rules))[0].left == 8


async def test_unused_tokens_come_back() -> None:
    policy, _, buckets = limited(TOKENS)
    mine = call(max_tokens=500)
    await policy.handle(mine)
    (level,) = await buckets.peek(Rules([TOKENS]).of(Caller(), "m"))
    assert level.left == 1000 - USAGE.total
    assert int(headers(mine)["x-ratelimit-remaining-tokens"]) < 500


async def test_a_failed_call_gives_all_its_tokens_back() -> None:
    policy, _, buckets = limited(TOKENS, upstream=Upstream(unreachable("down")))
    with pytest.raises(GatewayError):
        await policy.handle(call(max_tokens=500))
    (level,) = await buckets.peek(Rules([TOKENS]).of(Caller(), "m"))
    assert level.left == 1000


async def test_a_stream_gives_back_at_its_end() -> None:
    policy, _, buckets = limited(TOKENS, upstream=Upstream(streamed(b"x")))
    answer = await policy.handle(call(max_tokens=500, stream=True))
    answer.end("complete")
    await asyncio.sleep(0)
    (level,) = await buckets.peek(Rules([TOKENS]).of(Caller(), "m"))
    assert level.left == 1000 - USAGE.total


async def test_a_call_that_never_fits_is_not_told_to_try_again() -> None:
    policy, _, _ = limited(TOKENS)
    with pytest.raises(GatewayError, match="lower max_tokens") as caught:
        await policy.handle(call(max_tokens=5000))
    assert not caught.value.again


async def test_the_tightest_bucket_is_shown() -> None:
    policy, _, _ = limited(TEN, GLOBAL)
    mine = call()
    await policy.handle(mine)
    assert headers(mine)["x-ratelimit-limit-requests"] == "2"
    assert headers(mine)["x-ratelimit-reset-requests"] == "30s"


async def test_a_keys_own_limits_hold_too() -> None:
    policy, _, _ = limited()
    caller = Caller("t", "key_1", requests_per_minute=1)
    await policy.handle(call(caller=caller))
    with pytest.raises(GatewayError, match="1 requests per minute"):
        await policy.handle(call(caller=caller))


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, 5)), min_size=1, max_size=80))
def test_a_bucket_never_lets_more_through_than_flowed_in(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    buckets = MemoryBuckets(clock.now)
    rule = Rule("r", "requests", "key", 600, 20.0)

    async def run() -> float:
        through = 0.0
        for wait, units in steps:
            clock.at += wait
            taking = await buckets.take([(rule, float(units))])
            through += units if taking.refused is None else 0
        return through

    through = asyncio.run(run())
    assert through <= rule.capacity + (clock.at - 1000.0) * rule.rate + 1e-6


@pytest.mark.parametrize(("seconds", "text"), [
    (0.012, "12ms"), (0, "0ms"), (1, "1s"), (360, "6m0s"), (3661, "1h1m1s"),
])  # fmt: skip
def test_durations_are_written_as_the_wire_has_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
