"""Equal calls in flight are one upstream call whether answers are kept afterwards or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.clients.answers import COST_NANO, answer
from tests.clients.model_server import Exchange
from tests.gateway.coalescing.joining import Shared, opened

from buildwright.core.gateway_settings import CacheSettings
from buildwright.gateway.call import CacheWish, Call, Caller
from buildwright.gateway.errors import GatewayError

COALESCED = "hit; detail=coalesced"
NO_CACHE, NO_STORE = CacheWish(read=False), CacheWish(read=False, store=False)


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Shared]:
    async with opened(tmp_path, lets_go=True, cache=CacheSettings(enabled=False)) as shared:
        yield shared


async def together(it: Shared, *calls: Call) -> list[bytes]:
    """Return the answers of calls that are all on their way before the model says anything."""
    go = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await go.wait()
        await exchange.whole(200, answer(exchange.body))

    it.model.script(*[slow] * len(calls))
    running = [asyncio.ensure_future(it.service.gateway.handle(call)) for call in calls]
    await it.model.wait_for(1)
    go.set()
    return [done.body for done in await asyncio.gather(*running)]


def plain(it: Shared) -> Call:
    return it.call(stream=False)


async def test_equal_calls_are_one_upstream_call(bare: Shared) -> None:
    calls = [plain(bare) for _ in range(5)]
    assert len(set(await together(bare, *calls))) == 1
    assert len(bare.model.requests) == len(await bare.rows()) == 1
    assert [call.cache_status for call in calls] == ["", *[COALESCED] * 4]
    assert await bare.money() == (COST_NANO, 0)


async def test_the_next_call_asks_again(bare: Shared) -> None:
    for _ in range(2):
        await together(bare, plain(bare))
    assert len(bare.model.requests) == 2


async def test_a_stream_is_joined(bare: Shared) -> None:
    spoken = bare.speaking()
    first, second = await bare.two(spoken)
    spoken.finish()
    assert (await first.done(), await second.done()) == ("complete", "complete")
    assert first.got == second.got
    assert (len(bare.model.requests), second.call.cache_status) == (1, COALESCED)


@pytest.mark.parametrize("wish", [NO_CACHE, NO_STORE], ids=["no-cache", "no-store"])
async def test_a_call_that_wants_an_answer_of_its_own_goes_alone(
    bare: Shared, wish: CacheWish
) -> None:
    alone = plain(bare)
    alone.cache = wish
    await together(bare, plain(bare), alone, plain(bare))
    assert len(bare.model.requests) == 2
    assert alone.same == alone.cache_status == ""


async def test_calls_of_two_tenants_are_not_one(bare: Shared) -> None:
    await together(bare, plain(bare), bare.call(Caller(tenant="other"), stream=False))
    assert len(bare.model.requests) == 2


async def test_a_call_with_a_key_goes_alone(bare: Shared) -> None:
    keyed = plain(bare)
    keyed.key = "mine"
    await together(bare, plain(bare), keyed)
    assert len(bare.model.requests) == 2


async def test_only_if_cached_is_refused_and_nothing_is_sent(bare: Shared) -> None:
    call = plain(bare)
    call.cache = CacheWish(only=True)
    with pytest.raises(GatewayError, match=r"only-if-cached: gateway\.cache is not") as no:
        await bare.service.gateway.handle(call)
    assert (no.value.status, no.value.error_code) == (504, "not_cached")
    assert bare.model.requests == []
