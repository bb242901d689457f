"""The windows of budgets: days and months begin at 00:00 UTC.

A call belongs to the window of its intent's time for good: its hold and, whenever it is settled,
its cost. So in every window the calls begun in it never exceed the cap, and a late settlement
neither eats tomorrow's money nor gives yesterday's back to it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from buildwright.core.ledger import Period

DAY_S = 86_400
BEFORE_ALL, AFTER_ALL = -1e18, 1e18


def day_of(at: float) -> int:
    """Return the number of the UTC day that holds `at` (seconds since the epoch)."""
    return int(at // DAY_S)


@lru_cache(maxsize=64)
def window_of(period: Period, day: int) -> str:
    """Return the name of the window: "2026-11-20", "2026-11", or "" for `total`."""
    if period == "total":
        return ""
    shape = "%Y-%m-%d" if period == "day" else "%Y-%m"
    return _date(day).strftime(shape)


def bounds_of(period: Period, day: int) -> tuple[float, float]:
    """Return the first second of the window that holds a day, and of the one after it."""
    if period == "total":
        return BEFORE_ALL, AFTER_ALL
    if period == "day":
        return float(day * DAY_S), float((day + 1) * DAY_S)
    first = _date(day).replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    return first.timestamp(), after.timestamp()


def _date(day: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
