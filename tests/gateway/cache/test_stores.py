"""What every cache has to do: memory, Redis, and Redis while it is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.gateway.redis.server import running_redis

from buildwright.gateway.cache import Cache, Entry, MemoryCache
from buildwright.gateway.cache.redis import RedisCache
from buildwright.gateway.redis_link import RedisLink

ROOM = 1 << 20
START = 1_000_000.0


@dataclass
class Opened:
    """A cache and its time, which only tests move."""

    cache: Cache
    at: list[float]


@pytest.fixture(params=["memory", "redis", "away"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    at = [START]
    memory = MemoryCache(ROOM, lambda: at[0])
    if request.param == "memory":
        yield Opened(memory, at)
        return
    with running_redis(tmp_path) as server:
        if request.param == "away":
            server.kill()
        link = RedisLink(server.url)
        cache = RedisCache(link, memory, lambda: at[0])
        await link.open()
        assert link.fallback == (request.param == "away")
        yield Opened(cache, at)
        await link.close()


def entry(name: str = "t/m", answer: bytes = b'{"a":1}') -> Entry:
    return Entry(name, answer, False, START, START + 60.0)


async def test_what_was_kept_comes_back_as_it_was(opened: Opened) -> None:
    kept = Entry("org:ä/m", b"data: \xff\n\ndata: [DONE]\n\n", True, START, START + 60.5)
    await opened.cache.set("k", kept)
    assert await opened.cache.get("k") == kept
    assert await opened.cache.get("other") is None


async def test_what_has_run_out_does_not_come_back(opened: Opened) -> None:
    await opened.cache.set("k", entry())
    opened.at[0] += 59.0
    assert await opened.cache.get("k") is not None
    opened.at[0] += 1.0
    assert await opened.cache.get("k") is None


async def test_the_newer_answer_replaces_the_older(opened: Opened) -> None:
    await opened.cache.set("k", entry())
    await opened.cache.set("k", entry(answer=b"new"))
    assert await opened.cache.get("k") == entry(answer=b"new")


@pytest.mark.parametrize(
    ("pattern", "left"),
    [("*", []), ("t/*", ["k3"]), ("*/small", ["k1"]), ("k1", ["k2", "k3"]),
     ("t", ["k1", "k2", "k3"]), ("t/[ab]ig", ["k2", "k3"])],
)  # fmt: skip
async def test_entries_are_deleted_by_name_or_key(
    opened: Opened, pattern: str, left: list[str]
) -> None:
    names = {"k1": "t/big", "k2": "t/small", "k3": "u/small"}
    for key, name in names.items():
        await opened.cache.set(key, entry(name))
    assert await opened.cache.clear(pattern) == 3 - len(left)
    assert [key for key in names if await opened.cache.get(key)] == left


async def test_numbers_tell_keys_and_hits(opened: Opened) -> None:
    await opened.cache.set("k1", entry())
    await opened.cache.set("k2", entry())
    for key in ("k1", "k2", "k3", "k4"):
        await opened.cache.get(key)
    stats = await opened.cache.stats()
    assert (stats.enabled, stats.keys, stats.hit_rate) == (True, 2, 0.5)
    assert stats.memory_used > 0


async def test_an_empty_cache_has_a_rate_of_nothing(opened: Opened) -> None:
    stats = await opened.cache.stats()
    assert (stats.keys, stats.hit_rate) == (0, 0.0)


async def test_an_answer_too_large_for_the_room_is_not_kept(opened: Opened) -> None:
    await opened.cache.set("k", entry()._replace(answer=b"x" * (ROOM + 1)))
    assert await opened.cache.get("k") is None
