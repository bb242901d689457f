"""Whom to ask: the plan's targets in order, each with its own retries."""

from __future__ import annotations

from buildwright.core.ledger import BudgetSpentError, Ledger
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies import Handler, Sender
from buildwright.gateway.policies.spending import price_of


def make_routing(sender: Sender) -> Handler:
    """Try the targets of the plan until one answers; only an upstream's fault goes on to the next.

    The last error is raised when all have failed.
    """

    async def route(call: Call) -> Answer:
        last = len(call.plan) - 1
        for number, target in enumerate(call.plan):
            call.fallbacks, call.target = number, target
            try:
                return await sender(call, target)
            except GatewayError as error:
                if not error.upstream or number == last or call.refused:
                    raise
        raise AssertionError("a plan has at least one target")

    return route


async def pay_again(call: Call, error: GatewayError, ledger: Ledger) -> bool:
    """Before a call is sent once more: count what the broken-off attempt may have cost.

    Its bound stays counted and the same again is reserved; False when no budget has room for that,
    and then the call must not be sent.
    """
    target = call.target
    if error.usage is not None and target is not None:
        lost = price_of(call, target).cost_nano(error.usage)
    elif error.billed == "unknown":
        lost = call.bound_nano
    else:
        return True
    try:
        await ledger.extend(call.id, lost)
    except BudgetSpentError:
        call.refused = True
        return False
    call.uncertain_nano += lost
    return True
