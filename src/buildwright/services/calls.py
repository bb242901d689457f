"""A gateway whose every call is stored, so that a resumed build never buys one twice."""

from __future__ import annotations

from buildwright.core.chat import ChatReply, ChatRequest
from buildwright.core.clock import Clock
from buildwright.core.errors import BuildwrightError
from buildwright.gateway import BoundedGateway
from buildwright.store.calls import CallStore
from buildwright.store.rows import Claim


class RecordedGateway:
    """Answers from the store what was answered before; stores intent and outcome of the rest.

    A call that was sent when the build was killed is sent once more with the stored request
    (policy `retry_once`); its first bound stays counted as spent.
    """

    def __init__(self, inner: BoundedGateway, store: CallStore, claim: Claim, clock: Clock) -> None:
        self._inner, self._store, self._claim, self._clock = inner, store, claim, clock

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the stored or a new answer; raises what the inner gateway raises."""
        before = await self._store.get(self._claim.build_id, request.key)
        if before is not None and before.reply is not None:
            return before.reply
        wanted = before.request if before is not None else request
        bound = self._inner.bound_usd(wanted)
        await self._store.intend(self._claim, wanted, bound, self._clock.now())
        try:
            reply = await self._inner.complete(wanted)
        except BuildwrightError as error:
            await self._store.settle(self._claim, request.key, str(error), self._clock.now())
            raise
        await self._store.settle(self._claim, request.key, reply, self._clock.now())
        return reply
