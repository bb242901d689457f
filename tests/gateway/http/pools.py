"""Opening a pool to a scripted server."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable

from buildwright.gateway.http import HttpPool, PoolLimits, Timeouts, parse_origin

BRIEF = Timeouts(connect_s=5, first_s=0.05, between_s=0.05, pool_s=0.05)


@contextlib.asynccontextmanager
async def pool_to(
    url: str,
    *,
    limits: PoolLimits | None = None,
    timeouts: Timeouts | None = None,
    ssl_context: ssl.SSLContext | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[HttpPool]:
    """Yield a pool and see that it leaves nothing open and nothing waiting."""
    pool = HttpPool(
        parse_origin(url), limits=limits, timeouts=timeouts, ssl_context=ssl_context, clock=clock
    )
    try:
        yield pool
    finally:
        await pool.close()
    assert (pool.open, pool.idle, pool.waiting) == (0, 0, 0)
