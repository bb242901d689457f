"""Results of async functions that are kept: equal arguments, one call; errors never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

import buildwright
from buildwright.gateway.cache.decorators import ResultCache, cache_synthesis_result, cached

ROOM = 1 << 20


class Now:
    """A clock that tests set."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def cache(now: Now) -> ResultCache:
    return ResultCache(ROOM, now)


@dataclass(frozen=True)
class One:
    n: int


@dataclass(frozen=True)
class Other:
    n: int


class Colour(Enum):
    RED = 1


def counting(cache: ResultCache, **given: Any) -> tuple[list[Any], Callable[..., Any]]:
    """Return a kept function and the list of the arguments it was really called with."""
    asked: list[Any] = []

    @cached(cache=cache, **given)
    async def twice(value: Any, times: int = 2) -> list[Any]:
        asked.append(value)
        return [value] * times

    return asked, twice


async def test_equal_arguments_are_one_call_however_they_are_given(cache: ResultCache) -> None:
    asked, twice = counting(cache)
    assert await twice("a") == await twice(value="a") == await twice("a", times=2) == ["a", "a"]
    assert await twice("a", 3) == ["a", "a", "a"]
    assert asked == ["a", "a"]


DIFFERENT: list[Any] = [
    None, True, 1, 2.5, "1", "", b"1", float("nan"), float("inf"), 2**70, [1], [[1]], {"a": 1},
    {"a": 2}, {1: "a"}, {"1": "a"}, {1, 2}, One(1), Other(1), Path("a"), "a", Colour.RED, "\ud800",
    date(2026, 11, 20), datetime(2026, 11, 20, tzinfo=UTC), {"set": [1, 2]},
]  # fmt: skip


async def test_different_arguments_never_share_a_result(cache: ResultCache) -> None:
    asked, twice = counting(cache)
    for value in DIFFERENT:
        assert repr((await twice(value))[0]) == repr(value)
    assert len(asked) == len(DIFFERENT)
    stats = await cache.stats()
    assert (stats.keys, stats.hit_rate) == (len(DIFFERENT), 0.0)


async def test_equal_values_in_another_form_are_the_same(cache: ResultCache) -> None:
    asked, twice = counting(cache)
    same: list[Any] = [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}, [1, 2], (1, 2)]
    for value in same:
        await twice(value)
    assert len(asked) == 2


KINDS = {"model": 7_200, "quality": 86_400, "synthesis": 3_600, "mcp": 1_800}


@pytest.mark.parametrize(("kind", "seconds"), KINDS.items())
async def test_each_kind_has_its_time(
    cache: ResultCache, now: Now, kind: str, seconds: float
) -> None:
    asked, twice = counting(cache, kind=kind)
    await twice("a")
    now.at += seconds - 1
    await twice("a")
    assert len(asked) == 1
    now.at += 2
    await twice("a")
    assert len(asked) == 2


async def test_a_time_of_its_own_wins(cache: ResultCache, now: Now) -> None:
    asked, twice = counting(cache, ttl=5, kind="quality")
    await twice("a")
    now.at += 6
    await twice("a")
    assert len(asked) == 2


async def test_calls_that_come_together_are_one(cache: ResultCache) -> None:
    asked, go = [], asyncio.Event()

    @cached(cache=cache)
    async def slow(value: str) -> str:
        asked.append(value)
        await go.wait()
        return value.upper()

    tasks = [asyncio.create_task(slow("a")) for _ in range(5)]
    while not asked:
        await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*tasks) == ["A"] * 5
    assert asked == ["a"]


async def test_an_error_is_passed_to_all_who_wait_and_not_kept(cache: ResultCache) -> None:
    asked = []

    @cached(cache=cache)
    async def failing(value: str) -> str:
        asked.append(value)
        await asyncio.sleep(0)
        if len(asked) == 1:
            raise ValueError("no")
        return value

    told = await asyncio.gather(failing("a"), failing("a"), return_exceptions=True)
    assert [str(one) for one in told] == ["no", "no"]
    assert await failing("a") == "a"
    assert len(asked) == 2


async def test_who_waits_for_a_call_that_is_given_up_makes_it_itself(cache: ResultCache) -> None:
    asked, go = [], asyncio.Event()

    @cached(cache=cache)
    async def slow(value: str) -> str:
        asked.append(value)
        await go.wait()
        return value

    first = asyncio.create_task(slow("a"))
    second = asyncio.create_task(slow("a"))
    while not asked:
        await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == "a"
    assert first.cancelled()
    assert len(asked) == 2


async def test_a_result_that_a_caller_changes_is_not_changed_for_others(
    cache: ResultCache,
) -> None:
    _, twice = counting(cache)
    (await twice("a")).append("mine")
    (await twice("a")).append("mine too")
    assert await twice("a") == ["a", "a"]


async def test_a_result_that_cannot_be_kept_is_returned_all_the_same(cache: ResultCache) -> None:
    @cached(cache=cache)
    async def making(value: int) -> Callable[[], int]:
        return lambda: value

    assert [(await making(1))(), (await making(1))()] == [1, 1]
    assert (await cache.stats()).keys == 0


async def test_names_are_cleared_by_pattern(cache: ResultCache) -> None:
    _, twice = counting(cache)
    await twice("a")
    await cache.set("mine", 1)
    assert await cache.clear("*twice*") == 1
    assert (await cache.get("mine"), await cache.get("other", "none")) == (1, "none")


async def test_memory_is_bounded_in_bytes(now: Now) -> None:
    cache = ResultCache(100_000, now)
    for number in range(100):
        await cache.set(str(number), "x" * 5_000)
    assert not await cache.set("lambda", lambda: None)
    await cache.set("huge", "x" * 50_000)
    stats = await cache.stats()
    assert stats.memory_used <= 100_000
    assert 10 < stats.keys < 20
    assert await cache.get("huge") is None


async def test_an_argument_without_a_form_is_refused_by_name(cache: ResultCache) -> None:
    asked, twice = counting(cache)
    with pytest.raises(TypeError, match="argument 'value' is a object, which has no canonical"):
        await twice(object())
    assert asked == []


def test_what_makes_no_sense_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="kind is 'qualty'; expected one of model, quality"):
        cached(kind="qualty")
    with pytest.raises(ValueError, match="ttl is -1; expected seconds above 0"):
        cached(-1)
    with pytest.raises(TypeError, match="is no async function"):
        cached()(len)  # type: ignore[arg-type]


async def test_public_names_share_the_cache_of_the_process() -> None:
    asked = []

    @cache_synthesis_result(ttl=60)
    async def synthesise(question: str) -> str:
        asked.append(question)
        return "answer"

    before = (await buildwright.get_cache().stats()).keys
    assert [await synthesise("q"), await synthesise("q")] == ["answer", "answer"]
    assert (await buildwright.get_cache().stats()).keys == before + 1
    assert await buildwright.get_cache().clear("*synthesise*") == 1
    assert asked == ["q"]
    assert buildwright.cache_synthesis_result is cache_synthesis_result
