"""The one owner of retries: jitter, Retry-After, the total deadline, and a share of all calls."""

from __future__ import annotations

from buildwright.core.gateway_settings import RetrySettings
from buildwright.core.ledger import Ledger
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies import Sender
from buildwright.gateway.policies.routing import pay_again
from buildwright.gateway.surroundings import Surroundings
from buildwright.gateway.targets import Target

BURST = 10.0
"""Retries that may happen before any call has earned one."""


class RetryBudget:
    """Each call earns a share of a retry, each retry spends one whole."""

    def __init__(self, share: float) -> None:
        self._share, self._left = share, BURST if share else 0.0

    def earn(self) -> None:
        """Count a call."""
        self._left = min(self._left + self._share, BURST)

    def spend(self) -> bool:
        """Take a retry; False when none is left."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Retrying:
    """Sends again what failed by an upstream's fault and may succeed, within bounds.

    Nothing is sent again once a part of its answer was passed on: streams raise from their frames
    then, which is behind this policy.
    """

    def __init__(
        self, inner: Sender, settings: RetrySettings, ledger: Ledger, around: Surroundings
    ) -> None:
        self._inner, self._settings, self._ledger, self._around = inner, settings, ledger, around
        self._budget = RetryBudget(settings.share)

    async def send(self, call: Call, target: Target) -> Answer:
        """Send a call to a target until it answers or may not be sent again."""
        self._budget.earn()
        number = 0
        while True:
            try:
                return await self._inner(call, target)
            except GatewayError as error:
                wait = self._wait_s(call, error, number)
                follows = wait is not None or (error.upstream and target_follows(call))
                if follows and not await pay_again(call, error, self._ledger):
                    raise
                if wait is None:
                    raise
            await self._around.sleep(wait)
            number += 1

    def _wait_s(self, call: Call, error: GatewayError, number: int) -> float | None:
        """Return seconds until the next try, None when there is none."""
        if not may_repeat(error) or number >= self._settings.times:
            return None
        wait = wait_s(self._settings, number, error.retry_after_s, self._around.random())
        if wait is None or self._around.tick() + wait >= call.deadline:
            return None
        return wait if self._budget.spend() else None


def may_repeat(error: GatewayError) -> bool:
    """True when the same upstream may answer the same request next time."""
    return error.again and error.upstream and error.error_code != "upstream_open"


def target_follows(call: Call) -> bool:
    """True when the plan has another target after the one that is being asked."""
    return call.fallbacks < len(call.plan) - 1


def wait_s(
    settings: RetrySettings, number: int, retry_after_s: float | None, share: float
) -> float | None:
    """Return seconds to wait before retry `number` (from 0): full jitter, at least Retry-After.

    None when Retry-After is longer than the longest wait: then trying again is for the client.
    """
    longest = min(settings.first_wait_s * 2.0**number, settings.longest_wait_s)
    if retry_after_s is None:
        return longest * share
    if retry_after_s > settings.longest_wait_s:
        return None
    return retry_after_s + settings.first_wait_s * share
