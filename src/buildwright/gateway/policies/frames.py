"""The frames of one stream, kept so that each of several clients reads them at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from buildwright.gateway.call import End
from buildwright.gateway.errors import unreachable

AHEAD = 4
"""Frames read ahead of the fastest client: when every client is slow, the upstream waits."""
PIECE_BYTES = 65_536
"""Who is behind gets frames joined, in pieces of about this size."""


class Reader:
    """How many frames one client has, and whether it wants no more."""

    __slots__ = ("_left", "_loop", "gone", "place")

    def __init__(self, left: Callable[[Reader], None]) -> None:
        self._left, self._loop = left, asyncio.get_running_loop()
        self.place, self.gone = 0, False

    def leave(self) -> None:
        """Want no more frames."""
        if not self.gone:
            self.gone = True
            self._left(self)

    def __del__(self) -> None:
        # The answer of a call that was cancelled before it got it: nobody will ever end it.
        if not self.gone:
            self.gone = True
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._left, self)


class Frames:
    """What came so far (`blocks`), and how it ended: `how` is None while more may come.

    All are kept, for whoever joins gets them from the first one on; how much that can be is
    bounded where an answer is read (gateway.answer_limit_kib).
    """

    __slots__ = ("_furthest", "_loop", "_room", "_sleeping", "blocks", "error", "how")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.blocks: list[bytes] = []
        self.how: End | None = None
        self.error: BaseException | None = None
        self._sleeping: list[asyncio.Future[None]] = []
        self._furthest = 0
        self._room: asyncio.Future[None] | None = None

    async def told(self, reader: Reader) -> AsyncGenerator[bytes, None]:
        """Yield all frames from the reader's place on; raises what they broke off with."""
        place = reader.place
        try:
            if reader.gone:
                raise asyncio.CancelledError
            while True:
                if place < len(self.blocks):
                    piece, place = _piece(self.blocks, place)
                    reader.place = place
                    self._reached(place)
                    yield piece
                elif self.how is None:
                    await self.more()
                else:
                    break
            if self.error is not None:
                raise self.error
            if self.how == "left":
                raise unreachable("the stream was given up", billed="unknown")
        finally:
            reader.leave()

    async def fill(self, frames: AsyncGenerator[bytes, None]) -> None:
        """Keep frames as they come, as long as somebody keeps pace."""
        self._furthest = len(self.blocks)
        async for block in frames:
            self.blocks.append(block)
            if self._sleeping:
                self.wake()
            elif len(self.blocks) - self._furthest >= AHEAD:
                self._room = self._loop.create_future()
                await self._room

    async def more(self) -> None:
        """Wait until something has changed."""
        waiter = self._loop.create_future()
        self._sleeping.append(waiter)
        await waiter

    def wake(self) -> None:
        """Tell everybody that something has changed."""
        for waiter in self._sleeping:
            if not waiter.done():
                waiter.set_result(None)
        self._sleeping.clear()

    def _reached(self, place: int) -> None:
        if place > self._furthest:
            self._furthest = place
            room, self._room = self._room, None
            if room is not None and not room.done():
                room.set_result(None)


def _piece(blocks: list[bytes], place: int) -> tuple[bytes, int]:
    """Return frames from a place on as one piece, and the place behind them."""
    if place + 1 == len(blocks):
        return blocks[place], place + 1
    end, size = place, 0
    while end < len(blocks) and size < PIECE_BYTES:
        size += len(blocks[end])
        end += 1
    return b"".join(blocks[place:end]), end
