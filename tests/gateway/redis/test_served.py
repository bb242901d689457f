"""Two served gateways on one Redis, and calls that go on while it fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from tests.clients.gateway import ASK, CACHING, capped, settled, tree
from tests.clients.model_server import serving_model
from tests.gateway.faults.calling import Case, opened
from tests.gateway.redis.server import RedisServer, running_redis
from tests.web.conftest import serving_gateway

from buildwright.core.gateway_settings import LimitSettings

TEN = (LimitSettings("global", requests_per_minute=10, tokens_per_minute=1_000_000),)
MANY = (LimitSettings("global", requests_per_minute=100_000, tokens_per_minute=100_000_000),)


async def test_two_gateways_share_limits_and_answers(tmp_path: Path) -> None:
    with running_redis(tmp_path) as redis:
        shared = {"redis_url": redis.url, "limits": TEN, "cache": CACHING}
        async with (
            serving_model() as model,
            serving_gateway(tree(tmp_path / "a", model.url, **shared)) as (first, _),
            serving_gateway(tree(tmp_path / "b", model.url, **shared)) as (second, _),
            aiohttp.ClientSession() as client,
        ):
            statuses, kept = [], []
            for number in range(12):
                url = (first, second)[number % 2] + "/v1/chat/completions"
                body = {**ASK, "seed": number // 2 if number < 4 else number}
                async with client.post(url, json=body) as response:
                    statuses.append(response.status)
                    kept.append(response.headers.get("cache-status", "")[:16])
        assert kept[:4] == ["buildwright; fwd", "buildwright; hit"] * 2
        assert statuses == [200] * 12
        assert len(model.requests) == 10


async def ask_many(case: Case, count: int, start: int) -> list[int]:
    async def one(number: int) -> int:
        async with case.ask(seed=start + number, stream=number % 2 == 1) as response:
            await response.read()
            return int(response.status)

    return await asyncio.gather(*(one(number) for number in range(count)))


async def fail(redis: RedisServer, how: str) -> None:
    if how == "flushed":
        from redis.asyncio import Redis

        async with Redis.from_url(redis.url) as other:
            await other.flushall()
    else:
        {"frozen": redis.freeze, "killed": redis.kill}[how]()


@pytest.mark.parametrize("how", ["frozen", "killed", "flushed"])
async def test_no_call_fails_when_redis_does(how: str, tmp_path: Path) -> None:
    with running_redis(tmp_path) as redis:
        async with opened(tmp_path, redis_url=redis.url, limits=MANY, cache=CACHING) as case:
            before = await ask_many(case, 16, 0)
            under_way = asyncio.create_task(ask_many(case, 32, 100))
            await asyncio.sleep(0)
            await fail(redis, how)
            during = await under_way
            after = await ask_many(case, 16, 200)
            assert set(before + during + after) == {200}
            link = case.service.gateway.redis
            assert link is not None
            assert link.fallback == (how != "flushed")
            again = await ask_many(case, 16, 200)
            assert set(again) == {200}
            # What was kept since the failure is found again, wherever it is kept.
            assert len(case.model.requests) == 64
            assert len(await settled(case.service)) == 64


async def test_a_gateway_starts_without_its_redis(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/nobody.sock"
    async with opened(tmp_path, redis_url=url, limits=MANY) as case:
        await capped(case.service)
        async with case.ask() as response:
            assert response.status == 200
            assert response.headers["x-ratelimit-remaining-requests"] == "99999"
