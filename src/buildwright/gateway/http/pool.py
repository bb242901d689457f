"""The connections to one origin."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from buildwright.gateway.http.connection import Connection
from buildwright.gateway.http.dialing import dial
from buildwright.gateway.http.errors import HttpError
from buildwright.gateway.http.limits import PoolLimits, Timeouts
from buildwright.gateway.http.origin import Origin
from buildwright.gateway.http.request import make_start, render
from buildwright.gateway.http.response import HttpResponse


class HttpPool:
    """One pool for each origin, for the life of the process; used from one event loop.

    The connection used last is used first again. At `max_connections` callers wait in the order
    in which they came. Nothing is ever sent twice: a connection whose end was seen is not used,
    and when the peer closes a reused one after our write, without a byte of an answer, the error
    says `sent`, for nobody can prove that the request was not processed.

    For metrics: `open` (being opened included), `idle`, `waiting`, and the running totals
    `waited_s_total`, `connects_total`, `reused_total`.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        limits: PoolLimits | None = None,
        timeouts: Timeouts | None = None,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin = origin
        self.limits = limits or PoolLimits()
        self.timeouts = timeouts or Timeouts()
        self.waited_s_total = 0.0
        self.connects_total = 0
        self.reused_total = 0
        self._context = ssl_context
        self._clock = clock
        self._closed = False
        self._start = lru_cache(maxsize=256)(partial(make_start, origin))
        self._idle: list[Connection] = []
        # Every connection that holds one of the places: being opened, busy or idle.
        self._places: set[Connection] = set()
        self._waiters: deque[asyncio.Future[Connection]] = deque()
        self._dialing: set[asyncio.Timeout] = set()
        self._emptied: asyncio.Event | None = None

    @property
    def open(self) -> int:
        """Connections open or being opened."""
        return len(self._places)

    @property
    def idle(self) -> int:
        """Open connections that nobody uses."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """Callers waiting for a connection."""
        return len(self._waiters)

    async def send(
        self,
        method: bytes | str,
        path: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes = b"",
        *,
        timeouts: Timeouts | None = None,
    ) -> HttpResponse:
        """Send one request and return when the head of the response has arrived.

        `path` is appended to the origin's base path. Host, Content-Length and Accept-Encoding are
        written here, `headers` as they are given. Raises HttpError, or UnsafeRequestError before
        anything is sent. Cancelled at any instant, it closes the connection it used.
        """
        start = self._start(method, path)
        request = render(start, headers, body)
        patience = timeouts or self.timeouts
        connection = self._take() or await self._acquire(patience)
        incoming = connection.begin(request, patience, body_wanted=start.answer_has_body)
        try:
            if incoming.error is None:
                await incoming.wait()
        except asyncio.CancelledError:
            connection.drop(incoming)
            raise
        if incoming.error is not None:
            raise incoming.error
        return HttpResponse(incoming, connection)

    async def close(self) -> None:
        """Close every connection now; whoever waits or reads gets an HttpError."""
        self._closed = True
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(self._refused("the pool was closed"))
        now = asyncio.get_running_loop().time()
        for scope in self._dialing:
            if not scope.expired():
                scope.reschedule(now)
        for connection in list(self._places):
            connection.abort()
        if self._places:
            self._emptied = self._emptied or asyncio.Event()
            await self._emptied.wait()

    def _take(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                self.reused_total += 1
                return connection
            connection.abort()
        return None

    async def _acquire(self, patience: Timeouts) -> Connection:
        if self._closed:
            raise self._refused("the pool is closed")
        if len(self._places) < self.limits.max_connections:
            return await self._dial(self._new_place(), patience)
        first = False
        while True:
            granted = await self._wait(patience.pool_s, first=first)
            if not granted.made:
                return await self._dial(granted, patience)
            if granted.usable():
                self.reused_total += 1
                return granted
            granted.abort()
            first = True

    def _new_place(self) -> Connection:
        connection = Connection(
            self.origin, self.limits.idle_s, self._clock, self._on_freed, self._on_lost
        )
        self._places.add(connection)
        return connection

    async def _dial(self, connection: Connection, patience: Timeouts) -> Connection:
        self.connects_total += 1
        scope = asyncio.timeout(patience.connect_s)
        self._dialing.add(scope)
        try:
            async with scope:
                await dial(self.origin, connection, self._context)
            if self._closed or not connection.usable():
                raise self._refused("the connection was closed before it was used")
        except TimeoutError as error:
            self._give_up(connection)
            raise self._timed_out(patience) from error
        except BaseException:
            self._give_up(connection)
            raise
        finally:
            self._dialing.discard(scope)
        return connection

    def _give_up(self, connection: Connection) -> None:
        # A loop that was cancelled while connecting need not tell us that the connection is lost.
        connection.abort()
        self._on_lost(connection)

    def _timed_out(self, patience: Timeouts) -> HttpError:
        if self._closed:
            return self._refused("the pool was closed")
        message = f"{self.origin}: no connection within {patience.connect_s:g} s"
        return HttpError("connect_timeout", message, sent=False)

    def _refused(self, reason: str) -> HttpError:
        return HttpError("connect", f"{self.origin}: {reason}", sent=False)

    async def _wait(self, pool_s: float, *, first: bool) -> Connection:
        waiter: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        (self._waiters.appendleft if first else self._waiters.append)(waiter)
        began = self._clock()
        try:
            async with asyncio.timeout(pool_s):
                return await waiter
        except BaseException as error:
            self._leave_queue(waiter)
            if isinstance(error, TimeoutError):
                message = f"{self.origin}: no connection became free within {pool_s:g} s"
                raise HttpError("pool_timeout", message, sent=False) from error
            raise
        finally:
            self.waited_s_total += self._clock() - began

    def _leave_queue(self, waiter: asyncio.Future[Connection]) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        # A connection may have been granted in the very moment in which the caller was cancelled.
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            granted = waiter.result()
            if granted.made:
                self._on_freed(granted)
            else:
                self._on_lost(granted)

    def _grant(self, connection: Connection) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _on_freed(self, connection: Connection) -> None:
        if connection.closed or self._closed or not connection.made:
            connection.abort()
        elif not self._grant(connection):
            if len(self._idle) < self.limits.max_idle:
                self._idle.append(connection)
            else:
                connection.abort()

    def _on_lost(self, connection: Connection) -> None:
        if connection not in self._places:
            return
        self._places.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._closed:
            if self._emptied is not None and not self._places:
                self._emptied.set()
        elif self._waiters:
            place = self._new_place()
            if not self._grant(place):
                self._places.discard(place)
