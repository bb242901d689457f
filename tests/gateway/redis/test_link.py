"""Redis frozen, killed, flushed, full: nobody waits, nothing raises, and it is used again after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateway.redis.server import RedisServer, running_redis

from buildwright.core.errors import SettingsError
from buildwright.gateway.cache import Entry, MemoryCache
from buildwright.gateway.cache.redis import RedisCache
from buildwright.gateway.limits import MemoryBuckets, Rule
from buildwright.gateway.limits.redis import RedisBuckets
from buildwright.gateway.redis_link import RedisAwayError, RedisLink

RULE = Rule("requests a", "requests", "a", 6, 6.0)
ENTRY = Entry("t/m", b"{}", False, 1000.0, 1060.0)


def stopped() -> float:
    return 1000.0


class Shared:
    """A link, what stands on it, and notice of its return."""

    def __init__(self, url: str) -> None:
        self.link = RedisLink(url, probe_s=0.02)
        self.buckets = RedisBuckets(self.link, MemoryBuckets(stopped))
        self.cache = RedisCache(self.link, MemoryCache(1 << 20, stopped), stopped)
        self.back = asyncio.Event()
        self.link.returning.append(self._returned)

    async def _returned(self) -> None:
        self.back.set()

    async def takes(self, count: int) -> int:
        return sum([(await self.buckets.take([(RULE, 1.0)])).refused is None for _ in range(count)])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as it:
        yield it


@asynccontextmanager
async def sharing(server: RedisServer) -> AsyncIterator[Shared]:
    shared = Shared(server.url)
    await shared.link.open()
    if not shared.link.fallback:
        await shared.back.wait()
        shared.back.clear()
    yield shared
    await shared.link.close()


async def test_a_frozen_redis_is_given_up_and_used_again_when_it_thaws(
    server: RedisServer,
) -> None:
    async with sharing(server) as shared:
        server.freeze()
        assert await shared.takes(8) == 6
        assert (shared.link.fallback, shared.link.errors_total) == (True, 1)
        await shared.cache.set("k", ENTRY)
        assert await shared.cache.get("k") == ENTRY
        server.thaw()
        await shared.back.wait()
        assert not shared.link.fallback
        assert await shared.cache.get("k") is None


async def test_a_killed_redis_is_used_again_when_it_is_back(server: RedisServer) -> None:
    async with sharing(server) as shared:
        server.kill()
        assert await shared.takes(8) == 6
        assert shared.link.fallback
        server.start()
        await shared.back.wait()
        assert await shared.takes(8) == 6


async def test_everybody_who_waits_is_let_go_at_once(server: RedisServer) -> None:
    async with sharing(server) as shared:
        server.freeze()
        asked = [shared.link.ask("PING") for _ in range(100)]
        replies = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(reply) for reply in replies} == {RedisAwayError}
        assert shared.link.errors_total == 1
        server.thaw()


async def test_a_flushed_redis_starts_anew_without_a_fallback(server: RedisServer) -> None:
    async with sharing(server) as shared:
        await shared.cache.set("k", ENTRY)
        assert await shared.takes(8) == 6
        await shared.link.ask("FLUSHALL")
        await shared.link.ask("SCRIPT", "FLUSH")
        assert await shared.takes(8) == 6
        assert await shared.cache.get("k") is None
        assert (shared.link.fallback, shared.link.errors_total) == (False, 0)


async def test_a_limit_goes_on_in_memory_from_where_redis_was(server: RedisServer) -> None:
    async with sharing(server) as shared:
        assert await shared.takes(4) == 4
        server.kill()
        assert await shared.takes(8) == 2


async def test_a_redis_without_room_is_not_used(server: RedisServer) -> None:
    async with sharing(server) as shared:
        await shared.link.ask("CONFIG", "SET", "maxmemory", "1")
        assert await shared.takes(8) == 6
        assert shared.link.fallback


async def test_what_was_cleared_meanwhile_does_not_come_back(server: RedisServer) -> None:
    async with sharing(server) as shared:
        await shared.cache.set("k", ENTRY)
        await shared.link.ask("PING")
        server.freeze()
        assert await shared.cache.clear("t/*") == 0
        server.thaw()
        await shared.back.wait()
        assert await shared.cache.get("k") is None


async def test_who_gives_up_waiting_does_not_take_the_answer_of_another(
    server: RedisServer,
) -> None:
    async with sharing(server) as shared:
        first = asyncio.create_task(shared.link.ask("ECHO", "first"))
        second = asyncio.create_task(shared.link.ask("ECHO", "second"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == b"second"


async def test_closing_while_it_is_away_ends_the_probing(server: RedisServer) -> None:
    server.kill()
    async with sharing(server) as shared:
        assert shared.link.fallback
    with pytest.raises(RedisAwayError):
        await shared.link.ask("PING")


def test_an_address_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(SettingsError, match=r"gateway\.redis_url") as caught:
        RedisLink("http://user:secret-word@127.0.0.1/0")
    assert "secret-word" not in f"{caught.value} {caught.value.next_step}"


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "redis.asyncio.connection", None)
    with pytest.raises(SettingsError, match="not installed") as caught:
        RedisLink("redis://127.0.0.1:6379/0")
    assert "buildwright[redis]" in caught.value.next_step
