"""Where limits and cached answers are kept: in memory, or in Redis when the settings name one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from buildwright.core.gateway_settings import GatewayTree
from buildwright.gateway.cache import Cache, MemoryCache
from buildwright.gateway.limits import Buckets, MemoryBuckets
from buildwright.gateway.surroundings import Surroundings

if TYPE_CHECKING:
    from buildwright.gateway.redis_link import RedisLink


@dataclass(frozen=True, slots=True)
class Stores:
    """Open stores; `redis` is None where everything is in memory by choice."""

    buckets: Buckets
    cache: Cache
    redis: RedisLink | None = None


def memory_stores(tree: GatewayTree, around: Surroundings) -> Stores:
    """Return stores of this process."""
    room = tree.gateway.cache.max_mib << 20
    return Stores(MemoryBuckets(around.tick), MemoryCache(room, around.now))


@asynccontextmanager
async def open_stores(tree: GatewayTree, around: Surroundings) -> AsyncIterator[Stores]:
    """Yield the stores of the settings; raises SettingsError for an address that is none."""
    if not tree.gateway.redis_url:
        yield memory_stores(tree, around)
        return
    from buildwright.gateway.cache.redis import RedisCache
    from buildwright.gateway.limits.redis import RedisBuckets
    from buildwright.gateway.redis_link import RedisLink

    link = RedisLink(tree.gateway.redis_url)
    buckets, room = MemoryBuckets(around.tick), tree.gateway.cache.max_mib << 20
    cache = RedisCache(link, MemoryCache(room, around.now), around.now)
    await link.open()
    try:
        yield Stores(RedisBuckets(link, buckets), cache, link)
    finally:
        await link.close()
