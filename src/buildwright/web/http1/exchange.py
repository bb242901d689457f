"""One request and its response, as an ASGI application sees them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from buildwright.web.http1.connection import Connection

LOG = logging.getLogger("buildwright.web")
STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode())
    for status in HTTPStatus
    if status >= HTTPStatus.OK
}
WITHOUT_BODY = (204, 304)
Message = MutableMapping[str, Any]


class Exchange:
    """`receive` and `send` of one request; one `receive` waits at a time.

    The head of a response leaves in one write with the first piece of its body; without a
    content-length the body is sent in chunks. `keep` says that another request may follow on the
    connection.
    """

    __slots__ = (
        "_chunked", "_connection", "_continued", "_head", "_left", "_pieces", "_started", "_told",
        "_waiter", "gone", "head_only", "keep", "old", "received", "scope", "sent", "task",
        "unread",
    )  # fmt: skip

    def __init__(self, connection: Connection, scope: dict[str, Any], *, keep: bool) -> None:
        self._connection, self.scope, self.keep = connection, scope, keep
        self.head_only = scope["method"] == "HEAD"
        self.old = scope["http_version"] == "1.0"
        self.received = self.sent = self.gone = False
        self.unread = 0
        self._pieces: list[bytes] = []
        self._told = self._started = self._chunked = self._continued = False
        self._head = b""
        self._left = 0
        self._waiter: asyncio.Future[None] | None = None
        self.task: asyncio.Task[None] | None = None

    # What the connection tells.

    def start(self) -> None:
        """Have the application answer, unless the client has left meanwhile."""
        if self.gone:
            self._connection.finished(self)
            return
        self.task = self._connection.state.loop.create_task(self._run())

    def feed(self, piece: bytes) -> None:
        """Keep a piece of the body, unless the response is over: then nobody reads it."""
        if self.sent:
            return
        self._pieces.append(piece)
        self.unread += len(piece)
        self.wake()

    def leave(self) -> None:
        """The client has gone."""
        self.gone = True
        self.wake()

    def wake(self) -> None:
        """Have a waiting `receive` look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def waits(self) -> bool:
        """True while the application waits in `receive`."""
        return self._waiter is not None and not self._waiter.done()

    @property
    def begun(self) -> bool:
        """True when a part of the response has left."""
        return self._started and not self._head

    # What the application calls.

    async def receive(self) -> Message:
        """Return the next piece of the body, or that the client has left (or has its answer)."""
        if not self._pieces and not self.received:
            self._ask()
        while not (self._pieces or (self.received and not self._told)):
            if self.gone or self.sent:
                return {"type": "http.disconnect"}
            self._waiter = self._connection.state.loop.create_future()
            await self._waiter
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self.unread, self._told = 0, self.received
        # What is read on now comes with the next message, its end as well.
        more = not self.received
        self._connection.read_on()
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(self, message: Message) -> None:
        """Send a part of the response; what is sent to a client that has left is dropped.

        Raises RuntimeError for parts out of order and for a body that is not as long as its
        content-length, ValueError for a header that breaks its line and for a status below 200.
        """
        if message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
            return
        if not self._started or self.sent:
            raise RuntimeError("a part of a response before its start or after its end")
        body, more = message.get("body", b""), message.get("more_body", False)
        if not self.gone:
            self._write(body, last=not more)
        if not more:
            self.sent = True
            self.wake()
        elif self._connection.full is not None:
            await asyncio.shield(self._connection.full)

    def _ask(self) -> None:
        """The client is waited for; one that asked whether to send its body is told to."""
        self._connection.touch()
        if self._head:
            self._connection.write(self._head)
            self._head = b""
        if not self._continued and not self._started and self._expects():
            self._continued = True
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _expects(self) -> bool:
        return not self.old and any(
            name == b"expect" and value.lower() == b"100-continue"
            for name, value in self.scope["headers"]
        )

    def _begin(self, status: int, headers: Any) -> None:
        if self._started:
            raise RuntimeError("a second start of a response")
        lines = [STATUS_LINES.get(status) or _status_line(status), self._connection.state.date()]
        lines += [b"%b: %b\r\n" % header for header in headers]
        head = b"".join(lines)
        if not head.count(b"\r") == head.count(b"\n") == len(lines):
            raise ValueError("a response header with a line break")
        if self._connection.state.ending:
            self.keep = False
        elif not self.received and not self._continued and self._expects():
            # Whether its body follows is the client's to decide now: nobody could tell it from
            # the next request.
            self.keep = False
        self._head = head + self._framing(status, headers)
        self._started = True

    def _framing(self, status: int, headers: Any) -> bytes:
        """Decide how the body ends; return the end of the head, which tells it."""
        length, told = dict(headers).get(b"content-length"), b""
        if status in WITHOUT_BODY:
            self.head_only = True
        elif length is not None:
            self._left = int(length)
        elif self.old:
            self._left, self.keep = -1, False
        else:
            self._left, self._chunked = -1, True
            told = b"transfer-encoding: chunked\r\n"
        if not self.keep:
            return told + b"connection: close\r\n\r\n"
        return b"connection: keep-alive\r\n\r\n" if self.old else told + b"\r\n"

    def _write(self, body: bytes, *, last: bool) -> None:
        if self.head_only:
            body = b""
        elif self._chunked:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body += b"0\r\n\r\n" if last else b""
        elif self._left >= 0:
            left = self._left - len(body)
            if left < 0 or (last and left):
                raise RuntimeError("a body that is not as long as its content-length")
            self._left = left
        self._connection.write(self._head + body)
        self._head = b""

    async def _run(self) -> None:
        try:
            await self._connection.state.app(self.scope, self.receive, self.send)
            if not self.sent and not self.gone:
                LOG.error("the application did not answer")
        except Exception:
            # The application's own door answers what it expects; this is a fault of it.
            LOG.exception("the application failed")
        finally:
            if not self.sent:
                self._fail()
            self._connection.finished(self)

    def _fail(self) -> None:
        """Tell the client that the application has not answered, or not to the end."""
        self.keep = False
        if not self.gone:
            self.cut(500)

    def cut(self, status: int) -> None:
        """Answer `status` where nothing was sent; else end the connection so that the client sees
        that a part of its response is missing.
        """
        if not self.begun:
            self._connection.refuse(status, heard=self.received)
        elif self.old:
            # In 1.0 an orderly end of the connection may be the end of the response.
            self._connection.reset()
        else:
            self._connection.close()


def _status_line(status: int) -> bytes:
    """Return the line of a status without a standard phrase, e.g. 529."""
    if not HTTPStatus.OK <= status < 1000:
        raise ValueError(f"no status of a response: {status}")
    return b"HTTP/1.1 %d Unnamed\r\n" % status
