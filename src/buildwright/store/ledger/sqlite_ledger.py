"""The ledger as the rest of the program sees it: futures on the event loop."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

from buildwright.core.clock import Clock
from buildwright.core.errors import StoreError
from buildwright.core.ledger import (
    Budget,
    CallFilter,
    Intent,
    LedgerRow,
    Period,
    Settlement,
    Spend,
)
from buildwright.store.ledger import connecting, reading, tasks
from buildwright.store.ledger.group import Departure, Extension, Operation
from buildwright.store.ledger.writer import Done, Job, Task, Writer

LARGEST_NANO = 10**16
"""Ten million dollars: more in one call is a mistake, and sums must stay within 64 bits."""

LARGEST_CAP_NANO = 2**62
LATEST_S = 0.005

LOGGER = logging.getLogger(__name__)
T = TypeVar("T")


class SqliteLedger:
    """A `core.ledger.Ledger` in a SQLite file that other processes may use at the same time.

    Operations of one turn of the loop are committed together: on the loop where nothing has to be
    waited for (a hand-over to a thread and back costs twice what the commit does), else in the
    writer's thread. The database alone decides what a budget has left. Made by `open_ledger`.
    """

    def __init__(
        self, path: Path, owners: Path, owner: str, clock: Clock, *, durable: bool = False
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._path, self._owners, self._owner, self._clock = path, owners, owner, clock
        self._gathered: list[Job] = []
        self._soon = False
        self._away = 0
        self._later: asyncio.TimerHandle | None = None
        self._closed = False
        self._writer = Writer(path, owner, clock.tick, self._deliver, durable=durable)
        self._readers = ThreadPoolExecutor(1, "ledger-reader")
        self._reading: sqlite3.Connection | None = None

    async def intend(self, intent: Intent) -> None:
        """Reserve in every budget of the scopes and store the row, all or nothing."""
        _check_money("reserve_nano", intent.reserve_nano)
        try:
            await self._put(intent)
        except asyncio.CancelledError:
            # The row may still be committed; whoever began the call is gone and sends nothing.
            now = self._clock.now()
            self.settle(Settlement(intent.id, now, "failed", error="cancelled before it was sent"))
            raise

    async def sent(self, call_id: str) -> None:
        """Mark an `intent` as sent; StoreError when it is settled, in doubt or unknown."""
        await self._put(Departure(call_id))

    async def extend(self, call_id: str, more_nano: int) -> None:
        """Reserve more for a call on its way; StoreError when it is settled or in doubt."""
        _check_money("more_nano", more_nano)
        await self._put(Extension(call_id, more_nano))

    def settle(self, settlement: Settlement) -> Awaitable[None]:
        """Queue how a call ended; a commit that fails is made good with the next one.

        It rides along with the next operation that somebody waits for, or goes after `LATEST_S`:
        a commit for it alone would double the commits.
        """
        _check_money("cost_nano", settlement.cost_nano)
        _check_money("uncertain_nano", settlement.uncertain_nano)
        self._check_open()
        future = self._loop.create_future()
        self._gathered.append(Job(settlement, future))
        if self._later is None and not self._soon:
            self._later = self._loop.call_later(LATEST_S, self._flush)
        return _Settled(future, self._flush_soon)

    async def get(self, call_id: str) -> LedgerRow | None:
        """Return a call by its id."""
        return await self._read(lambda connection: reading.get(connection, call_id))

    async def find(self, tenant: str, call_key: str) -> LedgerRow | None:
        """Return the call that holds a key."""
        return await self._read(lambda connection: reading.find(connection, tenant, call_key))

    async def calls(self, wanted: CallFilter) -> Sequence[LedgerRow]:
        """Return calls, newest first."""
        return await self._read(lambda connection: reading.calls(connection, wanted))

    async def spend(self, by: Literal["model", "scope", "day"], wanted: CallFilter) -> list[Spend]:
        """Return sums of all matching calls (`limit` is not looked at), ordered by group."""
        return await self._read(lambda connection: reading.spend(connection, by, wanted))

    async def budgets(self) -> Sequence[Budget]:
        """Return all budgets in their current windows, by scope and period."""
        now = self._clock.now()
        return await self._read(lambda connection: reading.budgets(connection, now))

    async def set_budget(self, scope: str, cap_nano: int | None, period: Period) -> Budget | None:
        """Set, change or remove a cap; a scope may have one for each period."""
        _check_money("cap_nano", cap_nano or 0, LARGEST_CAP_NANO)
        now = self._clock.now()
        return await self._run(lambda c: tasks.set_budget(c, scope, cap_nano, period, now))

    async def recover(self) -> int:
        """Judge what dead processes left: `intent` becomes failed, `sent` in doubt; how many."""
        return await self._recovered(own=False)

    async def close(self) -> None:
        """Write what is queued and close."""
        if self._closed:
            return
        self._flush()
        self._closed = True
        await self._loop.run_in_executor(None, self._writer.stop)
        self._readers.shutdown()
        if self._reading is not None:
            self._reading.close()

    async def take_over(self) -> int:
        """Like `recover`, with what an earlier process of this very owner name left."""
        return await self._recovered(own=True)

    async def _recovered(self, *, own: bool) -> int:
        now, count = self._clock.now(), 0
        for owner in await self._read(reading.owners_on_their_way):
            if owner == self._owner:
                if own:
                    count += await self._run(lambda c: tasks.judge(c, self._owner, now))
                continue
            count += await self._judged(owner, now)
        return count

    async def _judged(self, owner: str, now: float) -> int:
        from buildwright.store.ledger import owners

        with owners.judged(self._owners, owner) as dead:
            return await self._run(lambda c: tasks.judge(c, owner, now)) if dead else 0

    def _put(self, work: Operation | Task) -> asyncio.Future[Any]:
        self._check_open()
        future = self._loop.create_future()
        self._gathered.append(Job(work, future))
        self._flush_soon()
        return future

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the ledger is closed", next_step="start Buildwright again")

    def _flush_soon(self) -> None:
        if self._gathered and not self._soon:
            self._soon = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._soon = False
        if self._later is not None:
            self._later.cancel()
            self._later = None
        jobs, self._gathered = self._gathered, []
        if not jobs:
            return
        done = None
        try:
            done = None if self._away else self._writer.commit_now(jobs)
        finally:
            # Whatever ended the attempt, an interrupt too, somebody waits for these.
            if done is None:
                self._away += len(jobs)
                self._writer.put(jobs)
        if done is not None:
            _resolve(done)

    async def _run(self, task: Callable[[sqlite3.Connection], T]) -> T:
        value: T = await self._put(task)
        return value

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return await self._loop.run_in_executor(self._readers, self._queried, query)

    def _queried(self, query: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._reading is None:
                self._reading = connecting.connect(self._path)
            return query(self._reading)
        except sqlite3.Error as error:
            raise connecting.translated(error) from error

    def _deliver(self, done: list[Done]) -> None:
        self._loop.call_soon_threadsafe(self._arrived, done)

    def _arrived(self, done: list[Done]) -> None:
        self._away -= len(done)
        _resolve(done)


class _Settled:
    """What `settle` returns: who awaits it has it written at once."""

    __slots__ = ("_flush_soon", "_future")

    def __init__(self, future: asyncio.Future[None], flush_soon: Callable[[], None]) -> None:
        self._future, self._flush_soon = future, flush_soon

    def __await__(self) -> Generator[Any, None, None]:
        self._flush_soon()
        return self._future.__await__()


def _resolve(done: list[Done]) -> None:
    failed = None
    for future, value, error in done:
        if future.done():
            continue
        if error is None:
            future.set_result(value)
            continue
        future.set_exception(error)
        # Nobody need await a settlement; what it met is logged here and not by the future.
        future.exception()
        failed = error if isinstance(error, StoreError) else failed
    if failed is not None:
        LOGGER.warning("ledger operations failed", extra={"event": "ledger_failed"})


def _check_money(name: str, nano: int, largest: int = LARGEST_NANO) -> None:
    if type(nano) is not int or not 0 <= nano <= largest:
        raise StoreError(f"{name} is {nano!r}; expected whole nano-dollars from 0 to {largest}")
