"""Time and ids as parameters, so that tests decide them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_build_id() -> str:
    """Return a sortable id: 9 characters of milliseconds, 5 random ones (Crockford base 32)."""
    number = (time.time_ns() // 1_000_000) << 25 | secrets.randbits(25)
    digits = []
    for _ in range(14):
        number, rest = divmod(number, 32)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` is seconds since the epoch (UTC), `tick` a monotonic second count."""

    now: Callable[[], float] = time.time
    tick: Callable[[], float] = time.monotonic
    new_id: Callable[[], str] = new_build_id
