"""What the connections of a server share, and how patient they are."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from buildwright.web.http1.admission import Admission

if TYPE_CHECKING:
    from buildwright.web.http1.connection import Connection
    from buildwright.web.http1.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: an idle connection stays `keep_alive_s`; a request that has begun has `request_s`
    for its head, and so long between two pieces of its body; a client that takes nothing of its
    response for `taking_s` is left, and one that has its last answer and does not close after
    `leaving_s`. All of it is looked at every `sweep_s`.
    """

    keep_alive_s: float = 75.0
    request_s: float = 30.0
    taking_s: float = 300.0
    leaving_s: float = 5.0
    sweep_s: float = 1.0


class State:
    """The connections and exchanges of one server.

    One timer looks after the patience of all of them: a timer for each would be set and cancelled
    with every request. `drained` is set once nothing is left of a server that is ending.
    """

    def __init__(self, app: Any, patience: Patience, loop: asyncio.AbstractEventLoop) -> None:
        self.app, self.patience, self.loop = app, patience, loop
        self.connections: set[Connection] = set()
        self.exchanges: set[Exchange] = set()
        self.admission = Admission(loop)
        self.ending = False
        self.drained = asyncio.Event()
        self._second = -1
        self._date = b""
        self._timer = loop.call_later(patience.sweep_s, self._sweep)

    def date(self) -> bytes:
        """Return the Date line of now."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._date = b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
        return self._date

    def end(self) -> None:
        """Close idle connections now and the others with their next response."""
        self.ending = True
        for connection in tuple(self.connections):
            connection.close_if_idle()
        self._look()

    def over(self, exchange: Exchange) -> None:
        """Note that an exchange has ended."""
        self.exchanges.discard(exchange)
        if self.ending:
            self._look()

    def lost(self, connection: Connection) -> None:
        """Note that a connection is gone."""
        self.connections.discard(connection)
        if self.ending:
            self._look()

    async def abort(self) -> None:
        """Cancel what still runs and close every connection."""
        self._timer.cancel()
        self.admission.clear()
        tasks = [one.task for one in self.exchanges if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.exchanges.clear()
        for connection in tuple(self.connections):
            connection.abort()
        if self.connections:
            await self.drained.wait()

    def _look(self) -> None:
        if not self.exchanges and not self.connections:
            self.drained.set()

    def _sweep(self) -> None:
        self._timer = self.loop.call_later(self.patience.sweep_s, self._sweep)
        now = self.loop.time()
        for connection in tuple(self.connections):
            connection.check(now)
