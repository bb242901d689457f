"""What budgets have left, kept between commits for as long as no other process has written."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from buildwright.core.errors import StoreError
from buildwright.core.ledger import Budget, BudgetSpentError, Period
from buildwright.store.ledger import sql
from buildwright.store.ledger.windows import bounds_of, day_of, window_of

REMEMBERED = 20_000
"""Most scope sets, budgets and routes kept in memory."""


@dataclass(slots=True, eq=False)
class Counter:
    """A budget in one window, with what it spent and holds there.

    Once it changes it is in `changed`, the list of those to be written.
    """

    scope: str
    period: Period
    window: str
    cap_nano: int
    spent_nano: int
    held_nano: int
    changed: list[Counter]
    is_changed: bool = False

    def budget(self) -> Budget:
        """Return it as a value."""
        return Budget(
            self.scope, self.cap_nano, self.period, self.spent_nano, self.held_nano, self.window
        )


@dataclass(slots=True, frozen=True, eq=False)
class Route:
    """The set of scopes of a call and the counters it counts against on its day."""

    set_id: int
    counters: tuple[Counter, ...]

    def reserve(self, nano: int) -> None:
        """Hold in every counter or in none; raises BudgetSpentError for the first that is full."""
        for c in self.counters:
            if nano and c.spent_nano + c.held_nano + nano > c.cap_nano:
                raise BudgetSpentError(c.budget(), nano)
        self.move(nano, 0)

    def move(self, held_nano: int, spent_nano: int) -> None:
        """Add to what is held and spent."""
        for c in self.counters:
            c.held_nano += held_nano
            c.spent_nano += spent_nano
            if not c.is_changed:
                c.is_changed = True
                c.changed.append(c)


class Counters:
    """Reads through to the database, which alone decides; valid inside a write transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._version = -1
        self._caps: dict[str, tuple[tuple[Period, int], ...]] = {}
        self._counters: dict[tuple[str, Period, str], Counter] = {}
        self._routes: dict[tuple[tuple[str, ...], int], Route] = {}
        self._sets: dict[int, tuple[str, ...]] = {}
        self._changed: list[Counter] = []
        self._newest = 0

    def begin(self) -> int:
        """Forget all if another connection has committed; return the newest row's number."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version or len(self._routes) > REMEMBERED:
            self.forget()
            self._version = version
            newest = self._connection.execute("SELECT MAX(n) FROM ledger").fetchone()[0]
            self._newest = newest or 0
        return self._newest

    def committed(self, newest: int) -> None:
        """Note the newest row's number after a commit of our own."""
        self._newest = newest

    def forget(self) -> None:
        """Drop what may differ from the database."""
        self._version = -1
        self._caps.clear()
        self._counters.clear()
        self._routes.clear()
        self._sets.clear()
        self._changed.clear()

    def route(self, scopes: tuple[str, ...], at: float) -> Route:
        """Return the route of a call with these scopes, begun at this time."""
        day = day_of(at)
        found = self._routes.get((scopes, day))
        if found is None:
            distinct = tuple(dict.fromkeys(scopes))
            counters = tuple(c for scope in distinct for c in self._of_scope(scope, day))
            found = self._routes[scopes, day] = Route(self._set_id(distinct), counters)
        return found

    def route_of(self, set_id: int, at: float) -> Route:
        """Return the route of a stored row."""
        scopes = self._sets.get(set_id)
        if scopes is None:
            query = "SELECT scopes FROM scope_sets WHERE id = ?"
            row = self._connection.execute(query, (set_id,)).fetchone()
            if row is None:
                raise StoreError(f"scope set {set_id} of a call is missing from the database")
            scopes = self._sets[set_id] = sql.scopes_of(row[0])
        return self.route(scopes, at)

    def write(self) -> None:
        """Write the counters that changed."""
        self._connection.executemany(
            sql.UPDATE_WINDOW,
            [(c.spent_nano, c.held_nano, c.scope, c.period, c.window) for c in self._changed],
        )
        for c in self._changed:
            c.is_changed = False
        self._changed.clear()

    def _of_scope(self, scope: str, day: int) -> list[Counter]:
        caps = self._caps.get(scope)
        if caps is None:
            caps = tuple(self._connection.execute(sql.CAPS, (scope,)).fetchall())
            self._caps[scope] = caps
        return [self._counter(scope, period, cap, day) for period, cap in caps]

    def _counter(self, scope: str, period: Period, cap: int, day: int) -> Counter:
        window = window_of(period, day)
        found = self._counters.get((scope, period, window))
        if found is None:
            spent, held = self._stored(scope, period, window, day)
            found = Counter(scope, period, window, cap, spent, held, self._changed)
            self._counters[scope, period, window] = found
        return found

    def _stored(self, scope: str, period: Period, window: str, day: int) -> tuple[int, int]:
        named = (scope, period, window)
        row = self._connection.execute(sql.WINDOW, named).fetchone()
        if row is None:
            row = window_sums(self._connection, scope, period, day)
            self._connection.execute(sql.INSERT_WINDOW, (*named, *row))
        return int(row[0]), int(row[1])

    def _set_id(self, scopes: tuple[str, ...]) -> int:
        text = sql.SEPARATOR.join(scopes)
        query = "SELECT id FROM scope_sets WHERE scopes = ?"
        row = self._connection.execute(query, (text,)).fetchone()
        if row is None:
            made = self._connection.execute("INSERT INTO scope_sets (scopes) VALUES (?)", (text,))
            row = (made.lastrowid,)
            self._connection.executemany(
                "INSERT INTO scope_members (scope, set_id) VALUES (?, ?)",
                [(scope, row[0]) for scope in scopes],
            )
        set_id = int(row[0])
        self._sets[set_id] = scopes
        return set_id


def window_sums(
    connection: sqlite3.Connection, scope: str, period: Period, day: int
) -> tuple[int, int]:
    """Return what the rows of a scope spent and hold in the window that holds a day."""
    spent, held = connection.execute(sql.SUM_WINDOW, (scope, *bounds_of(period, day))).fetchone()
    return int(spent), int(held)
