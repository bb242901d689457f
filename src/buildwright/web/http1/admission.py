"""Which requests begin now, and which stand in line while the loop has enough to do."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildwright.web.http1.exchange import Exchange

MOST_A_TURN = 64
"""Calls that begin together share their commit; more of them make the others wait for too long."""

WAIT_S = 1.0
OVERLOADED = "overloaded"
"""In the scope of a request that stood in line for so long that it should be refused, cheaply."""


class Admission:
    """Begins at most `MOST_A_TURN` requests in a turn of the loop, in the order they came.

    What has begun goes on first, so its time to an answer does not depend on how many others want
    to begin. A request that has waited for `WAIT_S` is marked `OVERLOADED`: its client is told so
    instead of waiting ever longer. Only POST stands in line: nothing else costs much, and whoever
    asks for the server's health has to be answered.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._line: deque[tuple[float, Exchange]] = deque()
        self._begun = 0
        self._turning = False

    def begin(self, exchange: Exchange) -> None:
        """Begin a request now or in turn."""
        if exchange.scope["method"] != "POST":
            exchange.start()
            return
        if self._line or self._begun >= MOST_A_TURN:
            self._line.append((self._loop.time(), exchange))
        else:
            self._begun += 1
            exchange.start()
        self._turn_soon()

    def clear(self) -> None:
        """Forget those in line."""
        self._line.clear()

    def _turn_soon(self) -> None:
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = False
        self._begun = 0
        too_old = self._loop.time() - WAIT_S
        while self._line and self._begun < MOST_A_TURN:
            came_at, exchange = self._line.popleft()
            if came_at < too_old:
                exchange.scope[OVERLOADED] = True
            self._begun += 1
            exchange.start()
        if self._line:
            self._turn_soon()
