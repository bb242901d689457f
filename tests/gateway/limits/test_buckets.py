"""What every store of buckets has to do: memory, Redis, and Redis while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateway.redis.server import running_redis

from buildwright.gateway.limits import Buckets, MemoryBuckets, Rule
from buildwright.gateway.limits.redis import RedisBuckets
from buildwright.gateway.redis_link import RedisLink


def stopped() -> float:
    return 1000.0


def rule(name: str = "a", per_minute: int = 6, capacity: float = 6.0) -> Rule:
    """A bucket that gains so little in the time of a test that counts come out whole."""
    return Rule(f"requests {name}", "requests", name, per_minute, capacity)


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[Buckets]:
    if kind == "memory":
        yield MemoryBuckets(stopped)
        return
    with running_redis(folder) as server:
        if kind == "away":
            server.kill()
        link = RedisLink(server.url)
        await link.open()
        assert link.fallback == (kind == "away")
        yield RedisBuckets(link, MemoryBuckets(stopped))
        await link.close()


@pytest.fixture(params=["memory", "redis", "away"])
async def buckets(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Buckets]:
    async with opened(request.param, tmp_path) as it:
        yield it


async def test_a_full_bucket_gives_its_capacity_and_no_more(buckets: Buckets) -> None:
    takings = [await buckets.take([(rule(), 1.0)]) for _ in range(10)]
    assert [taking.refused is None for taking in takings] == [True] * 6 + [False] * 4
    assert [int(taking.levels[0].left) for taking in takings[:6]] == [5, 4, 3, 2, 1, 0]


async def test_a_refusal_names_the_bucket_and_the_wait(buckets: Buckets) -> None:
    await buckets.take([(rule(), 6.0)])
    taking = await buckets.take([(rule(), 1.0)])
    assert taking.refused is not None
    assert taking.refused.rule == rule()
    assert taking.wait_s == pytest.approx(10.0, abs=1.0)


async def test_more_than_the_bucket_holds_is_never_worth_waiting_for(buckets: Buckets) -> None:
    taking = await buckets.take([(rule(), 7.0)])
    assert taking.refused is not None
    assert taking.wait_s is None


async def test_all_buckets_give_or_none_does(buckets: Buckets) -> None:
    wide, narrow = rule("wide"), rule("narrow", 1, 1.0)
    assert (await buckets.take([(wide, 1.0), (narrow, 1.0)])).refused is None
    taking = await buckets.take([(wide, 1.0), (narrow, 1.0)])
    assert taking.refused is not None
    assert taking.refused.rule == narrow
    levels = await buckets.peek([wide, narrow])
    assert [int(level.left + 0.01) for level in levels] == [5, 0]


async def test_what_is_given_back_can_be_taken_again(buckets: Buckets) -> None:
    await buckets.take([(rule(), 6.0)])
    await buckets.adjust([(rule(), 2.0)])
    assert (await buckets.take([(rule(), 2.0)])).refused is None
    assert (await buckets.take([(rule(), 1.0)])).refused is not None


async def test_more_than_was_reserved_makes_a_debt(buckets: Buckets) -> None:
    await buckets.take([(rule(), 6.0)])
    await buckets.adjust([(rule(), -3.0)])
    taking = await buckets.take([(rule(), 1.0)])
    assert taking.wait_s == pytest.approx(40.0, abs=1.0)


async def test_giving_back_never_fills_above_the_capacity(buckets: Buckets) -> None:
    await buckets.adjust([(rule(), 50.0)])
    assert [level.left for level in await buckets.peek([rule()])] == [6.0]


async def test_looking_takes_nothing(buckets: Buckets) -> None:
    for _ in range(3):
        (level,) = await buckets.peek([rule()])
    assert (level.left, level.full_in_s) == (6.0, 0.0)


async def test_buckets_of_other_names_are_apart(buckets: Buckets) -> None:
    await buckets.take([(rule("a"), 6.0)])
    assert (await buckets.take([(rule("b"), 6.0)])).refused is None


async def test_calls_at_the_same_time_share_one_bucket(buckets: Buckets) -> None:
    takings = await asyncio.gather(*(buckets.take([(rule(), 1.0)]) for _ in range(50)))
    assert sum(taking.refused is None for taking in takings) == 6


async def test_fractions_are_kept_exactly(buckets: Buckets) -> None:
    for _ in range(10):
        await buckets.take([(rule(capacity=1.0, per_minute=1), 0.1)])
    (level,) = await buckets.peek([rule(capacity=1.0, per_minute=1)])
    assert level.left == pytest.approx(0.0, abs=0.05)
