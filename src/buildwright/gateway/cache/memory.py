"""Answers in memory: the least recently used go first, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from fnmatch import fnmatchcase

from buildwright.gateway.cache.entries import CacheStats, Entry

LARGEST_SHARE = 0.1
"""An entry larger than this share of the room is not kept."""


class MemoryCache:
    """Answers of this process; `now` is seconds since the epoch, `most` bytes."""

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._most, self._now = most, now
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._size = self._hits = self._asked = 0

    async def get(self, key: str) -> Entry | None:
        """Return an entry that has not run out."""
        self._asked += 1
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until <= self._now():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        self._hits += 1
        return entry

    async def set(self, key: str, entry: Entry) -> None:
        """Keep an entry until its time is over, or until there is no room."""
        size = entry.size
        if size > self._most * LARGEST_SHARE:
            return
        if key in self._entries:
            self._drop(key)
        self._entries[key] = entry
        self._size += size
        while self._size > self._most:
            self._drop(next(iter(self._entries)))

    async def clear(self, pattern: str = "*") -> int:
        """Delete entries whose name or key matches; return how many."""
        found = [
            key
            for key, entry in self._entries.items()
            if fnmatchcase(entry.name, pattern) or fnmatchcase(key, pattern)
        ]
        for key in found:
            self._drop(key)
        return len(found)

    async def stats(self) -> CacheStats:
        """Return numbers."""
        rate = self._hits / self._asked if self._asked else 0.0
        return CacheStats(True, "memory", len(self._entries), self._size, rate)

    async def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._size = 0

    def _drop(self, key: str) -> None:
        self._size -= self._entries.pop(key).size
