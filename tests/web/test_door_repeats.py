"""Idempotency-Key and Cache-Control over HTTP: what is bought once, and what is said of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.clients.answers import COST_NANO, DONE, answer, word
from tests.clients.gateway import ASK, CACHING, settled
from tests.clients.model_server import Exchange
from tests.gateway.faults.calling import FORMS, Case, opened
from tests.gateway.faults.faults import refused, silent

from buildwright.core.gateway_settings import LimitSettings, RetrySettings

KEY = {"idempotency-key": "k-1"}


def ask(case: Case, headers: dict[str, str] | None = None, **changed: Any) -> Any:
    url = f"{case.url}/v1/chat/completions"
    return case.client.post(url, json={**ASK, **changed}, headers=headers or {})


async def whole(case: Case, headers: dict[str, str] | None = None, **changed: Any) -> Any:
    """Ask; return the response with its body read."""
    response = await ask(case, headers, **changed)
    await response.read()
    return response


@pytest.mark.parametrize("form", FORMS)
async def test_the_same_key_and_body_get_the_same_bytes(form: str, tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        stream = form == "streamed"
        first = await whole(case, KEY, stream=stream)
        (row,) = await settled(case.service)
        again = await whole(case, KEY, stream=stream)
        assert (await again.read(), again.status) == (await first.read(), 200)
        assert again.headers["idempotent-replayed"] == "true"
        assert "idempotent-replayed" not in first.headers
        assert len(case.model.requests) == 1
        assert [one.intent.id for one in await settled(case.service)] == [row.intent.id]
        assert await case.money() == (COST_NANO, 0)


async def test_the_same_key_with_another_body_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        await whole(case, KEY)
        response = await whole(case, KEY, max_tokens=49)
        error = (await response.json())["error"]
        assert (response.status, error["code"]) == (422, "idempotency_key_reused")
        assert response.headers["x-should-retry"] == "false"
        assert len(case.model.requests) == 1


async def test_fields_in_another_order_are_the_same_body(tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        url, turned = f"{case.url}/v1/chat/completions", dict(reversed(ASK.items()))
        await whole(case, KEY)
        async with case.client.post(url, data=orjson.dumps(turned), headers=KEY) as response:
            assert (response.status, len(case.model.requests)) == (200, 1)


async def test_a_call_that_still_runs_is_joined(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await release.wait()
        await exchange.whole(200, answer(exchange.body))

    async with opened(tmp_path) as case:
        case.model.script(late)
        first = asyncio.create_task(whole(case, KEY))
        await case.model.wait_for(1)
        second = asyncio.create_task(whole(case, KEY))
        other = await whole(case, KEY, max_tokens=49)
        release.set()
        both = [await (await first).read(), await (await second).read()]
        assert (both[0] == both[1], other.status) == (True, 422)
        assert len(case.model.requests) == 1
        await settled(case.service)
        assert await case.money() == (COST_NANO, 0)


async def test_a_call_that_failed_may_be_made_again_under_its_key(tmp_path: Path) -> None:
    async with opened(tmp_path, retries=RetrySettings(times=0)) as case:
        case.model.script(refused(500))
        statuses = [(await whole(case, KEY)).status for _ in range(2)]
        assert statuses == [500, 200]
        assert len(case.model.requests) == 2


async def test_a_call_in_doubt_is_not_bought_again(tmp_path: Path) -> None:
    async with opened(tmp_path, retries=RetrySettings(times=0)) as case:
        case.model.script(silent)
        assert (await whole(case, KEY)).status == 504
        again = await whole(case, KEY)
        assert (again.status, (await again.json())["error"]["code"]) == (
            409, "idempotency_in_doubt",
        )  # fmt: skip
        assert again.headers["x-should-retry"] == "false"
        assert len(case.model.requests) == 1


async def test_a_stream_that_was_left_may_be_asked_for_again(tmp_path: Path) -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.stream(word(0), end=False)
        await exchange.until_left()

    async with opened(tmp_path) as case:
        case.model.script(endless)
        left = await ask(case, KEY, stream=True)
        await left.content.readuntil(b"\n\n")
        left.close()
        async with asyncio.timeout(5):
            await case.model.requests[0].left.wait()
        await settled(case.service)
        again = [await whole(case, KEY, stream=True) for _ in range(2)]
        assert [one.status for one in again] == [200, 200]
        assert (await again[0].read()).endswith(DONE)
        assert await again[1].read() == await again[0].read()
        assert len(case.model.requests) == 2
        keys = {row.intent.call_key: row.status for row in await settled(case.service)}
        assert keys == {"k-1": "done", "k-1~left1": "done"}


async def test_a_repeat_tells_each_limit_once(tmp_path: Path) -> None:
    limits = (LimitSettings("global", requests_per_minute=10),)
    async with opened(tmp_path, limits=limits) as case:
        for _ in range(2):
            told = (await whole(case, KEY)).headers
            assert len(told.getall("x-ratelimit-limit-requests")) == 1


@pytest.mark.parametrize("key", ["x" * 256, "\u00e4", "a\tb"])
async def test_a_key_that_is_none_is_refused(key: str, tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        response = await whole(case, {"idempotency-key": key})
        error = (await response.json())["error"]
        assert (response.status, error["param"]) == (400, "Idempotency-Key")
        assert case.model.requests == []


@pytest.mark.parametrize("form", FORMS)
async def test_a_hit_says_so_and_costs_nothing(form: str, tmp_path: Path) -> None:
    async with opened(tmp_path, cache=CACHING) as case:
        stream = form == "streamed"
        first = await whole(case, stream=stream)
        await settled(case.service)
        again = await whole(case, stream=stream)
        assert first.headers["cache-status"] == "buildwright; fwd=miss"
        assert again.headers["cache-status"].startswith("buildwright; hit; ttl=")
        assert again.headers["cache-status"].endswith("detail=exact")
        assert int(again.headers["age"]) >= 0
        assert again.headers["x-buildwright-attempts"] == "0"
        assert again.headers.get("x-buildwright-cost-usd", "0") == "0"
        assert (await again.read()) != (await first.read())
        assert len(case.model.requests) == 1
        assert await case.money() == (COST_NANO, 0)


async def test_a_hit_has_a_new_id_and_tells_the_usage_it_had(tmp_path: Path) -> None:
    async with opened(tmp_path, cache=CACHING) as case:
        first = await (await whole(case)).json()
        again = await (await whole(case)).json()
        assert again["id"] != first["id"]
        assert again["usage"]["total_tokens"] == 0
        assert again["buildwright"]["original_usage"] == first["usage"]
        assert again["choices"] == first["choices"]


@pytest.mark.parametrize(
    ("control", "asked"),
    [("no-cache", 2), ("no-store", 2), ("max-age=0", 1), ("max-age=60", 1), ("only-if-cached", 1),
     ("NO-CACHE, x=1", 2), ("", 1)],
)  # fmt: skip
async def test_the_client_decides_on_the_cache(control: str, asked: int, tmp_path: Path) -> None:
    async with opened(tmp_path, cache=CACHING) as case:
        await whole(case)
        now = case.service.gateway.around.now()
        response = await whole(case, {"cache-control": control})
        # Within the second of its making even an age of 0 is met, unless the clock moved on.
        late = control == "max-age=0" and case.service.gateway.around.now() > now
        assert response.status == 200
        assert len(case.model.requests) in ({1, 2} if late else {asked})


async def test_what_must_not_be_stored_is_not(tmp_path: Path) -> None:
    async with opened(tmp_path, cache=CACHING) as case:
        for _ in range(2):
            await whole(case, {"cache-control": "no-store"})
        await whole(case)
        assert len(case.model.requests) == 3


async def test_only_from_the_cache_or_not_at_all(tmp_path: Path) -> None:
    async with opened(tmp_path, cache=CACHING) as case:
        response = await whole(case, {"cache-control": "only-if-cached"})
        assert (response.status, (await response.json())["error"]["code"]) == (504, "not_cached")
        bad = await whole(case, {"cache-control": "max-age=soon"})
        assert (bad.status, case.model.requests) == (400, [])


async def test_equal_calls_at_the_same_time_are_bought_once(tmp_path: Path) -> None:
    async with opened(tmp_path, cache=CACHING) as case:
        responses = await asyncio.gather(*(whole(case) for _ in range(20)))
        assert {response.status for response in responses} == {200}
        assert len(case.model.requests) == 1
        await settled(case.service)
        assert await case.money() == (COST_NANO, 0)


async def test_a_hit_takes_nothing_from_the_limits_and_tells_them(tmp_path: Path) -> None:
    limits = (LimitSettings("global", requests_per_minute=10, tokens_per_minute=100_000),)
    async with opened(tmp_path, cache=CACHING, limits=limits) as case:
        told = [(await whole(case)).headers for _ in range(3)]
        left = [headers["x-ratelimit-remaining-requests"] for headers in told]
        assert left == ["9", "9", "9"]
        assert {headers["x-ratelimit-limit-tokens"] for headers in told} == {"100000"}
        assert all(headers["x-ratelimit-reset-requests"] for headers in told)
