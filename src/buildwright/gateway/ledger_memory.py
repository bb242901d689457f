"""The ledger without a file: for tests, and for a gateway that need not remember anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from buildwright.core.errors import LeaseLostError, StoreError
from buildwright.core.ledger import (
    Budget,
    BudgetSpentError,
    CallExistsError,
    CallFilter,
    CallStatus,
    Intent,
    LedgerRow,
    Period,
    Settlement,
    Spend,
    TokenUsage,
)

LARGEST_NANO = 10**16
WINDOWS: dict[Period, str] = {"total": "", "day": "%Y-%m-%d", "month": "%Y-%m"}


@dataclass(slots=True)
class _Row:
    intent: Intent
    status: CallStatus
    held_nano: int
    settlement: Settlement | None = None
    over_bound: bool = False

    @property
    def spent_nano(self) -> int:
        s = self.settlement
        return s.cost_nano + s.uncertain_nano if s else 0


@dataclass(slots=True)
class MemoryLedger:
    """A `core.ledger.Ledger` of one process; every budget is summed from the rows when asked.

    `epoch_of` tells the newest epoch of a build for the fence; without it every fence holds.
    """

    now: Callable[[], float]
    owner: str = "memory"
    epoch_of: Callable[[str], int | None] | None = None
    _rows: dict[str, _Row] = field(default_factory=dict)
    _keys: dict[tuple[str, str], str] = field(default_factory=dict)
    _caps: dict[tuple[str, Period], int] = field(default_factory=dict)
    _by_scope: dict[str, list[_Row]] = field(default_factory=dict)

    async def intend(self, intent: Intent) -> None:
        """Reserve in every budget of the scopes and store the row, all or nothing."""
        _check_money(intent.reserve_nano)
        if intent.id in self._rows:
            raise StoreError(f"call id {intent.id} is in the ledger already")
        if intent.fence and self.epoch_of and self.epoch_of(intent.fence[0]) != intent.fence[1]:
            raise LeaseLostError(f"build {intent.fence[0]} was taken over by another worker")
        key = (intent.tenant, intent.call_key)
        holder = self._rows.get(self._keys.get(key, "")) if intent.call_key else None
        if holder and holder.status != "failed":
            raise CallExistsError(self._seen(holder))
        self._check_room(intent, intent.reserve_nano)
        row = _Row(intent._replace(fence=None), intent.status, intent.reserve_nano)
        self._rows[intent.id] = row
        for scope in dict.fromkeys(intent.scopes):
            self._by_scope.setdefault(scope, []).append(row)
        if intent.call_key:
            self._keys[key] = intent.id

    async def sent(self, call_id: str) -> None:
        """Mark an `intent` as sent; StoreError when it is settled, in doubt or unknown."""
        row = self._on_its_way(call_id)
        row.status = "sent"
        row.intent = row.intent._replace(status="sent")

    async def extend(self, call_id: str, more_nano: int) -> None:
        """Reserve more for a call on its way; StoreError when it is settled or in doubt."""
        _check_money(more_nano)
        row = self._on_its_way(call_id)
        self._check_room(row.intent, more_nano)
        row.held_nano += more_nano
        row.intent = row.intent._replace(reserve_nano=row.intent.reserve_nano + more_nano)

    def settle(self, settlement: Settlement) -> Awaitable[None]:
        """Note how a call ended, at once."""
        _check_money(settlement.cost_nano, settlement.uncertain_nano)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        row = self._rows.get(settlement.id)
        if row is None:
            future.set_exception(StoreError(f"there is no call {settlement.id} in the ledger"))
            future.exception()
            return future
        future.set_result(None)
        if row.status not in ("done", "failed", settlement.status):
            self._settle(row, settlement)
        return future

    async def get(self, call_id: str) -> LedgerRow | None:
        """Return a call by its id."""
        row = self._rows.get(call_id)
        return None if row is None else self._seen(row)

    async def find(self, tenant: str, call_key: str) -> LedgerRow | None:
        """Return the call that holds a key."""
        return await self.get(self._keys.get((tenant, call_key), ""))

    async def calls(self, wanted: CallFilter) -> Sequence[LedgerRow]:
        """Return calls, newest first."""
        found = [self._seen(row) for row in self._matching(wanted)]
        return found[::-1][: wanted.limit]

    async def spend(self, by: Literal["model", "scope", "day"], wanted: CallFilter) -> list[Spend]:
        """Return sums of all matching calls (`limit` is not looked at), ordered by group."""
        sums: dict[str, Spend] = {}
        for row in self._matching(wanted):
            if row.settlement is None:
                continue
            for group in _groups(by, row):
                sums[group] = _plus(sums.get(group, Spend(group, 0)), row, row.settlement)
        return [sums[group] for group in sorted(sums)]

    async def budgets(self) -> Sequence[Budget]:
        """Return all budgets in their current windows, by scope and period."""
        return [self._budget(scope, period, self.now()) for scope, period in sorted(self._caps)]

    async def set_budget(self, scope: str, cap_nano: int | None, period: Period) -> Budget | None:
        """Set, change or remove a cap; a scope may have one for each period."""
        if cap_nano is None:
            self._caps.pop((scope, period), None)
            return None
        _check_money(cap_nano, largest=2**62)
        self._caps[scope, period] = cap_nano
        return self._budget(scope, period, self.now())

    async def recover(self) -> int:
        """Return 0: there is no other process, and nothing outlives this one."""
        return 0

    async def close(self) -> None:
        """Nothing is open."""

    def _settle(self, row: _Row, settlement: Settlement) -> None:
        row.status = settlement.status
        if row.intent.status == "intent":
            row.intent = row.intent._replace(status="sent")
        if settlement.status == "in_doubt":
            row.settlement = settlement._replace(cost_nano=0, uncertain_nano=0)
            return
        row.settlement = settlement
        row.over_bound = row.spent_nano > row.held_nano
        row.held_nano = 0

    def _on_its_way(self, call_id: str) -> _Row:
        row = self._rows.get(call_id)
        if row is None or row.status not in ("intent", "sent"):
            raise StoreError(
                f"call {call_id} is settled, in doubt or unknown, so it may not be sent",
                next_step="begin a new call",
            )
        return row

    def _check_room(self, intent: Intent, nano: int) -> None:
        for scope in dict.fromkeys(intent.scopes):
            for period in sorted(WINDOWS):
                if (scope, period) not in self._caps:
                    continue
                budget = self._budget(scope, period, intent.at)
                if nano and budget.spent_nano + budget.held_nano + nano > budget.cap_nano:
                    raise BudgetSpentError(budget, nano)

    def _budget(self, scope: str, period: Period, at: float) -> Budget:
        window = _window(period, at)
        rows = self._by_scope.get(scope, ())
        inside = [row for row in rows if _window(period, row.intent.at) == window]
        spent = sum(row.spent_nano for row in inside)
        held = sum(row.held_nano for row in inside)
        return Budget(scope, self._caps[scope, period], period, spent, held, window)

    def _matching(self, wanted: CallFilter) -> Iterable[_Row]:
        for row in self._rows.values():
            intent = row.intent
            if (
                (not wanted.status or row.status in wanted.status)
                and wanted.tenant in ("", intent.tenant)
                and (not wanted.scope or wanted.scope in intent.scopes)
                and intent.call_key.startswith(wanted.call_key_prefix)
                and intent.at >= wanted.since
            ):
                yield row

    def _seen(self, row: _Row) -> LedgerRow:
        return LedgerRow(
            row.intent, row.status, self.owner, row.held_nano, row.settlement, row.over_bound
        )


def _window(period: Period, at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime(WINDOWS[period])


def _groups(by: Literal["model", "scope", "day"], row: _Row) -> tuple[str, ...]:
    intent, settlement = row.intent, row.settlement
    if by == "scope":
        return tuple(dict.fromkeys(intent.scopes))
    if by == "day":
        return (_window("day", intent.at),)
    provider = (settlement and settlement.provider) or intent.provider
    return (f"{provider}/{(settlement and settlement.model) or intent.model}",)


def _plus(have: Spend, row: _Row, settlement: Settlement) -> Spend:
    u, v = have.usage, settlement.usage
    usage = TokenUsage(
        u.fresh_input + v.fresh_input,
        u.cache_read + v.cache_read,
        u.cache_write + v.cache_write,
        u.output + v.output,
        u.reasoning + v.reasoning,
        None,
        u.estimated or v.estimated,
        u.cache_write_1h + v.cache_write_1h,
    )
    return Spend(
        have.group,
        have.calls + 1,
        usage,
        have.cost_nano + settlement.cost_nano,
        have.uncertain_nano + settlement.uncertain_nano,
        have.in_doubt_nano + (row.held_nano if row.status == "in_doubt" else 0),
    )


def _check_money(*amounts: int, largest: int = LARGEST_NANO) -> None:
    for nano in amounts:
        if type(nano) is not int or not 0 <= nano <= largest:
            raise StoreError(f"{nano!r} is no sum; expected whole nano-dollars from 0 to {largest}")
