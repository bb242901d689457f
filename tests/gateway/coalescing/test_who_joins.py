"""Which streams are joined, and what those who wait for the first frame are told."""

from __future__ import annotations

import asyncio

import pytest
from tests.clients.answers import COST_NANO
from tests.gateway.coalescing.joining import Client, Shared
from tests.gateway.faults.faults import refused

from buildwright.gateway.call import CacheWish, Call, Caller

POOR, RICH = Caller("t", scopes=("org:poor",)), Caller("t", scopes=("org:rich",))


async def ended(*clients: Client) -> list[str | None]:
    return [await client.done() for client in clients]


async def asked_apart(it: Shared, one: Call, other: Call) -> None:
    """Two calls that share nothing, the second one made in the middle of the first."""
    spoken, again = it.speaking(), it.speaking()
    first = it.client(one)
    spoken.say(1)
    await first.has(1)
    second = it.client(other)
    again.finish()
    assert await second.done() == "complete"
    spoken.finish()
    assert await first.done() == "complete"
    assert second.call.cache_status in ("", "fwd=miss")
    assert len(it.model.requests) == len(await it.rows()) == 2
    assert it.idle()


async def test_other_tenants_never_share(it: Shared) -> None:
    await asked_apart(it, it.call(Caller("a")), it.call(Caller("b")))


async def test_other_words_never_share(it: Shared) -> None:
    await asked_apart(it, it.call(seed=1), it.call(seed=2))


async def test_who_wants_no_cache_asks_anew(it: Shared) -> None:
    anew = it.call()
    anew.cache = CacheWish(read=False)
    await asked_apart(it, it.call(), anew)


async def test_nobody_joins_who_wants_no_cache(it: Shared) -> None:
    anew = it.call()
    anew.cache = CacheWish(read=False)
    await asked_apart(it, anew, it.call())


@pytest.mark.parametrize("keyed", [0, 1])
async def test_a_call_with_a_key_is_joined_by_none_and_joins_none(it: Shared, keyed: int) -> None:
    calls = [it.call(), it.call()]
    calls[keyed].key = "k"
    await asked_apart(it, *calls)


async def test_whole_answers_and_streams_are_not_mixed(it: Shared) -> None:
    spoken = it.speaking()
    first = it.client()
    spoken.say(1)
    await first.has(1)
    whole = it.call(stream=False)
    answer = await it.service.gateway.handle(whole)
    assert answer.body.startswith(b"{")
    spoken.finish()
    assert await ended(first) == ["complete"]
    assert len(it.model.requests) == 2


async def test_twenty_at_the_same_time_are_bought_once(it: Shared) -> None:
    clients = [it.client() for _ in range(20)]
    assert await ended(*clients) == ["complete"] * 20
    assert len({client.got for client in clients}) == 1
    assert len(it.model.requests) == len(await it.rows()) == 1
    assert await it.money() == (COST_NANO, 0)
    assert sum(one.cache.endswith("coalesced") for one in it.told) == 19
    assert it.idle()


async def test_an_upstream_that_gives_no_stream_fails_all_who_wait(it: Shared) -> None:
    it.model.script(refused(500))
    clients = [it.client() for _ in range(5)]
    assert await ended(*clients) == [None] * 5
    assert [client.error.status for client in clients if client.error] == [500] * 5
    (row,) = await it.rows()
    assert (row.status, len(it.model.requests)) == ("failed", 1)
    assert [one.status for one in it.told] == [500] * 5


async def test_one_whose_budget_is_spent_leaves_the_stream_to_the_next(it: Shared) -> None:
    await it.service.ledger.set_budget("org:poor", 1, "total")
    poor, rich = it.client(it.call(POOR)), it.client(it.call(RICH))
    third = it.client(it.call(RICH))
    assert await ended(poor, rich, third) == [None, "complete", "complete"]
    assert poor.error is not None
    assert poor.error.error_code == "insufficient_quota"
    assert sorted((rich.call.cache_status[:3], third.call.cache_status[:3])) == ["fwd", "hit"]
    assert rich.got == third.got
    assert len(it.model.requests) == 1


async def test_a_first_call_given_up_before_its_stream_leaves_it_to_the_next(it: Shared) -> None:
    silent, spoken = it.speaking(), it.speaking()
    first = it.client()
    await it.model.wait_for(1)
    second, third = it.client(), it.client()
    # Both wait for the first one by the time it is given up.
    await asyncio.sleep(0)
    await first.leave()
    spoken.finish()
    assert await ended(second, third) == ["complete", "complete"]
    assert second.got == third.got
    async with asyncio.timeout(5):
        await silent.left.wait()
    assert len(it.model.requests) == 2
    assert it.idle()


async def test_one_given_up_while_it_waits_disturbs_nobody(it: Shared) -> None:
    spoken = it.speaking()
    first = it.client()
    await it.model.wait_for(1)
    second, third = it.client(), it.client()
    await asyncio.sleep(0)
    await second.leave()
    spoken.finish()
    assert await ended(first, third) == ["complete", "complete"]
    assert first.got == third.got
    assert len(it.model.requests) == 1


async def test_a_first_client_gone_before_it_read_anything_is_settled(it: Shared) -> None:
    spoken = it.speaking()
    spoken.say(1)
    mine = it.call()
    answer = await it.service.gateway.handle(mine)
    assert answer.frames is not None
    await answer.frames.aclose()
    answer.end("left")
    async with asyncio.timeout(5):
        await spoken.left.wait()
    (row,) = await it.rows()
    assert row.settlement is not None
    assert (row.status, row.settlement.error) == ("done", "client_left")
    assert row.settlement.cost_nano == mine.cost_nano > 0
    assert it.ends() == {mine.id: (499, "left", "fwd=miss", mine.cost_nano)}
    assert it.idle()


async def test_an_answer_nobody_took_keeps_no_stream_alive(it: Shared) -> None:
    spoken = it.speaking()
    first = it.client()
    spoken.say(1)
    await first.has(1)
    answer = await it.service.gateway.handle(it.call())
    assert answer.frames is not None
    del answer
    await first.leave()
    async with asyncio.timeout(5):
        await spoken.left.wait()
    (row,) = await it.rows()
    assert (row.status, it.idle()) == ("done", True)


async def test_nobody_joins_one_that_is_about_to_be_cancelled(it: Shared) -> None:
    spoken, again = it.speaking(), it.speaking()
    first = it.client()
    spoken.say(1)
    await first.has(1)
    assert first.answer is not None
    assert not first.answer.let_go()
    second = it.client()
    first.task.cancel()
    again.finish()
    assert await ended(first, second) == ["left", "complete"]
    assert second.call.cache_status == "fwd=miss"
