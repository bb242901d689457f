"""What needs a transaction of its own: budgets and the judgement of dead processes' calls."""

from __future__ import annotations

import sqlite3

from buildwright.core.ledger import Budget, Period
from buildwright.store.ledger import sql
from buildwright.store.ledger.counters import window_sums
from buildwright.store.ledger.windows import day_of, window_of

LEFT_BEHIND = "its process ended before the call was settled"


def set_budget(
    connection: sqlite3.Connection, scope: str, cap_nano: int | None, period: Period, now: float
) -> Budget | None:
    """Set or remove the cap of a scope in a period, counting what its rows spent and hold."""
    named = (scope, period)
    if cap_nano is None:
        connection.execute("DELETE FROM budgets WHERE scope = ? AND period = ?", named)
        connection.execute("DELETE FROM budget_windows WHERE scope = ? AND period = ?", named)
        return None
    connection.execute(
        "INSERT INTO budgets (scope, period, cap_nano) VALUES (?, ?, ?) "
        "ON CONFLICT (scope, period) DO UPDATE SET cap_nano = excluded.cap_nano",
        (*named, cap_nano),
    )
    window = window_of(period, day_of(now))
    sums = connection.execute(sql.WINDOW, (*named, window)).fetchone()
    if sums is None:
        sums = window_sums(connection, scope, period, day_of(now))
        connection.execute(sql.INSERT_WINDOW, (*named, window, *sums))
    return Budget(scope, cap_nano, period, sums[0], sums[1], window)


def judge(connection: sqlite3.Connection, owner: str, now: float) -> int:
    """Settle what a dead owner left: what never left failed, what left is in doubt; how many."""
    rows = connection.execute(sql.LEFT_ROWS, (owner,)).fetchall()
    for n, status, held, at, scopes in rows:
        failed = status == "intent"
        values = ("failed" if failed else "in_doubt", 0 if failed else held)
        connection.execute(sql.JUDGE_ROW, (*values, now, LEFT_BEHIND, n))
        if failed and held:
            _release(connection, sql.scopes_of(scopes), at, held)
    return len(rows)


def _release(connection: sqlite3.Connection, scopes: tuple[str, ...], at: float, held: int) -> None:
    periods: tuple[Period, ...] = ("total", "day", "month")
    connection.executemany(
        sql.RELEASE,
        [
            (held, scope, period, window_of(period, day_of(at)))
            for scope in scopes
            for period in periods
        ],
    )
