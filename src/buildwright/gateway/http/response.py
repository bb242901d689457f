"""A response whose head has arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType

from buildwright.gateway.http.connection import Connection
from buildwright.gateway.http.decoding import EncodingError, Inflater, make_inflater
from buildwright.gateway.http.errors import HttpError
from buildwright.gateway.http.incoming import Incoming


class HttpResponse:
    """Status, headers (names in lower case) and a body to be read once.

    The connection goes back to its pool by itself as soon as the last byte of the body came off
    the wire. Whoever may stop earlier uses `async with`, or calls `abort`.
    """

    __slots__ = ("_connection", "_incoming", "headers", "status")

    def __init__(self, incoming: Incoming, connection: Connection) -> None:
        self._incoming = incoming
        self._connection = connection
        self.status = incoming.status
        self.headers = incoming.headers

    @property
    def complete(self) -> bool:
        """True when the whole body has arrived, so that `read` will not wait."""
        return self._incoming.complete

    def header(self, name: bytes) -> bytes:
        """Return the first value of the header `name` (lower case), or b"" where it is absent."""
        for key, value in self.headers:
            if key == name:
                return value
        return b""

    async def read(self, limit: int) -> bytes:
        """Return the whole body, decoded; raises HttpError, `too_large` beyond `limit` bytes.

        Does not wait where the whole response has arrived already.
        """
        incoming = self._incoming
        encoding = self.header(b"content-encoding")
        if incoming.complete and not encoding and incoming.unread <= limit:
            return incoming.take()
        length = self.header(b"content-length")
        if length.isdigit() and int(length) > limit and not incoming.complete:
            raise self._failed(HttpError("too_large", _over(limit), sent=True))
        pieces = []
        size = 0
        async with aclosing(self.chunks()) as chunks:
            async for piece in chunks:
                size += len(piece)
                if size > limit:
                    raise self._failed(HttpError("too_large", _over(limit), sent=True))
                pieces.append(piece)
        return b"".join(pieces)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body, decoded, as it arrives: what came together is one piece.

        Raises HttpError after the last good piece. Left early, it closes the connection.
        """
        incoming = self._incoming
        try:
            inflater = make_inflater(self.header(b"content-encoding"))
            while True:
                if incoming.pieces:
                    data = incoming.take()
                    self._connection.consumed(incoming)
                    for piece in inflater.feed(data) if inflater else (data,):
                        yield piece
                elif incoming.complete:
                    break
                else:
                    await self._more()
            _finish(inflater)
        except EncodingError as error:
            raise self._failed(HttpError("malformed", str(error), sent=True)) from error
        finally:
            if not incoming.complete:
                self.abort()

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return self.chunks()

    def abort(self) -> None:
        """Close the connection now, unless the response is complete."""
        self._connection.drop(self._incoming)

    async def __aenter__(self) -> HttpResponse:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    async def _more(self) -> None:
        incoming = self._incoming
        if incoming.error is not None:
            raise incoming.error
        try:
            await incoming.wait()
        except asyncio.CancelledError:
            self.abort()
            raise

    def _failed(self, error: HttpError) -> HttpError:
        self.abort()
        return error


def _finish(inflater: Inflater | None) -> None:
    if inflater is not None:
        inflater.finish()


def _over(limit: int) -> str:
    return f"the body of the response is larger than the {limit} bytes allowed"
