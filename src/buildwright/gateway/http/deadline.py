"""One timer for a connection, however many requests it carries."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Call `expired` once the moment set last has passed on `clock` (seconds).

    Setting is cheap: the timer of the loop is touched only when the new moment comes before it,
    and looks when it fires whether the moment has moved on meanwhile.
    """

    __slots__ = ("_clock", "_expired", "_timer", "_timer_at", "at")

    def __init__(self, clock: Callable[[], float], expired: Callable[[], None]) -> None:
        self._clock = clock
        self._expired = expired
        self.at = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    def set(self, at: float) -> None:
        """Expire at `at`; infinity means never."""
        self.at = at
        if at < self._timer_at:
            self._schedule(at)

    def cancel(self) -> None:
        """Never expire, and hold nothing in the loop."""
        self.at = self._timer_at = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        delay = max(at - self._clock(), 0.001)
        self._timer = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        if self._clock() >= self.at:
            self.at = math.inf
            self._expired()
        elif self.at < math.inf:
            self._schedule(self.at)
