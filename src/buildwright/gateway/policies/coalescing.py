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


class Coalescing:
    """Lets equal calls wait for the first of them, or listen to its stream."""

    def __init__(self, inner: Handler) -> None:
        self._inner = inner
        self._flying: dict[str, asyncio.Future[Answer | None]] = {}
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
        while True:
            flying = self._flying.get(call.same)
            if flying is None:
                return await self._lead(call)
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

    async def _lead(self, call: Call) -> Answer:
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._flying[call.same] = future
        try:
            answer = await self._inner(call)
        except GatewayError as error:
            future.set_exception(error)
            future.exception()
            raise
        except BaseException:
            # Given up: the next one asks.
            future.set_result(None)
            raise
        finally:
            del self._flying[call.same]
        future.set_result(answer)
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
