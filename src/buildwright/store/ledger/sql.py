"""Statements of the ledger and how its rows become values; portable SQL but for PRAGMA."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

from buildwright.core.ledger import Intent, LedgerRow, Settlement, TokenUsage

OPEN = ("intent", "sent", "in_doubt")
SEPARATOR = "\x1f"
Row = tuple[Any, ...]

LARGEST_BATCH = 128
INSERTED = (
    "n", "id", "at", "tenant", "scope_set", "status", "owner", "wire", "asked_model", "provider",
    "model", "price_version", "reserve_nano", "held_nano", "call_key", "body_hash",
)  # fmt: skip
SETTLED = (
    "status", "held_nano", "settled_at", "fresh_input", "cache_read", "cache_write",
    "cache_write_1h", "output", "reasoning", "reported_total", "estimated", "cost_nano",
    "uncertain_nano", "used_provider", "used_model", "http_status", "error", "attempts",
    "fallbacks", "first_byte_s", "over_bound",
)  # fmt: skip
CHANGE_ROW = "UPDATE ledger SET status = ?, held_nano = ?, reserve_nano = ? WHERE n = ?"
SUPERSEDE = "UPDATE ledger SET superseded = ? WHERE n = ?"
INSERT_REQUEST = "INSERT INTO ledger_bodies (n, request) VALUES (?, ?)"
INSERT_ANSWER = """
INSERT INTO ledger_bodies (n, answer) VALUES (?, ?)
ON CONFLICT (n) DO UPDATE SET answer = excluded.answer
"""
OPEN_ROW = "SELECT n, scope_set, at, status, held_nano, reserve_nano FROM ledger WHERE id = ?"
FENCE = "SELECT 1 FROM builds WHERE id = ? AND epoch = ?"
ROW = """
SELECT l.n, l.id, l.at, l.tenant, s.scopes, l.status, l.owner, l.wire, l.asked_model, l.provider,
       l.model, l.price_version, l.reserve_nano, l.held_nano, l.call_key, l.body_hash,
       l.settled_at, l.fresh_input, l.cache_read, l.cache_write, l.output, l.reasoning,
       l.reported_total, l.estimated, l.cost_nano, l.uncertain_nano, l.used_provider,
       l.used_model, l.http_status, l.error, l.attempts, l.fallbacks, l.first_byte_s,
       l.over_bound, b.request, b.answer, l.cache_write_1h
FROM ledger l JOIN scope_sets s ON s.id = l.scope_set LEFT JOIN ledger_bodies b ON b.n = l.n
"""
HOLDER = f"{ROW} WHERE l.call_key = ? AND l.call_key <> '' AND l.tenant = ? AND l.superseded = 0"
LEFT_ROWS = """
SELECT l.n, l.status, l.held_nano, l.at, s.scopes
FROM ledger l JOIN scope_sets s ON s.id = l.scope_set
WHERE l.status NOT IN ('done', 'failed') AND l.status IN ('intent', 'sent') AND l.owner = ?
"""
JUDGE_ROW = """
UPDATE ledger SET status = ?, held_nano = ?, settled_at = ?, fresh_input = 0, cache_read = 0,
       cache_write = 0, cache_write_1h = 0, output = 0, reasoning = 0, estimated = FALSE,
       cost_nano = 0, uncertain_nano = 0, used_provider = '', used_model = '',
       http_status = 0, error = ?, attempts = 1, fallbacks = 0, first_byte_s = 0
