"""Single flight: equal calls that are on their way at the same time are one upstream call.

Whole answers are waited for together. A stream is told to everybody from its first frame on, to
each client at its own pace (`sharing`).
"""

from __future__ import annotations

import asyncio

from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies import Handler
from buildwright.gateway.policies.sharing import SharedStream

COALESCED = "hit; detail=coalesced"
Waiting = asyncio.Future[Answer | None]
"""Ends with the first call; None when that was given up, and the next one asks."""


class Coalescing:
    """Lets equal calls wait for the first of them, or listen to its stream."""

    def __init__(self, inner: Handler) -> None:
        self._inner = inner
        self._flying: dict[str, Waiting | None] = {}
        self._streams: dict[str, SharedStream] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, call: Call) -> Answer:
        """Answer a call; one that joined another costs nothing. Raises GatewayError."""
        if not call.same or call.key or not call.cache.read:
            return await self._inner(call)
        return await (self._streamed(call) if call.stream else self._whole(call))

    async def close(self) -> None:
        """End the streams that still run; their calls are settled after this."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _whole(self, call: Call) -> Answer:
        while call.same in self._flying:
            flying = self._flying[call.same]
            if flying is None:
                # Made by the first who waits: most calls have nobody waiting.
                flying = asyncio.get_running_loop().create_future()
                self._flying[call.same] = flying
            try:
                answer = await asyncio.shield(flying)
            except GatewayError as error:
                if error.upstream:
                    raise
                # The first one was refused for reasons of its own, e.g. its budget.
                continue
            if answer is not None:
                call.cache_status = COALESCED
                return Answer(answer.body, usage=answer.usage)
        return await self._lead(call)

    async def _lead(self, call: Call) -> Answer:
        self._flying[call.same] = None
        answer: Answer | None = None
        error: GatewayError | None = None
        try:
            answer = await self._inner(call)
        except GatewayError as refused:
            error = refused
            raise
        finally:
            waiting = self._flying.pop(call.same)
            if waiting is not None:
                _tell(waiting, answer, error)
        return answer

    async def _streamed(self, call: Call) -> Answer:
        while True:
            shared = self._streams.get(call.same)
            if shared is None:
                return await self._lead_stream(call)
            answer = await shared.follow()
            if answer is not None:
                call.cache_status = COALESCED
                return answer

    async def _lead_stream(self, call: Call) -> Answer:
        shared = SharedStream(self._streams, call.same, self._tasks)
        try:
            answer = await self._inner(call)
        except GatewayError as error:
            shared.refuse(error)
            raise
        except BaseException:
            shared.refuse()
            raise
        if answer.frames is None:
            shared.refuse()
            return answer
        return shared.lead(answer, lets_go=call.lets_go)


def _tell(waiting: Waiting, answer: Answer | None, error: GatewayError | None) -> None:
    if error is None:
        waiting.set_result(answer)
    else:
        waiting.set_exception(error)
        waiting.exception()
