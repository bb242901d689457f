"""Answers in memory: the least recently used go first, bounded in bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from buildwright.gateway.cache.entries import CacheStats, Entry

LARGEST_SHARE = 0.1
"""An entry larger than this share of the room is not kept."""

TABLES = 256
"""A table that entries come to and go from is made anew now and then. One for 50,000 of them has
megabytes, and the heap that it moves about in grew by a few at every burst of calls."""


class Kept:
    """An entry in the ring of all, between those that were used before and after it."""

    __slots__ = ("after", "before", "entry", "key")

    def __init__(self, key: str, entry: Entry) -> None:
        self.key, self.entry = key, entry
        self.before = self.after = self

    def leave(self) -> None:
        """Close the ring without it."""
        self.before.after, self.after.before = self.after, self.before

    def enter(self, end: Kept) -> None:
        """Become the newest: the one before the ring's end."""
        self.before, self.after = end.before, end
        end.before.after = self
        end.before = self


class MemoryCache:
    """Answers of this process; `now` is seconds since the epoch, `most` bytes."""

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._most, self._now = most, now
        self._tables: list[dict[str, Kept]] = [{} for _ in range(TABLES)]
        self._end = Kept("", Entry("", b"", False, 0.0, 0.0))
        self._size = self._hits = self._asked = 0

    async def get(self, key: str) -> Entry | None:
        """Return an entry that has not run out."""
        self._asked += 1
        kept = self._tables[hash(key) % TABLES].get(key)
        if kept is None:
            return None
        if kept.entry.until <= self._now():
            self._drop(kept)
            return None
        kept.leave()
        kept.enter(self._end)
        self._hits += 1
        return kept.entry

    async def set(self, key: str, entry: Entry) -> None:
        """Keep an entry until its time is over, or until there is no room."""
        size = entry.size
        if size > self._most * LARGEST_SHARE:
            return
        table = self._tables[hash(key) % TABLES]
        if key in table:
            self._drop(table[key])
        kept = table[key] = Kept(key, entry)
        kept.enter(self._end)
        self._size += size
        while self._size > self._most:
            self._drop(self._end.after)

    async def clear(self, pattern: str = "*") -> int:
        """Delete entries whose name or key matches; return how many."""
        found = [
            kept
            for kept in self._oldest_first()
            if fnmatchcase(kept.entry.name, pattern) or fnmatchcase(kept.key, pattern)
        ]
        for kept in found:
            self._drop(kept)
        return len(found)

    async def stats(self) -> CacheStats:
        """Return numbers."""
        rate = self._hits / self._asked if self._asked else 0.0
        keys = sum(len(table) for table in self._tables)
        return CacheStats(True, "memory", keys, self._size, rate)

    async def close(self) -> None:
        """Forget everything."""
        await self.clear()

    def _oldest_first(self) -> Iterator[Kept]:
        kept = self._end.after
        while kept is not self._end:
            yield kept
            kept = kept.after

    def _drop(self, kept: Kept) -> None:
        kept.leave()
        del self._tables[hash(kept.key) % TABLES][kept.key]
        self._size -= kept.entry.size
