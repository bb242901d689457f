"""The exact cache, single flight and repeats: nothing is bought twice, and nobody shares."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.policies.making import ANSWER, Clock, Upstream, call, streamed, target

from buildwright.core.gateway_settings import CacheSettings
from buildwright.core.ledger import Settlement
from buildwright.gateway.cache import Entry, MemoryCache, cache_key
from buildwright.gateway.call import Answer, CacheWish, Call, Caller
from buildwright.gateway.errors import GatewayError, over_budget, unreachable
from buildwright.gateway.ledger_memory import MemoryLedger
from buildwright.gateway.policies.caching import Caching
from buildwright.gateway.policies.coalescing import Coalescing
from buildwright.gateway.policies.repeating import Repeating
from buildwright.gateway.policies.routing import make_routing
from buildwright.gateway.policies.spending import Money, Spending

EVENTS = (
    b'data: {"id":"a","created":1,"choices":[{"delta":{"content":"x"}}]}\n\n',
    b'data: {"id":"a","created":1,"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
)


class Setup:
    """Cache over an upstream, with a clock."""

    def __init__(self, *outcomes: Any) -> None:
        self.clock, self.upstream = Clock(), Upstream(*outcomes)
        self.cache = MemoryCache(1 << 20, self.clock.now)
        self.handle = Caching(
            self.upstream.handle, self.cache, CacheSettings(), _no_row, self.clock.now
        ).handle


async def _no_row(_call: Call, _answer: bytes) -> None:
    raise AssertionError("only calls with a key get a row")


async def test_an_equal_request_is_answered_again_under_a_new_id() -> None:
    setup = Setup()
    await setup.handle(call())
    mine = call()
    again = json.loads((await setup.handle(mine)).body)
    assert setup.upstream.calls == 1
    assert again["id"] == f"chatcmpl-{mine.id}"
    assert again["usage"] == {"prompt_tokens": 0, "completion_tokens": 0}
    assert again["buildwright"]["original_usage"]["prompt_tokens"] == 10
    assert mine.cache_status == "hit; ttl=7200; detail=exact"


async def test_a_stream_is_told_again_and_one_that_is_left_is_not_kept() -> None:
    setup = Setup(lambda: streamed(*EVENTS), lambda: streamed(*EVENTS))
    left = await setup.handle(call(stream=True))
    assert left.frames is not None
    async for _ in left.frames:
        break
    await left.frames.aclose()
    whole = await setup.handle(call(stream=True))
    assert whole.frames is not None
    assert [block async for block in whole.frames] == list(EVENTS)
    again = await setup.handle(call(stream=True))
    assert again.frames is not None
    told = b"".join([block async for block in again.frames])
    assert setup.upstream.calls == 2
    assert told.count(b"data: ") == 3
    assert b'"id":"a"' not in told


@pytest.mark.parametrize(("temperature", "ttl_s"), [(0, 86_400), (0.7, 7_200), (None, 7_200)])
async def test_how_long_depends_on_the_temperature(temperature: float | None, ttl_s: int) -> None:
    setup = Setup()
    await setup.handle(call(temperature=temperature))
    setup.clock.at += ttl_s - 1
    await setup.handle(call(temperature=temperature))
    assert setup.upstream.calls == 1
    setup.clock.at += 2
    await setup.handle(call(temperature=temperature))
    assert setup.upstream.calls == 2


async def test_cache_control_is_obeyed() -> None:
    setup = Setup()

    async def asked(wish: CacheWish) -> int:
        mine = call()
        mine.cache = wish
        await setup.handle(mine)
        return setup.upstream.calls

    assert await asked(CacheWish(store=False)) == 1
    assert await asked(CacheWish()) == 2
    assert await asked(CacheWish(read=False)) == 3
    setup.clock.at += 10
    assert await asked(CacheWish(max_age_s=20)) == 3
    assert await asked(CacheWish(max_age_s=5)) == 4
    other = call("something else")
    other.cache = CacheWish(only=True)
    with pytest.raises(GatewayError, match="only-if-cached"):
        await setup.handle(other)


async def test_an_answer_that_never_finished_is_not_kept() -> None:
    setup = Setup(Answer(b'{"choices":[{"finish_reason":null}]}'))
    await setup.handle(call())
    await setup.handle(call())
    assert setup.upstream.calls == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                max_size=3),
    max_leaves=8,
)  # fmt: skip


def _turned(value: Any) -> Any:
    """The same JSON with names in another order and whole numbers as floats."""
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(list(value))}
    if isinstance(value, list):
        return [_turned(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(JSON)
def test_order_and_form_of_numbers_do_not_matter(value: Any) -> None:
    assert cache_key(call(extra=value)) == cache_key(call(extra=_turned(value)))


@given(JSON, JSON)
def test_any_other_meaning_is_another_key(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (cache_key(call(extra=one)) == cache_key(call(extra=other))) == same


@given(st.text(max_size=30), st.text(max_size=30))
def test_tenants_and_models_never_share(one: str, other: str) -> None:
    keys = {
        cache_key(call(caller=Caller(one))), cache_key(call(caller=Caller(other))),
        cache_key(call(caller=Caller(one), plan=(target("else"),))),
    }  # fmt: skip
    assert len(keys) == (2 if one == other else 3)


def test_who_asks_is_not_what_is_asked() -> None:
    assert cache_key(call(user="a")) == cache_key(call(user="b"))
    assert cache_key(call("1.0")) != cache_key(call("1"))
    assert cache_key(call(" hi")) != cache_key(call("hi"))


async def test_the_oldest_go_when_there_is_no_room() -> None:
    cache = MemoryCache(3000, Clock().now)
    for number in range(20):
        await cache.set(str(number), Entry("t/m", b"x" * 50, False, 0, 1e9))
    stats = await cache.stats()
    assert stats.memory_used <= 3000
    assert await cache.get("0") is None
    assert await cache.get("19") is not None
    assert await cache.clear("t/*") == stats.keys


async def test_equal_calls_in_flight_are_one() -> None:
    gate, calls = asyncio.Event(), []

    async def slow(mine: Call) -> Answer:
        calls.append(mine)
        await gate.wait()
        return Answer(ANSWER)

    flight = Coalescing(slow)
    made = [call() for _ in range(50)]
    for one in made:
        one.same = "k"
    tasks = [asyncio.ensure_future(flight.handle(one)) for one in made]
    await asyncio.sleep(0)
    gate.set()
    assert {answer.body for answer in await asyncio.gather(*tasks)} == {ANSWER}
    assert len(calls) == 1
    assert sum(one.cache_status.endswith("coalesced") for one in made) == 49


async def test_one_whose_budget_is_spent_does_not_fail_the_others() -> None:
    spent = GatewayError(429, "insufficient_quota", "insufficient_quota", "spent")
    upstream = Upstream(spent)
    flight = Coalescing(upstream.handle)
    made = [call() for _ in range(3)]
    for one in made:
        one.same = "k"
    results = await asyncio.gather(*(flight.handle(one) for one in made), return_exceptions=True)
    assert [isinstance(result, GatewayError) for result in results] == [True, False, False]
    assert over_budget.__name__ == "over_budget"


class Keyed:
    """Repeats over the ledger."""

    def __init__(self, *outcomes: Any, doubtful: bool = True) -> None:
        clock = Clock()
        self.upstream, self.ledger = Upstream(*outcomes), MemoryLedger(clock.now)
        money = Money(self.ledger, clock.now, lambda c: bool(c.key), lambda _: True, 20)
        spending = Spending(make_routing(self.upstream.send), money)
        self.handle = Repeating(spending.handle, lambda _: doubtful).handle


def keyed(text: str = "hi", **more: Any) -> Call:
    made = call(text, **more)
    made.key = "k1"
    return made


async def test_a_repeated_key_gets_the_stored_answer_for_nothing() -> None:
    setup = Keyed()
    await setup.handle(keyed())
    again = keyed()
    answer = await setup.handle(again)
    assert (setup.upstream.calls, answer.body, again.cost_nano) == (1, ANSWER, 0)
    assert (b"idempotent-replayed", b"true") in again.headers


async def test_a_repeated_key_with_another_body_is_refused() -> None:
    setup = Keyed()
    await setup.handle(keyed())
    with pytest.raises(GatewayError) as caught:
        await setup.handle(keyed("other"))
    assert caught.value.status == 422


async def test_keys_of_other_tenants_are_other_keys() -> None:
    setup = Keyed()
    await setup.handle(keyed(caller=Caller("a")))
    await setup.handle(keyed("other", caller=Caller("b")))
    assert setup.upstream.calls == 2


async def test_a_key_whose_call_failed_may_be_used_again() -> None:
    setup = Keyed(unreachable("down"))
    with pytest.raises(GatewayError):
        await setup.handle(keyed())
    assert (await setup.handle(keyed())).body == ANSWER


async def test_a_call_in_doubt_is_repeated_once_and_stays_counted() -> None:
    doubt = unreachable("cut", billed="unknown")
    setup = Keyed(doubt)
    first = keyed()
    with pytest.raises(GatewayError):
        await setup.handle(first)
    await setup.handle(keyed())
    await setup.handle(keyed())
    assert setup.upstream.calls == 2
    row = await setup.ledger.get(first.id)
    assert row is not None
    assert (row.status, row.reserved_nano) == ("in_doubt", first.bound_nano)


async def test_a_call_in_doubt_is_not_repeated_where_the_policy_says_so() -> None:
    setup = Keyed(unreachable("cut", billed="unknown"), doubtful=False)
    first = keyed()
    with pytest.raises(GatewayError):
        await setup.handle(first)
    with pytest.raises(GatewayError, match="in_doubt"):
        await setup.handle(keyed())
    await setup.ledger.settle(Settlement(first.id, 2000.0, "failed", error="settled by hand"))
    assert (await setup.handle(keyed())).body == ANSWER
