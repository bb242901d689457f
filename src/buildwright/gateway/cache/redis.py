"""Answers in Redis, shared by all processes; in memory while Redis does not answer.

How much is kept is Redis' own affair (`maxmemory` and its policy); every entry runs out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

import orjson

from buildwright.gateway.cache.entries import CacheStats, Entry
from buildwright.gateway.cache.memory import MemoryCache
from buildwright.gateway.redis_link import RedisAwayError, RedisLink

PREFIX = "buildwright:cache:1:"
LARGEST_BYTES = 1 << 20
"""Larger entries are not kept: all calls share the connection."""
HEAD_BYTES = 4096
BATCH = 500
COUNTED_S = 10.0
"""A count of keys is told again for this long."""


class RedisCache:
    """Entries by key; `now` is seconds since the epoch. The link is closed by who opened it."""

    def __init__(self, link: RedisLink, memory: MemoryCache, now: Callable[[], float]) -> None:
        self._link, self._memory, self._now = link, memory, now
        self._hits = self._asked = 0
        self._count, self._counted_at = 0, float("-inf")
        self._owed: list[str] = []
        link.returning.append(self._returned)

    async def get(self, key: str) -> Entry | None:
        """Return an entry that has not run out."""
        self._asked += 1
        try:
            raw: bytes | None = await self._link.ask("GET", PREFIX + key)
        except RedisAwayError:
            entry = await self._memory.get(key)
        else:
            entry = _entry(raw) if raw else None
        if entry is None or entry.until <= self._now():
            return None
        self._hits += 1
        return entry

    async def set(self, key: str, entry: Entry) -> None:
        """Keep an entry until its time is over, or until Redis has no room."""
        head = orjson.dumps([entry.name, entry.stream, entry.at, entry.until])
        left_ms = int((entry.until - self._now()) * 1000)
        if entry.size > LARGEST_BYTES or len(head) >= HEAD_BYTES or left_ms < 1:
            return
        raw = head + b"\n" + entry.answer
        try:
            await self._link.tell("SET", PREFIX + key, raw, "PX", left_ms)
        except RedisAwayError:
            await self._memory.set(key, entry)

    async def clear(self, pattern: str = "*") -> int:
        """Delete entries whose name or key matches; return how many.

        While Redis is away those in memory go at once, and those in Redis as soon as it is back.
        """
        self._counted_at = float("-inf")
        try:
            return await self._clear(pattern)
        except RedisAwayError:
            self._owed.append(pattern)
            return await self._memory.clear(pattern)

    async def stats(self) -> CacheStats:
        """Return numbers; `memory_used` is that of the whole Redis, `keys` up to 10 s old."""
        rate = self._hits / self._asked if self._asked else 0.0
        try:
            if self._now() - self._counted_at > COUNTED_S:
                self._count = len(await self._keys())
                self._counted_at = self._now()
            told: bytes = await self._link.ask("INFO", "memory")
        except RedisAwayError:
            mine = await self._memory.stats()
            return CacheStats(True, "memory (redis is away)", mine.keys, mine.memory_used, rate)
        return CacheStats(True, "redis", self._count, _used(told), rate)

    async def close(self) -> None:
        """Forget what is in memory."""
        await self._memory.close()

    async def _returned(self) -> None:
        """Redis is back: do what it missed; what was kept meanwhile may be out of date."""
        await self._memory.clear()
        while self._owed:
            pattern = self._owed.pop(0)
            await self.clear(pattern)
            if self._link.fallback:
                return

    async def _clear(self, pattern: str) -> int:
        deleted = 0
        for keys in _batches(await self._keys()):
            found = [key for key in keys if await self._matches(key, pattern)]
            deleted += await self._link.ask("UNLINK", *found) if found else 0
        return deleted

    async def _matches(self, key: bytes, pattern: str) -> bool:
        if pattern == "*" or fnmatchcase(key.decode()[len(PREFIX) :], pattern):
            return True
        entry = _entry(await self._link.ask("GETRANGE", key, 0, HEAD_BYTES - 1))
        return entry is not None and fnmatchcase(entry.name, pattern)

    async def _keys(self) -> list[bytes]:
        cursor, found = b"0", set[bytes]()
        while True:
            cursor, keys = await self._link.ask(
                "SCAN", cursor, "MATCH", f"{PREFIX}*", "COUNT", BATCH
            )
            found.update(keys)
            if cursor == b"0":
                return sorted(found)


def _batches(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


def _entry(raw: bytes) -> Entry | None:
    head, _, answer = raw.partition(b"\n")
    try:
        name, stream, at, until = orjson.loads(head)
        return Entry(str(name), answer, bool(stream), float(at), float(until))
    except (ValueError, TypeError):
        return None


def _used(told: bytes) -> int:
    for line in told.splitlines():
        if line.startswith(b"used_memory:"):
            return int(line.partition(b":")[2])
    return 0
