"""Time and ids as parameters, so that tests decide them."""

from __future__ import annotations

import itertools
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


def make_call_ids(now: Callable[[], float] = time.time) -> Callable[[], str]:
    """Return a maker of call ids: sortable by time, unique within and across processes.

    48 bits of milliseconds, 40 random ones of the process, 24 that count its calls; in hex.
    """
    mine = secrets.randbits(40) << 24
    count = itertools.count(secrets.randbits(24))

    def new_id() -> str:
        return f"{int(now() * 1000) << 64 | mine | (next(count) & 0xFFFFFF):028x}"

    return new_id
