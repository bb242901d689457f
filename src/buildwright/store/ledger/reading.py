"""Questions to the ledger; each sees what is committed and holds no writer up."""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

from buildwright.core.ledger import Budget, CallFilter, LedgerRow, Spend, TokenUsage
from buildwright.store.ledger import sql
from buildwright.store.ledger.counters import window_sums
from buildwright.store.ledger.windows import day_of, window_of

GROUPS = {
    "model": "COALESCE(NULLIF(l.used_provider, ''), l.provider) || '/' || "
    "COALESCE(NULLIF(l.used_model, ''), l.model)",
    "day": "CAST(l.at / 86400 AS INTEGER)",
    "scope": "l.scope_set",
}
SUMS = """
SELECT {group}, COUNT(*), SUM(l.fresh_input), SUM(l.cache_read), SUM(l.cache_write),
       SUM(l.output), SUM(l.reasoning), MAX(CASE WHEN l.estimated THEN 1 ELSE 0 END),
       SUM(l.cost_nano), SUM(l.uncertain_nano),
       SUM(CASE WHEN l.status = 'in_doubt' THEN l.held_nano ELSE 0 END), SUM(l.cache_write_1h)
FROM ledger l WHERE l.settled_at IS NOT NULL{where} GROUP BY 1 ORDER BY 1
"""


def get(connection: sqlite3.Connection, call_id: str) -> LedgerRow | None:
    """Return a call by its id."""
    found = connection.execute(f"{sql.ROW} WHERE l.id = ?", (call_id,)).fetchone()
    return None if found is None else sql.row_of(found)


def find(connection: sqlite3.Connection, tenant: str, call_key: str) -> LedgerRow | None:
    """Return the call that holds a key."""
    found = connection.execute(sql.HOLDER, (call_key, tenant)).fetchone()
    return None if found is None else sql.row_of(found)


def calls(connection: sqlite3.Connection, wanted: CallFilter) -> list[LedgerRow]:
    """Return calls with their bodies, newest first."""
    where, values = _where(wanted)
    query = f"{sql.ROW} WHERE 1 = 1{where} ORDER BY l.n DESC LIMIT ?"
    return [sql.row_of(r) for r in connection.execute(query, (*values, wanted.limit))]


def spend(
    connection: sqlite3.Connection, by: Literal["model", "scope", "day"], wanted: CallFilter
) -> list[Spend]:
    """Return sums of settled and doubtful calls, ordered by group."""
    where, values = _where(wanted)
    query = SUMS.format(group=GROUPS[by], where=where)
    rows = connection.execute(query, values).fetchall()
    if by == "scope":
        return _by_scope(connection, rows)
    if by == "day":
        return [_spend(window_of("day", r[0]), r) for r in rows]
    return [_spend(r[0], r) for r in rows]


def budgets(connection: sqlite3.Connection, now: float) -> list[Budget]:
    """Return all budgets in the windows of now."""
    found = []
    query = "SELECT scope, period, cap_nano FROM budgets ORDER BY scope, period"
    for scope, period, cap in connection.execute(query).fetchall():
        window = window_of(period, day_of(now))
        sums = connection.execute(sql.WINDOW, (scope, period, window)).fetchone()
        spent, held = sums or window_sums(connection, scope, period, day_of(now))
        found.append(Budget(scope, cap, period, spent, held, window))
    return found


def owners_on_their_way(connection: sqlite3.Connection) -> list[str]:
    """Return the owners that have calls neither settled nor in doubt."""
    return [row[0] for row in connection.execute(sql.OWNERS)]


def _where(wanted: CallFilter) -> tuple[str, list[Any]]:
    terms, values = [], list[Any]()
    if wanted.status:
        terms.append(f"l.status IN ({', '.join('?' * len(wanted.status))})")
        values += wanted.status
        if not {"done", "failed"} & set(wanted.status):
            terms.append("l.status NOT IN ('done', 'failed')")
    if wanted.tenant:
        terms.append("l.tenant = ?")
        values.append(wanted.tenant)
    if wanted.scope:
        terms.append("l.scope_set IN (SELECT set_id FROM scope_members WHERE scope = ?)")
        values.append(wanted.scope)
    if wanted.call_key_prefix:
        prefix = wanted.call_key_prefix
        terms.append("l.call_key <> '' AND l.call_key >= ? AND substr(l.call_key, 1, ?) = ?")
        values += (prefix, len(prefix), prefix)
    if wanted.since:
        terms.append("l.at >= ?")
        values.append(wanted.since)
    return "".join(f" AND {term}" for term in terms), values


def _spend(group: str, r: Any) -> Spend:
    usage = TokenUsage(r[2], r[3], r[4], r[5], r[6], None, bool(r[7]), r[11])
    return Spend(group, r[1], usage, r[8], r[9], r[10])


def _by_scope(connection: sqlite3.Connection, rows: list[Any]) -> list[Spend]:
    sums: dict[str, list[Any]] = {}
    for row in rows:
        query = "SELECT scope FROM scope_members WHERE set_id = ?"
        for (scope,) in connection.execute(query, (row[0],)):
            have = sums.setdefault(scope, [scope] + [0] * (len(row) - 1))
            for at, value in enumerate(row[1:], 1):
                have[at] = max(have[at], value) if at == 7 else have[at] + value
    return [_spend(scope, sums[scope]) for scope in sorted(sums)]
