"""Equal streams over HTTP: headers, bytes, and clients that leave or stop reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.answers import COST_NANO, event
from tests.clients.gateway import CACHING, settled
from tests.clients.model_server import Exchange
from tests.gateway.coalescing.joining import Spoken
from tests.gateway.faults.calling import Case, opened

from buildwright.core.gateway_settings import RetrySettings, TimeoutSettings

LARGE = [event({"choices": [{"index": 0, "delta": {"content": "x" * 60_000}}]})] * 200


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    async with opened(
        tmp_path, cache=CACHING, answer_limit_kib=65_536,
        timeouts=TimeoutSettings(), retries=RetrySettings(times=0),
    ) as made:  # fmt: skip
        yield made


def speaking(case: Case) -> Spoken:
    spoken = Spoken()
    case.model.script(spoken)
    return spoken


async def two(case: Case, spoken: Spoken) -> tuple[Any, Any]:
    """Return two responses to the same request, the second asked for in the middle."""
    first = await begun(case, spoken)
    return first, await case.ask(stream=True)


async def begun(case: Case, spoken: Spoken) -> Any:
    spoken.say(1)
    return await case.ask(stream=True)


async def words(response: Any, count: int) -> bytes:
    return b"".join([await response.content.readuntil(b"\n\n") for _ in range(count)])


async def test_a_joined_stream_says_so_and_has_an_id_of_its_own(case: Case) -> None:
    spoken = speaking(case)
    first, second = await two(case, spoken)
    spoken.finish()
    assert await first.read() == await second.read()
    assert first.headers["cache-status"] == "buildwright; fwd=miss"
    assert second.headers["cache-status"] == "buildwright; hit; detail=coalesced"
    (row,) = await settled(case.service)
    assert first.headers["x-buildwright-call-id"] == row.intent.id
    assert second.headers["x-buildwright-call-id"] != row.intent.id
    assert second.headers["content-type"] == first.headers["content-type"]
    assert await case.money() == (COST_NANO, 0)
    assert (case.clean(), len(case.model.requests)) == (True, 1)


async def test_the_first_connection_may_close_while_another_listens(case: Case) -> None:
    spoken = speaking(case)
    first, second = await two(case, spoken)
    start = await words(second, 1)
    first.close()
    for _ in range(5):
        spoken.say(1)
        start += await words(second, 1)
    assert start == spoken.whole
    spoken.finish()
    assert (await second.read()).endswith(b"data: [DONE]\n\n")
    (row,) = await settled(case.service)
    assert row.settlement is not None
    assert (row.status, row.settlement.error) == ("done", "")
    assert await case.money() == (COST_NANO, 0)
    assert (case.clean(), len(case.model.requests)) == (True, 1)


async def test_the_upstream_is_closed_when_the_last_connection_is(case: Case) -> None:
    spoken = speaking(case)
    for response in await two(case, spoken):
        await words(response, 1)
        response.close()
    async with asyncio.timeout(5):
        await spoken.left.wait()
    (row,) = await settled(case.service)
    assert row.settlement is not None
    assert (row.status, row.settlement.error) == ("done", "client_left")
    assert (case.clean(), len(case.model.requests)) == (True, 1)


async def test_a_cut_is_the_same_event_for_all(case: Case) -> None:
    spoken = speaking(case)
    first, second = await two(case, spoken)
    spoken.cut()
    told = await first.read()
    assert await second.read() == told
    assert told.startswith(spoken.whole)
    assert b'"upstream_error"' in told
    assert ((await case.row()).status, case.faults(), case.clean()) == ("in_doubt", 1, True)


@pytest.mark.parametrize("stopped", [0, 1])
async def test_a_client_that_stops_reading_holds_up_nobody(case: Case, stopped: int) -> None:
    joined = asyncio.Event()

    async def large(exchange: Exchange) -> None:
        await exchange.stream(LARGE[0], end=False)
        await joined.wait()
        for one in LARGE[1:]:
            await exchange.chunk(one)
        await exchange.chunk(b"data: [DONE]\n\n")
        await exchange.send(b"0\r\n\r\n")

    case.model.script(large)
    responses = [await case.ask(stream=True), await case.ask(stream=True)]
    joined.set()
    late = responses.pop(stopped)
    whole = await responses[0].read()
    assert whole == b"".join(LARGE) + b"data: [DONE]\n\n"
    (row,) = await settled(case.service)
    assert (row.status, case.clean()) == ("done", True)
    assert await late.read() == whole


async def test_messages_are_joined_as_well(case: Case) -> None:
    spoken = speaking(case)
    url = f"{case.url}/v1/messages"
    body = {"model": "m", "max_tokens": 50, "stream": True,
            "messages": [{"role": "user", "content": "Say hello."}]}  # fmt: skip
    spoken.say(1)
    first = await case.client.post(url, json=body)
    second = await case.client.post(url, json=body)
    spoken.say(2)
    spoken.finish()
    told = await first.read()
    assert await second.read() == told
    assert b"event: message_stop" in told
    assert second.headers["cache-status"] == "buildwright; hit; detail=coalesced"
    assert len(case.model.requests) == 1
