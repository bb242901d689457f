"""A gateway with bounds: money reserved before a call, one owner of retries, a total deadline.

The full gateway (ledger, cache, limits, fallbacks) takes this place later; stages see only the
`Gateway` port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from buildwright.core.chat import ChatReply, ChatRequest
from buildwright.core.errors import BudgetError, ModelError
from buildwright.gateway.models import ResolvedModel
from buildwright.gateway.providers.openai_wire import estimated_tokens

RETRIES = 2
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 20.0


class Provider(Protocol):
    """Something that answers one request, without retries."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the answer or raise ModelError."""
        ...

    async def close(self) -> None:
        """Give back what is open."""
        ...


class BoundedGateway:
    """Calls one provider within a budget in US dollars and a deadline for each call."""

    def __init__(
        self,
        model: ResolvedModel,
        provider: Provider,
        *,
        max_usd: float,
        timeout_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.model, self._provider = model, provider
        self._max_usd, self._timeout_s, self._sleep = max_usd, timeout_s, sleep
        self._reserved = 0.0
        self.spent_usd = 0.0
        self.calls = 0

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; raises BudgetError before anything is sent, else ModelError."""
        worst = self.bound_usd(request)
        left = self._max_usd - self.spent_usd - self._reserved
        if worst > left:
            raise BudgetError(
                f"a call could cost {worst:.4f} USD and {max(0.0, left):.4f} USD are left",
                next_step="raise agent.max_usd, or go on without a model",
            )
        self._reserved += worst
        try:
            reply = await self._in_time(request)
        finally:
            self._reserved -= worst
        self.spent_usd += reply.cost_usd
        return reply

    def bound_usd(self, request: ChatRequest) -> float:
        """Return the most one call can cost: counted input and the longest answer."""
        return self.model.cost_usd(estimated_tokens(request), request.max_tokens)

    def account_for(self, usd: float) -> None:
        """Count money that was spent before, e.g. by a run of the build that was killed."""
        self.spent_usd += usd

    async def close(self) -> None:
        """Close the provider."""
        await self._provider.close()

    async def _in_time(self, request: ChatRequest) -> ChatReply:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._with_retries(request)
        except TimeoutError as error:
            raise ModelError(
                f"{self.model.name} gave no answer within {self._timeout_s:g} s",
                next_step="raise agent.call_timeout_s, or check the endpoint",
                again=False,
            ) from error

    async def _with_retries(self, request: ChatRequest) -> ChatReply:
        for attempt in range(RETRIES + 1):
            try:
                self.calls += 1
                return await self._provider.complete(request)
            except ModelError as error:
                if not error.again or attempt == RETRIES:
                    raise
                wait = error.retry_after_s or FIRST_WAIT_S * 2**attempt
                await self._sleep(min(wait, LONGEST_WAIT_S))
        raise AssertionError("the loop returns or raises")
