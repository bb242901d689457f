"""What comes from a client: requests are parsed, bounded and handed over in order.

Parsing is httptools' (llhttp, strict); this file owns limits and back-pressure.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from buildwright.web.http1.scope import (
    BAD_HOST,
    RefusedError,
    head_without_upgrade,
    is_host,
    request_scope,
)
from buildwright.web.http1.state import State

if TYPE_CHECKING:
    from buildwright.web.http1.exchange import Exchange

MAX_HEAD_BYTES = 64 << 10
"""Bytes of a head, of trailers, of anything between two pieces of a body; a slice more at most."""

PAUSE_BYTES = 64 << 10
"""Unread bytes of a body at which no more is read from the client."""

MAX_WAITING = 16
"""Requests at which no more is read from a client that has no answer to the first yet."""

SLICE_BYTES = 16 << 10
"""What is parsed at once: no limit above is passed by more."""


class Reading(asyncio.Protocol, ABC):
    """The half of a connection that reads; the other half answers what this one has accepted."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._parser = HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._incoming: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._headers: list[tuple[bytes, bytes]] = []
        self._url = self._rest = self._declined = self._host = b""
        self._hosts = 0
        self._in_head = self._paused = self._deaf = False
        self._status, self._quiet_bytes, self._since = 400, 0, 0.0
        self._addresses: dict[str, Any] = {}

    # What the other half does.

    @abstractmethod
    def _accept(self, scope: dict[str, Any], *, keep: bool) -> Exchange:
        """Begin a request whose head is complete, or have it wait for those before it."""

    @abstractmethod
    def _last_one(self) -> None:
        """Read nothing after the request that is there."""

    @abstractmethod
    def _malformed(self, status: int) -> None:
        """Refuse what cannot be read; answers that are on their way come first."""

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        """Parse; a request that is none gets 400 and the connection ends."""
        if self._deaf:
            return
        if len(data) > SLICE_BYTES:
            self._take_slices(data)
            return
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except HttpParserError:
            self._malformed(self._status)
        if self._in_head or self._incoming is not None:
            self._more_to_come(len(data))

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._headers, self._url, self._hosts = [], b"", 0
        self._in_head, self._quiet_bytes = True, 0
        self._since = self.state.loop.time()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; trailers are dropped."""
        if self._in_head:
            name = name.lower()
            if name == b"host":
                # A client says the same one every time.
                good = value == self._host or self._is_host(value)
                self._hosts += 1 if good else BAD_HOST
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Hand the request over; its body may be still to come."""
        self._in_head = False
        parser = self._parser
        if parser.should_upgrade() and parser.get_method() != b"CONNECT":
            self._declined = head_without_upgrade(parser, self._url, self._headers)
            return
        try:
            scope = request_scope(parser, self._url, self._headers, self._hosts, self._addresses)
        except RefusedError as refused:
            self._status = refused.status
            raise
        self._incoming = self._accept(scope, keep=parser.should_keep_alive())

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        self._quiet_bytes = 0
        if self._incoming is not None:
            self._incoming.feed(piece)
            if self._overfed():
                self._pause()

    def on_message_complete(self) -> None:
        """The request is complete."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            incoming.received = True
            incoming.wake()

    # What exchanges and the other half call.

    def touch(self) -> None:
        """Patience with the client begins anew."""
        self._since = self.state.loop.time()

    def read_on(self) -> None:
        """Read again once what was read has been taken."""
        if not self._paused or self._ends() or self._overfed() or self._crowded():
            return
        self._paused = False
        self.touch()
        rest, self._rest = self._rest, b""
        if rest:
            self.data_received(rest)
        if not self._paused and not self._ends():
            self._transport.resume_reading()

    def _pause(self) -> None:
        if not self._paused and not self._ends():
            self._paused = True
            self._transport.pause_reading()

    def _ends(self) -> bool:
        return self._transport.is_closing()

    def _crowded(self) -> bool:
        return len(self._waiting) >= MAX_WAITING

    # Inside.

    def _is_host(self, value: bytes) -> bool:
        good = is_host(value)
        if good:
            self._host = value
        return good

    def _overfed(self) -> bool:
        incoming = self._incoming
        return incoming is not None and incoming.unread > PAUSE_BYTES and not incoming.sent

    def _take_slices(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE_BYTES):
            if self._paused:
                self._rest += data[start:]
                return
            self.data_received(data[start : start + SLICE_BYTES])

    def _more_to_come(self, size: int) -> None:
        self._quiet_bytes += size
        if self._quiet_bytes > MAX_HEAD_BYTES:
            self._malformed(431)
        elif self._incoming is not None and not self._incoming.sent:
            self.touch()

    def _stay(self, rest: bytes) -> None:
        """Nobody speaks another protocol here: read the request as if none were offered.

        After CONNECT, which the application answers, nothing is read.
        """
        if not self._declined:
            self._last_one()
            return
        head, self._declined = self._declined, b""
        self._parser = HttpRequestParser(self)
        self._rest = head + rest + self._rest
        self._pause()
        self.state.loop.call_soon(self.read_on)
