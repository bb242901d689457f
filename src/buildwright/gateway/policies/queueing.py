"""Calls at a time for each upstream, found by trying; who must wait stands in a fair queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from buildwright.core.gateway_settings import ConcurrencySettings
from buildwright.core.ledger import Ledger
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError, busy
from buildwright.gateway.policies import Sender
from buildwright.gateway.targets import Target

DECREASE = 0.8
PAUSE_S = 1.0
"""After a decrease the next one waits this long: the calls in flight still meet the old load."""
OVERLOADED = (429, 503, 504)


class Slots:
    """Slots of one upstream: more, one at a time, while all are used and answers come; fewer, by a
    fifth, when it says it is overloaded or does not answer in time.

    Waiting calls are served in turn by tenant, and in order within one.
    """

    def __init__(self, settings: ConcurrencySettings, most: int, tick: Callable[[], float]) -> None:
        self._settings, self._tick = settings, tick
        self._most = min(most, settings.most)
        self.limit = float(min(settings.start, self._most))
        self.taken = 0
        self.waiting = 0
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}
        self._decreased_at = float("-inf")

    def free(self) -> bool:
        """True when a call could go at once."""
        return not self.waiting and self.taken < int(self.limit)

    async def take(self, tenant: str, wait_s: float) -> int:
        """Take a slot, in turn; return how many waited before it (0 = it did not wait).

        Raises GatewayError 503 when the queue is full or too slow.
        """
        if self.free():
            self.taken += 1
            return 0
        if self.waiting >= self._settings.queue:
            raise busy(f"{self.waiting} calls wait for this upstream (gateway.concurrency.queue)")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant, deque()).append(turn)
        self.waiting += 1
        position = self.waiting
        try:
            async with asyncio.timeout(min(wait_s, self._settings.queue_s)):
                await turn
        except TimeoutError:
            if not self._was_served(turn):
                raise busy(f"no slot became free in time; {self.waiting} calls wait") from None
        except asyncio.CancelledError:
            if self._was_served(turn):
                self.give(overloaded=None)
            raise
        return position

    def give(self, *, overloaded: bool | None) -> None:
        """Give a slot back; `overloaded` None says nothing about the upstream."""
        if overloaded:
            self._decrease()
        elif overloaded is not None and self.taken >= int(self.limit):
            self.limit = min(self.limit + 1.0 / self.limit, float(self._most))
        self.taken -= 1
        while self.waiting and self.taken < int(self.limit):
            self._serve()

    def _serve(self) -> None:
        tenant, queue = next(iter(self._queues.items()))
        turn = queue.popleft()
        del self._queues[tenant]
        if queue:
            self._queues[tenant] = queue
        self.waiting -= 1
        if not turn.done():
            self.taken += 1
            turn.set_result(None)

    def _was_served(self, turn: asyncio.Future[None]) -> bool:
        if turn.done() and not turn.cancelled():
            return True
        for tenant, queue in self._queues.items():
            if turn in queue:
                queue.remove(turn)
                self.waiting -= 1
                if not queue:
                    del self._queues[tenant]
                break
        return False

    def _decrease(self) -> None:
        if self._tick() - self._decreased_at >= PAUSE_S:
            self._decreased_at = self._tick()
            self.limit = max(self.limit * DECREASE, float(self._settings.least))


class Concurrency:
    """The slots of all upstreams, made when first needed."""

    def __init__(self, settings: ConcurrencySettings, tick: Callable[[], float]) -> None:
        self._settings, self._tick = settings, tick
        self._by_upstream: dict[str, Slots] = {}

    def of(self, target: Target) -> Slots:
        """Return the slots of a target's upstream."""
        slots = self._by_upstream.get(target.upstream)
        if slots is None:
            most = target.max_concurrent or self._settings.most
            slots = self._by_upstream[target.upstream] = Slots(self._settings, most, self._tick)
        return slots

    def all(self) -> dict[str, Slots]:
        """Return upstream -> slots, for health and metrics."""
        return self._by_upstream


def make_queueing(
    inner: Sender, concurrency: Concurrency, ledger: Ledger, tick: Callable[[], float]
) -> Sender:
    """Hold a slot of the upstream while a call is there, a stream until its end."""

    async def queue(call: Call, target: Target) -> Answer:
        slots = concurrency.of(target)
        start = tick()
        position = await slots.take(call.caller.tenant, call.deadline - start)
        if position:
            call.queue_s += tick() - start
            call.headers.append((b"x-buildwright-queue-position", b"%d" % position))
        try:
            if not call.sent:
                await ledger.sent(call.id)
                call.sent = True
            answer = await inner(call, target)
        except GatewayError as error:
            slots.give(overloaded=error.upstream and error.status in OVERLOADED)
            raise
        except BaseException:
            slots.give(overloaded=None)
            raise
        if answer.frames is None:
            slots.give(overloaded=False)
        else:
            answer.endings.append(lambda how: slots.give(overloaded=False))
        return answer

    return queue
