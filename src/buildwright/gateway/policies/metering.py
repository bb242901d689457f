"""Counting: the outermost policy sees every call once, however it ends."""

from __future__ import annotations

from collections.abc import Callable

from buildwright.core.call_events import CallDone
from buildwright.core.ledger import BudgetSpentError
from buildwright.gateway.call import Answer, Call, End
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies import Handler

OnDone = Callable[[CallDone], None]


def make_metering(inner: Handler, on_done: OnDone, tick: Callable[[], float]) -> Handler:
    """Report each finished call to `on_done`; a stream is finished when its last byte left."""

    async def meter(call: Call) -> Answer:
        try:
            answer = await inner(call)
        except GatewayError as error:
            on_done(done(call, tick(), error.status, error.error_code or error.kind))
            raise
        except BaseException as error:
            kind = "over_budget" if isinstance(error, BudgetSpentError) else "cancelled"
            on_done(done(call, tick(), 499, kind))
            raise
        if answer.frames is None:
            on_done(done(call, tick(), answer.status, ""))
        else:
            answer.endings.append(lambda how: on_done(_ended(call, tick(), how)))
        return answer

    return meter


def _ended(call: Call, at: float, how: End) -> CallDone:
    status = {"complete": 200, "left": 499, "cut": 502}[how]
    return done(call, at, status, "" if how == "complete" else how)


def done(call: Call, at: float, status: int, error: str) -> CallDone:
    """Return what listeners see of a call that ended at monotonic second `at`."""
    target = call.target
    return CallDone(
        call.id,
        call.wire,
        call.asked,
        target.provider if target else "",
        target.name if target else "",
        status,
        error,
        call.stream,
        call.cache_status,
        call.usage,
        call.cost_nano,
        at - call.tick,
        call.upstream_s,
        call.first_byte_s,
        call.queue_s,
        call.attempts,
        call.fallbacks,
    )
