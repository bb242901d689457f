"""One stream from upstream, told to every client that asked for the same.

Once there are two, a task of its own reads the upstream, so that neither the pace nor the leaving
of one client is felt by another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from buildwright.gateway.call import Answer, End, Keep
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies.frames import Frames, Reader

NEAR = 64
"""A stream that is over may be joined until its first client, so few frames behind, has it all."""


class SharedStream:
    """A stream on its way; it stands in `flying` under `name` as long as others may join it.

    Who leads calls `lead` or `refuse` once, everybody else `follow`. What runs for it is in `tasks`
    until the upstream call is over. The answer from upstream is
    ended once: when its frames are over, or when every client has left; that of a client which
    nobody joined, as that client says.
    """

    __slots__ = (
        "_alone", "_asking", "_flying", "_inner", "_kept", "_lead", "_name", "_pulling", "_readers",
        "_refused", "_task", "_tasks", "_whole",
    )  # fmt: skip

    def __init__(
        self, flying: dict[str, SharedStream], name: str, tasks: set[asyncio.Task[None]]
    ) -> None:
        self._flying, self._name, self._tasks = flying, name, tasks
        self._kept = Frames()
        self._readers = 0
        self._alone, self._pulling, self._refused = True, False, False
        self._asking: asyncio.Task[object] | None = None
        self._lead: LeadAnswer | None = None
        self._task: asyncio.Task[None] | None = None
        self._whole: Keep | None = None
        flying[name] = self

    def lead(self, answer: Answer, *, lets_go: bool) -> Answer:
        """Return what the first client gets of the upstream's answer.

        One that `lets_go` reads the upstream itself until it is joined; any other may be cancelled
        at any moment, so a task reads for it from the start.
        """
        self._inner = answer
        reader, by_hand = self._reader(), lets_go and self._alone
        frames = self._first(reader) if by_hand else self._kept.told(reader)
        self._lead = LeadAnswer(self, reader, frames)
        if not by_hand:
            self._start()
        self._kept.wake()
        return self._lead

    def refuse(self, error: GatewayError | None = None) -> None:
        """Tell those who wait that no stream came; only an upstream's fault is theirs as well."""
        self._refused = True
        self._kept.error = error if error is not None and error.upstream else None
        self._forget()
        self._kept.wake()

    async def follow(self) -> Answer | None:
        """Return the same stream for one more client; None when it has to ask for itself.

        Raises the GatewayError of an upstream that gave no stream.
        """
        self._alone = False
        reader = self._reader()
        while self._lead is None and not self._refused:
            await self._kept.more()
        if self._refused:
            if self._kept.error is not None:
                raise self._kept.error
            return None
        if self._kept.how is not None:
            # The first client has yet to read its last frames; the upstream call itself is over.
            self._inner.end(self._kept.how)
        elif self._task is None and self._asking is None:
            self._take_over(len(self._kept.blocks))
        answer = Answer(frames=self._kept.told(reader), usage=self._inner.usage)
        answer.endings.append(lambda _: reader.leave())
        return answer

    def let_go(self, reader: Reader) -> bool:
        """Let the first client leave without a cancel that would end the call of all others."""
        if self._readers < 2:
            self._forget()
        elif self._asking is not None:
            reader.leave()
            return True
        return False

    def keep(self, whole: Keep) -> None:
        """Give all frames to `whole` once they have come to their end, whoever has left by then."""
        self._whole = whole

    def lead_ended(self) -> None:
        """End the first client's call, at once or as soon as the upstream call is over."""
        lead = self._lead
        if lead is not None and lead.how is not None and self._kept.how is not None:
            # Of a stream that was shared this was told before, and counts no more.
            self._inner.end(lead.how)
            lead.finish(lead.how)
            # Each holds the other, and all frames, until somebody collects garbage.
            self._lead = None

    async def _first(self, reader: Reader) -> AsyncGenerator[bytes, None]:
        """Yield frames as they come; once somebody has joined, go on like everybody else."""
        frames, blocks, me = self._inner.frames, self._kept.blocks, asyncio.current_task()
        assert frames is not None  # noqa: S101 - only streams come here
        if self._task is None:
            try:
                self._asking = me
                async for block in frames:
                    self._asking = None
                    blocks.append(block)
                    if self._alone:
                        yield block
                    else:
                        self._take_over(len(blocks) - 1)
                    if not self._alone:
                        break
                    self._asking = me
                else:
                    await self._completed()
            except GatewayError as error:
                self._ended("cut", error)
            finally:
                await self._let_be(frames, reader)
        async for piece in self._kept.told(reader):
            yield piece

    async def _let_be(self, frames: AsyncGenerator[bytes, None], reader: Reader) -> None:
        """Close what the first client read itself, unless a task goes on with it."""
        self._asking = None
        if self._task is None:
            reader.place = len(self._kept.blocks)
            await frames.aclose()
            self._ended("left")

    def _take_over(self, place: int) -> None:
        """Go on for a first client that has so many frames."""
        if self._lead is not None:
            self._lead.reader.place = place
        self._start()

    def _start(self) -> None:
        """Read the upstream in a task from now on."""
        assert self._inner.frames is not None  # noqa: S101 - only streams come here
        self._task = asyncio.get_running_loop().create_task(self._pull(self._inner.frames))
        self._tasks.add(self._task)
        self._task.add_done_callback(self._pulled)
        self._kept.wake()

    async def _pull(self, frames: AsyncGenerator[bytes, None]) -> None:
        self._pulling = True
        async with aclosing(frames):
            if not self._readers:
                # What was never begun could not tell its usage when it is closed.
                await anext(frames, b"")
                raise asyncio.CancelledError
            await self._kept.fill(frames)
            await self._completed()

    async def _completed(self) -> None:
        self._ended("complete")
        whole, self._whole = self._whole, None
        if whole is not None:
            await whole(b"".join(self._kept.blocks))

    def _pulled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, GatewayError):
            self._ended("cut", error)
        else:
            self._ended("left" if task.cancelled() or error else "complete", error)

    def _ended(self, how: End, error: BaseException | None = None) -> None:
        """Note how the frames were over; later words do not count."""
        kept, lead = self._kept, self._lead
        if kept.how is not None or lead is None:
            return
        kept.how, kept.error = how, error
        kept.wake()
        behind = len(kept.blocks) - lead.reader.place
        if how != "complete" or lead.reader.gone or behind > NEAR:
            self._forget()
        if not self._alone or (lead.reader.gone and lead.how is None):
            self._inner.end(how)
        self.lead_ended()

    def _reader(self) -> Reader:
        self._readers += 1
        return Reader(self._left)

    def _left(self, reader: Reader) -> None:
        """Note that a client wants no more frames; without any, the upstream call is closed."""
        self._readers -= 1
        if self._kept.how is not None:
            if self._lead is None or reader is self._lead.reader:
                self._forget()
        elif not self._readers and self._lead is not None:
            self._forget()
            self._give_up()

    def _give_up(self) -> None:
        """Close the upstream call: nobody listens."""
        if self._asking is not None:
            self._asking.cancel()
        elif self._task is None:
            self._start()
        elif self._pulling:
            # A task that never ran could not close what it reads; it looks for itself.
            self._task.cancel()

    def _forget(self) -> None:
        if self._flying.get(self._name) is self:
            del self._flying[self._name]


class LeadAnswer(Answer):
    """The first client's answer: its call ends with the upstream call, which may outlast it."""

    __slots__ = ("_shared", "how", "reader")

    def __init__(
        self, shared: SharedStream, reader: Reader, frames: AsyncGenerator[bytes, None]
    ) -> None:
        self._shared, self.reader = shared, reader
        self.how: End | None = None
        super().__init__(frames=frames)

    def keep(self, whole: Keep) -> bool:
        """Give the whole stream to somebody, also when this client leaves it to others."""
        self._shared.keep(whole)
        return True

    def let_go(self) -> bool:
        """Leave while others listen."""
        return self._shared.let_go(self.reader)

    def end(self, how: End) -> None:
        """Note how the client ended it."""
        if self.how is None:
            self.how = how
            self.reader.leave()
            self._shared.lead_ended()

    def finish(self, how: End) -> None:
        """Tell the policies outside; once."""
        super().end(how)
