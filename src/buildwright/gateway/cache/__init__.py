"""Answers kept for equal requests: in memory, or shared in Redis."""

from __future__ import annotations

from buildwright.gateway.cache.entries import Cache, CacheStats, Entry
from buildwright.gateway.cache.keys import cache_key, canonical
from buildwright.gateway.cache.memory import MemoryCache

__all__ = ["Cache", "CacheStats", "Entry", "MemoryCache", "cache_key", "canonical"]
