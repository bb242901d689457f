"""What has arrived of one response: written by the connection, read by the response."""

from __future__ import annotations

import asyncio

from buildwright.gateway.http.errors import HttpError


class Incoming:
    """One response on its way: head, unread pieces of the body, and how it ended.

    `complete` says that the whole body has arrived, `error` that it never will.
    """

    __slots__ = ("complete", "error", "headers", "pieces", "status", "unread", "waiter")

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.unread = 0
        self.complete = False
        self.error: HttpError | None = None
        self.waiter: asyncio.Future[None] | None = None

    def wait(self) -> asyncio.Future[None]:
        """Return what is done at the next change: the head, more of the body, the end, an error."""
        if self.waiter is not None and not self.waiter.done():
            raise RuntimeError("two tasks read one response")
        self.waiter = asyncio.get_running_loop().create_future()
        return self.waiter

    def wake(self) -> None:
        """Tell the reader that something changed."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def take(self) -> bytes:
        """Return all that has arrived and was not taken yet, as one piece."""
        pieces = self.pieces
        self.unread = 0
        self.pieces = []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
