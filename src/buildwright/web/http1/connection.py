"""One connection of a client: requests in, in order, a response for each."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, cast

from buildwright.web.http1.exchange import STATUS_LINES, Exchange
from buildwright.web.http1.reading import Reading
from buildwright.web.http1.state import State


class Connection(Reading):
    """Answers one request at a time, and ends in a way that its client can follow.

    `full` is a future that ends when the client has taken what was sent, None while it keeps up.
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.full: asyncio.Future[None] | None = None
        self._active: Exchange | None = None
        self._closing = False
        self._refusal = self._unsent = 0
        self._unsent_since = 0.0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)
        self._since = self._unsent_since = self.state.loop.time()
        self._addresses = {
            "client": _address(transport.get_extra_info("peername")),
            "server": _address(transport.get_extra_info("sockname")),
            "scheme": "http",
        }
        self.state.connections.add(self)
        if self.state.ending:
            self.close()

    def pause_writing(self) -> None:
        """The client is slow."""
        if self.full is None:
            self.full = self.state.loop.create_future()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self.full is not None:
            self.full.set_result(None)
            self.full = None
            if self._active is None:
                self._go_on()

    def eof_received(self) -> None:
        """The client sends no more; it is taken for gone, as by other servers."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone; what is being answered is told."""
        self._closing = self._deaf = True
        self._waiting.clear()
        self._incoming = None
        self._rest = b""
        self.resume_writing()
        if self._active is not None:
            self._active.leave()
        self.state.lost(self)
        # It refers to this connection, which would wait for the garbage collector.
        del self._parser

    # What exchanges call.

    def write(self, data: bytes) -> None:
        """Write, unless the connection is closing."""
        if not self._closing and data:
            self._transport.write(data)

    def finished(self, exchange: Exchange) -> None:
        """End the connection after an exchange, or go on with the next one.

        The rest of a body that nobody wanted is read and dropped.
        """
        self._active = None
        self.state.over(exchange)
        self.touch()
        if self._closing:
            return
        if not exchange.keep or self.state.ending:
            self._end(heard=exchange.received)
        elif self._waiting or self._refusal:
            self._go_on()
        if self._paused:
            self.read_on()

    def refuse(self, status: int, *, heard: bool) -> None:
        """Answer with a bare status and close; `heard`: the client has said what it had to say."""
        self.write(
            STATUS_LINES[status] + self.state.date() + b"content-length: 0\r\n"
            b"connection: close\r\n\r\n"
        )
        self._end(heard=heard)

    # What the state calls, and ends of every kind.

    def abort(self) -> None:
        """Close at once."""
        self._closing = self._deaf = True
        self._transport.abort()

    def reset(self) -> None:
        """Close at once, and have the client see that this is no orderly end."""
        at_once = struct.pack("ii", 1, 0)
        with suppress(OSError):
            self._transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, at_once)
        self.abort()

    def close(self) -> None:
        """Close once what was written has left."""
        self._closing = self._deaf = True
        self.touch()
        self._transport.close()

    def close_if_idle(self) -> None:
        """Close when nothing is being answered."""
        if self._active is None and not self._closing:
            self.close()

    def check(self, now: float) -> None:
        """End what has been silent for too long; `now` is the loop's time."""
        patience, silent = self.state.patience, now - self._since
        unsent = self._transport.get_write_buffer_size()
        if unsent == 0 or unsent < self._unsent:
            self._unsent_since = now
        self._unsent = unsent
        if now - self._unsent_since > patience.taking_s:
            self.abort()
        elif self._closing:
            if silent > patience.leaving_s and not unsent:
                self.abort()
        elif self._in_head or self._incoming is not None:
            if silent > patience.request_s and not self._paused:
                self._too_slow()
        elif self._active is None and not unsent and silent > patience.keep_alive_s:
            self.close()

    def _end(self, *, heard: bool) -> None:
        """Close; a client that may still be writing can read its answer before: bytes that are
        not read at a close reset the connection, and the answer is lost with it.
        """
        if heard and not (self._paused or self._deaf):
            self.close()
        elif not self._closing:
            self._closing = self._deaf = True
            self.touch()
            try:
                self._transport.write_eof()
            except OSError:
                # It has been reset, and nobody was told yet.
                self._transport.abort()
            else:
                self._transport.resume_reading()

    # What the half that reads asks for.

    def _accept(self, scope: dict[str, Any], *, keep: bool) -> Exchange:
        exchange = Exchange(self, scope, keep=keep)
        if self._active is None and self.full is None:
            self._activate(exchange)
            return exchange
        self._waiting.append(exchange)
        if self._crowded():
            self._pause()
        return exchange

    def _activate(self, exchange: Exchange) -> None:
        self._active = exchange
        self.state.exchanges.add(exchange)
        self.state.admission.begin(exchange)

    def _go_on(self) -> None:
        """Answer what comes next, unless the client has to take what it was sent before."""
        if self._closing or self._active is not None or self.full is not None:
            return
        if self._waiting:
            self._activate(self._waiting.popleft())
        elif self._refusal:
            self.refuse(self._refusal, heard=False)

    def _last_one(self) -> None:
        self._deaf = True
        last = self._waiting[-1] if self._waiting else self._active
        if last is not None:
            last.keep = False

    def _too_slow(self) -> None:
        """Refuse a request that does not come; the application's own time is not the client's."""
        incoming = self._incoming
        if incoming is None or incoming.waits:
            self._malformed(408)
        elif incoming.sent:
            self.abort()

    def _malformed(self, status: int) -> None:
        broken, self._incoming = self._incoming, None
        self._in_head, self._deaf = False, True
        self._refusal = status
        if broken is None:
            self._go_on()
        elif broken.sent:
            self._end(heard=False)
        elif broken is not self._active:
            self._waiting.pop()
            self._go_on()
        else:
            broken.leave()
            broken.cut(status)


def _address(name: Any) -> tuple[str, int] | None:
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None