WHERE n = ?
"""
RELEASE = """
UPDATE budget_windows SET held_nano = held_nano - ?
WHERE scope = ? AND period = ? AND "window" = ?
"""
OWNERS = """
SELECT DISTINCT owner FROM ledger
WHERE status NOT IN ('done', 'failed') AND status IN ('intent', 'sent')
"""
CAPS = "SELECT period, cap_nano FROM budgets WHERE scope = ? ORDER BY period"
WINDOW = """
SELECT spent_nano, held_nano FROM budget_windows WHERE scope = ? AND period = ? AND "window" = ?
"""
INSERT_WINDOW = """
INSERT INTO budget_windows (scope, period, "window", spent_nano, held_nano) VALUES (?, ?, ?, ?, ?)
"""
UPDATE_WINDOW = """
UPDATE budget_windows SET spent_nano = ?, held_nano = ?
WHERE scope = ? AND period = ? AND "window" = ?
"""
SUM_WINDOW = """
SELECT COALESCE(SUM(l.cost_nano + l.uncertain_nano), 0), COALESCE(SUM(l.held_nano), 0)
FROM scope_members m JOIN ledger l ON l.scope_set = m.set_id
WHERE m.scope = ? AND l.at >= ? AND l.at < ?
"""


@cache
def insert_rows(count: int) -> str:
    """Return the statement that stores so many rows, each as `inserted` gives it.

    One statement for many rows gives the interpreter's lock up once and not for every row: a busy
    event loop would else make the writer wait for it again and again.
    """
    return f"INSERT INTO ledger ({', '.join(INSERTED)}) VALUES {_marks(len(INSERTED), count)}"  # noqa: S608 - names of ours


@cache
def settle_rows(count: int) -> str:
    """Return the statement that settles so many open rows, each as `settled` gives it."""
    if count == 1:
        marks = ", ".join(f"{name} = ?" for name in SETTLED)
        return f"UPDATE ledger SET {marks} WHERE n = ? AND status NOT IN ('done', 'failed')"  # noqa: S608 - names of ours
    columns = ", ".join(f"{name} = v.column{place}" for place, name in enumerate(SETTLED, 1))
    width = len(SETTLED) + 1
    return (
        f"UPDATE ledger SET {columns} FROM (VALUES {_marks(width, count)}) AS v "  # noqa: S608 - names of ours
        f"WHERE ledger.n = v.column{width} AND ledger.status NOT IN ('done', 'failed')"
    )


def batches(rows: Sequence[Row]) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows' values in batches of 128, 64, ... 1 rows: few statements to prepare."""
    start = 0
    while left := len(rows) - start:
        size = min(LARGEST_BATCH, 1 << left.bit_length() - 1)
        yield size, [*chain.from_iterable(rows[start : start + size])]
        start += size


def _marks(width: int, count: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * count)


def inserted(n: int, intent: Intent, scope_set: int, owner: str) -> Row:
    """Return the values of a row of `insert_rows`."""
    return (
        n,
        intent.id,
        intent.at,
        intent.tenant,
        scope_set,
        intent.status,
        owner,
        intent.wire,
        intent.asked_model,
        intent.provider,
        intent.model,
        intent.price_version,
        intent.reserve_nano,
        intent.reserve_nano,
        intent.call_key,
        intent.body_hash,
    )


def settled(n: int, s: Settlement, held_nano: int, over: bool) -> Row:  # noqa: FBT001 - a column
    """Return the values of a row of `settle_rows`."""
    u = s.usage
    return (
        s.status,
        held_nano,
        s.at,
        u.fresh_input,
        u.cache_read,
        u.cache_write,
        u.cache_write_1h,
        u.output,
        u.reasoning,
        u.reported_total,
        u.estimated,
        s.cost_nano,
        s.uncertain_nano,
        s.provider,
        s.model,
        s.http_status,
        s.error,
        s.attempts,
        s.fallbacks,
        s.first_byte_s,
        over,
        n,
    )


def row_of(r: Any) -> LedgerRow:
    """Return the value of a row selected by ROW.

    The fence is not kept. `intent.reserve_nano` holds what was reserved in all, with extensions.
    """
    intent = Intent(
        id=r[1],
        at=r[2],
        tenant=r[3],
        scopes=scopes_of(r[4]),
        reserve_nano=r[12],
        wire=r[7],
        asked_model=r[8],
        provider=r[9],
        model=r[10],
        price_version=r[11],
        status="intent" if r[5] == "intent" else "sent",
        call_key=r[14],
        body_hash=r[15],
        request=r[34],
    )
    settlement = None if r[16] is None else _settlement(r)
    return LedgerRow(intent, r[5], r[6], r[13], settlement, bool(r[33]))


def _settlement(r: Any) -> Settlement:
    return Settlement(
        id=r[1],
        at=r[16],
        status=r[5],
        usage=TokenUsage(r[17], r[18], r[19], r[20], r[21], r[22], bool(r[23]), r[36]),
        cost_nano=r[24],
        uncertain_nano=r[25],
        provider=r[26],
        model=r[27],
        http_status=r[28],
        error=r[29],
        attempts=r[30],
        fallbacks=r[31],
        first_byte_s=r[32],
        answer=r[35],
    )


def scopes_of(text: str) -> tuple[str, ...]:
    """Return the scopes of a stored set."""
    return tuple(text.split(SEPARATOR)) if text else ()
