"""Clients that leave: the upstream is let go, and the call is settled."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from tests.clients.answers import COST_NANO, USAGE, answer, event, word
from tests.clients.gateway import ASK, CACHING, budget, capped, idle, settled, tree
from tests.clients.model_server import Exchange, serving_model
from tests.clients.serving import Front
from tests.web.conftest import serving_gateway


async def test_a_stream_that_is_left_ends_upstream_and_costs_what_came(front: Front) -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.stream(*[word(0)] * 5, end=False)
        await exchange.until_left()

    front.model.script(endless)
    async with aiohttp.ClientSession() as client:
        response = await client.post(f"{front.url}/chat/completions", json={**ASK, "stream": True})
        for _ in range(5):
            await response.content.readuntil(b"\n\n")
        response.close()
        async with asyncio.timeout(5):
            await front.model.requests[0].left.wait()
    (row,) = await settled(front.service)
    assert row.settlement is not None
    assert (row.status, row.settlement.error) == ("done", "client_left")
    assert 5 <= row.settlement.usage.output <= 50
    assert row.settlement.usage.estimated
    held = await budget(front.service)
    assert (held.held_nano, held.spent_nano) == (0, row.settlement.cost_nano)
    assert idle(front.service)
    assert set(front.service.gateway.breakers.states().values()) == {"closed"}


async def test_a_stream_that_is_left_counts_the_usage_it_was_told(front: Front) -> None:
    async def telling(exchange: Exchange) -> None:
        await exchange.stream(word(0), end=False)
        await exchange.chunk(event({"choices": [{"index": 0, "delta": {}}], "usage": USAGE}))
        await exchange.until_left()

    front.model.script(telling)
    async with aiohttp.ClientSession() as client:
        response = await client.post(f"{front.url}/chat/completions", json={**ASK, "stream": True})
        await response.content.readuntil(b'"usage"')
        response.close()
        async with asyncio.timeout(5):
            await front.model.requests[0].left.wait()
    (row,) = await settled(front.service)
    assert row.settlement is not None
    assert (row.status, row.settlement.cost_nano) == ("done", COST_NANO)


async def test_an_answer_nobody_waits_for_is_finished_and_settled(front: Front) -> None:
    gone = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await gone.wait()
        await exchange.whole(200, answer(exchange.body))

    front.model.script(late)
    async with aiohttp.ClientSession() as client:
        asking = asyncio.create_task(client.post(f"{front.url}/chat/completions", json=ASK))
        await front.model.wait_for(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    gone.set()
    (row,) = await settled(front.service)
    assert row.settlement is not None
    assert (row.status, row.settlement.cost_nano) == ("done", COST_NANO)
    assert idle(front.service)


async def test_who_asks_again_after_leaving_gets_the_answer_that_was_paid(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await gone.wait()
        await exchange.whole(200, answer(exchange.body))

    async with (
        serving_model(late) as model,
        serving_gateway(tree(tmp_path, model.url, cache=CACHING)) as (url, service),
        aiohttp.ClientSession() as client,
    ):
        await capped(service)
        address, key = f"{url}/v1/chat/completions", {"idempotency-key": "k"}
        asking = asyncio.create_task(client.post(address, json=ASK, headers=key))
        await model.wait_for(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        gone.set()
        async with client.post(address, json=ASK, headers=key) as again:
            assert again.status == 200
        assert len(model.requests) == 1
        (row,) = await settled(service)
        assert (row.status, (await budget(service)).spent_nano) == ("done", COST_NANO)
