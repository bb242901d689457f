"""Holding a build while it runs: the lease is renewed, and a wish to cancel is heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from buildwright.core.clock import Clock
from buildwright.core.errors import BuildwrightError
from buildwright.store.builds import BuildStore
from buildwright.store.rows import Claim

T = TypeVar("T")
RENEW_S = 1.0
"""Also the longest a wish to cancel waits; the lease itself lasts 30 s."""


class Lease:
    """A claim kept alive in the background."""

    def __init__(self, store: BuildStore, claim: Claim, clock: Clock) -> None:
        self._store, self._claim, self._clock = store, claim, clock
        self._work: asyncio.Task[Any] | None = None
        self._lost: BuildwrightError | None = None
        self._over = asyncio.Event()
        self.cancel_requested = False

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the work; it is stopped when the lease is lost or a user cancels the build."""
        task = asyncio.ensure_future(work)
        self._work = task
        try:
            return await task
        except asyncio.CancelledError:
            if self._lost is not None:
                raise self._lost from None
            raise

    def end(self) -> None:
        """Let `keep` come to its end.

        It is not cancelled: a write that is cut short may leave its connection, and with it the
        lock of the database, to the garbage collector.
        """
        self._over.set()

    async def keep(self) -> None:
        """Renew until ended, lost, or asked to cancel."""
        while not self.cancel_requested:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), RENEW_S)
                return
            try:
                self.cancel_requested = await self._store.renew(self._claim, self._clock.now())
            except BuildwrightError as error:
                self._lost = error
            if (self.cancel_requested or self._lost) and self._work is not None:
                self._work.cancel()
                return


@asynccontextmanager
async def hold(store: BuildStore, claim: Claim, clock: Clock) -> AsyncIterator[Lease]:
    """Keep a claim alive for the length of a block."""
    lease = Lease(store, claim, clock)
    keeper = asyncio.create_task(lease.keep())
    try:
        yield lease
    finally:
        lease.end()
        await asyncio.gather(keeper, return_exceptions=True)
