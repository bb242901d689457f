"""One connection to an upstream: a request out, a response in, then the next.

This file owns the transport: deadlines, back-pressure, how an exchange ends, and the question
whether the connection may be used again. Reading the bytes is `reader`'s.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable
from typing import cast

from buildwright.gateway.http.deadline import Deadline
from buildwright.gateway.http.errors import HttpError, Kind
from buildwright.gateway.http.head import HeadError, idle_hint_s
from buildwright.gateway.http.incoming import Incoming
from buildwright.gateway.http.limits import PAUSE_BYTES, RESUME_BYTES, Timeouts
from buildwright.gateway.http.origin import Origin
from buildwright.gateway.http.reader import ResponseReader

# An end of file that the loop has not seen yet is worth a system call only after a while.
_PROBE_AFTER_S = 0.5


class Connection(asyncio.Protocol):
    """Used by one exchange at a time; `freed` and `lost` tell the pool what became of it.

    `freed` is called when a response is complete and another request may follow, `lost` once when
    the transport is gone. `idle_s` is the age at which an idle connection closes itself.
    """

    def __init__(
        self,
        origin: Origin,
        idle_s: float,
        clock: Callable[[], float],
        freed: Callable[[Connection], None],
        lost: Callable[[Connection], None],
    ) -> None:
        self._origin = origin
        self._idle_s = idle_s
        self._clock = clock
        self._freed = freed
        self._lost = lost
        self.made = False
        self.closed = False
        self._abandoned = False
        self._idle_until = math.inf
        self._idle_since = 0.0
        self._reader = ResponseReader()
        self._transport: asyncio.Transport
        self._incoming: Incoming | None = None
        self._timeouts = Timeouts()
        self._deadline = Deadline(clock, self._on_deadline)
        self._read_paused = False
        self._write_paused = False
        self._unwritten = 0

    # What the pool and the response ask for.

    def usable(self) -> bool:
        """Return whether a request may be written: open, not too old, and nothing to read."""
        if self.closed or self._abandoned or self._transport.is_closing():
            return False
        now = self._clock()
        if now >= self._idle_until:
            return False
        return now - self._idle_since < _PROBE_AFTER_S or not self._readable()

    def begin(self, request: bytes, timeouts: Timeouts, *, body_wanted: bool) -> Incoming:
        """Write the whole request at once and return where its response will arrive."""
        incoming = self._incoming = Incoming()
        self._reader.expect(incoming, body_wanted=body_wanted)
        self._timeouts = timeouts
        self._unwritten = len(request)
        self._deadline.set(self._clock() + timeouts.first_s)
        self._transport.write(request)
        return incoming

    def consumed(self, incoming: Incoming) -> None:
        """Read on when the reader has taken enough of `incoming`."""
        if self._read_paused and incoming is self._incoming and incoming.unread < RESUME_BYTES:
            self._read_paused = False
            self._deadline.set(self._clock() + self._timeouts.between_s)
            self._transport.resume_reading()

    def drop(self, incoming: Incoming) -> None:
        """Close the connection if it still belongs to `incoming`; what waits there ends as cut."""
        if incoming is self._incoming:
            self._fail("cut", "the response was given up")

    def abort(self) -> None:
        """Close now, without a farewell; an exchange in flight ends as cut."""
        self._abandoned = True
        if self._incoming is not None:
            self._fail("cut", "the connection was closed on our side")
        elif self.made and not self.closed:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, and have it tell us of every write that does not go out at once."""
        self.made = True
        self._transport = cast(asyncio.Transport, transport)
        # 1 and not 0: TLS transports pause at the mark, where 0 would mean always.
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._idle_since = self._clock()
        if self._abandoned:
            self._transport.abort()

    def pause_writing(self) -> None:
        """The kernel takes no more for now."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """All of the request is with the kernel; only now the wait for the answer begins."""
        self._write_paused = False
        if self._incoming is not None and not self._reader.in_body:
            self._deadline.set(self._clock() + self._timeouts.first_s)

    def data_received(self, data: bytes) -> None:
        """Parse; bytes that nobody asked for poison the connection."""
        incoming = self._incoming
        if incoming is None:
            self.abort()
            return
        try:
            self._reader.feed(data)
        except HeadError as error:
            self._fail("malformed", str(error))
            return
        if incoming.complete:
            self._finish(incoming)
        elif self._reader.in_body:
            self._progress(incoming)

    def eof_received(self) -> None:
        """The peer will send no more; that may be the end of the body."""
        self._ended(None)
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self.closed = True
        self._ended(exc)
        self._deadline.cancel()
        self._reader.dispose()
        self._lost(self)

    # Inside.

    def _finish(self, incoming: Incoming) -> None:
        self._incoming = None
        incoming.wake()
        if self._read_paused:
            self._read_paused = False
            self._transport.resume_reading()
        if self._write_paused or not self._reader.keep or self._transport.is_closing():
            self.abort()
            return
        self._idle_since = now = self._clock()
        self._idle_until = now + idle_hint_s(incoming.headers, self._idle_s)
        self._deadline.set(self._idle_until)
        self._freed(self)

    def _progress(self, incoming: Incoming) -> None:
        if self._reader.silent:
            return  # chunk extensions and trailers are no progress
        if incoming.unread > PAUSE_BYTES:
            if not self._read_paused:
                self._read_paused = True
                self._deadline.set(math.inf)
                self._transport.pause_reading()
        else:
            self._deadline.set(self._clock() + self._timeouts.between_s)
        incoming.wake()

    def _ended(self, exc: Exception | None) -> None:
        incoming = self._incoming
        if incoming is None or incoming.complete:
            return
        if exc is not None:
            self._fail("reset", f"the peer reset the connection {self._place()}")
        elif self._reader.until_close and self._reader.in_body:
            incoming.complete = True
            self._reader.keep = False
            self._finish(incoming)
        else:
            self._fail("cut", f"the peer closed the connection {self._place()}")

    def _place(self) -> str:
        if self._reader.in_body:
            return "in the middle of the body"
        return "in the middle of the head" if self._reader.silent else "without a byte of an answer"

    def _fail(self, kind: Kind, message: str) -> None:
        incoming = self._incoming
        self._incoming = None
        if incoming is not None:
            incoming.error = HttpError(kind, f"{self._origin}: {message}", sent=True)
            incoming.wake()
        self.abort()

    def _readable(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._transport.get_extra_info("socket"), selectors.EVENT_READ)
            return bool(selector.select(0))

    def _on_deadline(self) -> None:
        patience = self._timeouts
        if self._incoming is None:
            self.abort()
        elif self._reader.in_body:
            self._fail("between_timeout", f"no data for {patience.between_s:g} s")
        elif self._writing_goes_on():
            self._deadline.set(self._clock() + patience.first_s)
        else:
            what = "the request was not taken" if self._write_paused else "no response head"
            self._fail("first_timeout", f"{what} within {patience.first_s:g} s")

    def _writing_goes_on(self) -> bool:
        before = self._unwritten
        self._unwritten = self._transport.get_write_buffer_size()
        return self._write_paused and self._unwritten < before
