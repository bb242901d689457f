"""Spans of time and moments as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from buildwright.core.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d{1,9})([smhdw])")
LONGEST_S = 100 * 366 * 86_400


def seconds_of(text: str, field: str) -> float:
    """Return the seconds of "90s", "30m", "1h", "30d" or "2w"; raises UsageError for others."""
    found = _SPAN.fullmatch(text.strip())
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_S:
        raise UsageError(
            f"{field} is {text!r}; expected a number above 0 and a unit, e.g. 90s, 30m, 1h, 30d, 2w"
        )
    return float(seconds)


def moment_of(text: str, field: str, now: float) -> float:
    """Return the second since the epoch of "7d" (ago) or "2026-11-20"; "" is 0, the beginning."""
    if not text:
        return 0.0
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        pass
    try:
        return now - seconds_of(text, field)
    except UsageError as error:
        raise UsageError(
            f"{field} is {text!r}; expected a span like 24h or 7d, or a date like 2026-11-20"
        ) from error
