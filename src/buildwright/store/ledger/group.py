"""One group of operations in one transaction: decided in order in memory, written in batches."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from buildwright.core.errors import BuildwrightError, LeaseLostError, StoreError
from buildwright.core.ledger import CallExistsError, Intent, Settlement
from buildwright.store.ledger import sql
from buildwright.store.ledger.counters import Counters


class Open(NamedTuple):
    """A call that still holds money, as the writer knows it."""

    n: int
    set_id: int
    at: float
    status: str
    held_nano: int
    reserve_nano: int


@dataclass(frozen=True, slots=True)
class Extension:
    """More money for a call on its way."""

    id: str
    more_nano: int


@dataclass(frozen=True, slots=True)
class Departure:
    """A call of status `intent` that is about to leave."""

    id: str


Operation = Intent | Settlement | Extension | Departure
Outcome = BuildwrightError | None


class StaleError(Exception):
    """What this process remembers of its calls is not what the database has."""


class Group:
    """The operations of one commit. Nothing here outlives a rollback."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        counters: Counters,
        known: dict[str, Open],
        owner: str,
    ) -> None:
        self._connection, self._counters = connection, counters
        self._known, self._owner = known, owner
        self._touched: dict[str, Open | None] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._fences: dict[tuple[str, int], bool] = {}
        self._new: list[tuple[Any, ...]] = []
        self._requests: list[tuple[int, bytes]] = []
        self._settled: list[tuple[Any, ...]] = []
        self._answers: list[tuple[int, bytes]] = []
        self._newest = counters.begin()
        self.body_bytes = 0

    def run(self, operations: list[Operation]) -> list[Outcome]:
        """Decide all in order and write what was decided; an outcome for each."""
        outcomes = [self._decided(operation) for operation in operations]
        self._write()
        self._counters.write()
        return outcomes

    def committed(self) -> None:
        """Keep what the commit made true."""
        self._counters.committed(self._newest)
        for call_id, row in self._touched.items():
            if row is None:
                self._known.pop(call_id, None)
            else:
                self._known[call_id] = row

    def _decided(self, operation: Operation) -> Outcome:
        decide: Callable[[Any], None] = _DECIDERS[type(operation)]
        try:
            decide(self, operation)  # type: ignore[call-arg]
        except BuildwrightError as error:
            return error
        return None

    def _intend(self, intent: Intent) -> None:
        if intent.fence:
            self._check_fence(intent.fence)
        holder = self._holder(intent) if intent.call_key else 0
        route = self._counters.route(intent.scopes, intent.at)
        route.reserve(intent.reserve_nano)
        n = self._newest = self._newest + 1
        if holder:
            self._connection.execute(sql.SUPERSEDE, (n, holder))
        if intent.call_key:
            self._keys[intent.tenant, intent.call_key] = intent.id
        if intent.request is not None:
            self._requests.append((n, intent.request))
            self.body_bytes += len(intent.request)
        self._new.append(sql.inserted(n, intent, route.set_id, self._owner))
        self._touched[intent.id] = Open(
            n, route.set_id, intent.at, intent.status, intent.reserve_nano, intent.reserve_nano
        )

    def _settle(self, settlement: Settlement) -> None:
        row = self._row(settlement.id)
        if row is None or row.status == settlement.status:
            return
        if settlement.status == "in_doubt":
            settlement = settlement._replace(cost_nano=0, uncertain_nano=0)
            held, over = row.held_nano, False
            self._touched[settlement.id] = None
        else:
            cost = settlement.cost_nano + settlement.uncertain_nano
            held, over = 0, cost > row.held_nano
            self._counters.route_of(row.set_id, row.at).move(-row.held_nano, cost)
            self._touched[settlement.id] = None
        self._settled.append(sql.settled(row.n, settlement, held, over))
        if settlement.answer is not None:
            self._answers.append((row.n, settlement.answer))
            self.body_bytes += len(settlement.answer)
        if settlement.status == "in_doubt":
            # Its row must be read again by whoever settles it next, in this group or later.
            self._write()

    def _extend(self, extension: Extension) -> None:
        row = self._on_its_way(extension.id)
        self._counters.route_of(row.set_id, row.at).reserve(extension.more_nano)
        more = extension.more_nano
        self._change(
            extension.id,
            row._replace(held_nano=row.held_nano + more, reserve_nano=row.reserve_nano + more),
        )

    def _send(self, departure: Departure) -> None:
        row = self._on_its_way(departure.id)
        if row.status == "intent":
            self._change(departure.id, row._replace(status="sent"))

    def _change(self, call_id: str, row: Open) -> None:
        self._write()
        values = (row.status, row.held_nano, row.reserve_nano, row.n)
        self._connection.execute(sql.CHANGE_ROW, values)
        self._touched[call_id] = row

    def _on_its_way(self, call_id: str) -> Open:
        # Another process may have judged this one dead: only the database knows.
        self._write()
        self._touched.pop(call_id, None)
        self._known.pop(call_id, None)
        row = self._row(call_id)
        if row is None or row.status == "in_doubt":
            raise StoreError(
                f"call {call_id} is settled or in doubt, so it may not be sent",
                next_step="begin a new call",
            )
        return row

    def _row(self, call_id: str) -> Open | None:
        """Return an open row; None for a settled one."""
        if call_id in self._touched:
            row = self._touched[call_id]
            if row is not None:
                return row
        elif call_id in self._known:
            return self._known[call_id]
        self._write()
        found = self._connection.execute(sql.OPEN_ROW, (call_id,)).fetchone()
        if found is None:
            raise StoreError(f"there is no call {call_id} in the ledger")
        return Open(*found) if found[3] in sql.OPEN else None

    def _holder(self, intent: Intent) -> int:
        """Return the number of the failed row that gives its key away, or 0."""
        named = (intent.tenant, intent.call_key)
        if self._settled or named in self._keys:
            self._write()
        found = self._connection.execute(sql.HOLDER, named[::-1]).fetchone()
        if found is None:
            return 0
        row = sql.row_of(found)
        if row.status != "failed":
            raise CallExistsError(row)
        return int(found[0])

    def _check_fence(self, fence: tuple[str, int]) -> None:
        if fence not in self._fences:
            found = self._connection.execute(sql.FENCE, fence).fetchone()
            self._fences[fence] = found is not None
        if not self._fences[fence]:
            raise LeaseLostError(f"build {fence[0]} was taken over by another worker")

    def _write(self) -> None:
        connection = self._connection
        for count, values in sql.batches(self._new):
            connection.execute(sql.insert_rows(count), values)
        for count, values in sql.batches(self._settled):
            if connection.execute(sql.settle_rows(count), values).rowcount != count:
                raise StaleError
        if self._requests:
            connection.executemany(sql.INSERT_REQUEST, self._requests)
        if self._answers:
            connection.executemany(sql.INSERT_ANSWER, self._answers)
        for batch in (self._new, self._requests, self._settled, self._answers):
            batch.clear()


_DECIDERS: dict[type, Any] = {
    Intent: Group._intend,
    Settlement: Group._settle,
    Extension: Group._extend,
    Departure: Group._send,
}
