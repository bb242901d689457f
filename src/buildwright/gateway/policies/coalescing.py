"""Single flight: equal calls that are on their way at the same time are one upstream call.

Streams are not joined: each client has its own pace, and one that is slow must not hold up others.
"""

from __future__ import annotations

import asyncio

from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies import Handler


class Coalescing:
    """Lets equal calls wait for the first of them."""

    def __init__(self, inner: Handler) -> None:
        self._inner = inner
        self._flying: dict[str, asyncio.Future[Answer]] = {}

    async def handle(self, call: Call) -> Answer:
        """Answer a call; one that waited costs nothing. Raises GatewayError."""
        if not call.same or call.stream or call.key or not call.cache.read:
            return await self._inner(call)
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
            except asyncio.CancelledError:
                if not flying.cancelled():
                    raise
                continue
            call.cache_status = "hit; detail=coalesced"
            return Answer(answer.body, usage=answer.usage)

    async def _lead(self, call: Call) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._flying[call.same] = future
        try:
            answer = await self._inner(call)
        except GatewayError as error:
            future.set_exception(error)
            future.exception()
            raise
        except BaseException:
            future.cancel()
            raise
        finally:
            del self._flying[call.same]
        future.set_result(answer)
        return answer
