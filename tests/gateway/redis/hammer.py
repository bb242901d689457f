"""A process that takes from one bucket as fast as it can: `python hammer.py URL SECONDS`."""

from __future__ import annotations

import asyncio
import sys
import time

from buildwright.gateway import redis_link
from buildwright.gateway.limits import MemoryBuckets, Rule
from buildwright.gateway.limits.redis import RedisBuckets
from buildwright.gateway.redis_link import RedisLink

RULE = Rule("requests hammered", "requests", "hammered", 600, 20.0)


async def hammer(url: str, seconds: float) -> int:
    """Return how many were let through; -1 when Redis was not used all the time."""
    # Exactness is asked for here, not haste.
    redis_link.DEADLINE_S = 10.0
    link = RedisLink(url)
    await link.open()
    buckets = RedisBuckets(link, MemoryBuckets(time.monotonic))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    end, passed = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        takings = await asyncio.gather(*(buckets.take([(RULE, 1.0)]) for _ in range(8)))
        passed += sum(taking.refused is None for taking in takings)
    errors = link.errors_total
    await link.close()
    return -1 if errors else passed


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(hammer(sys.argv[1], float(sys.argv[2])))}\n")
