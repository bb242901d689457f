"""Money: the most a call can cost is reserved and committed before its first byte leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import orjson

from buildwright.core.errors import DiskError, StoreError
from buildwright.core.ledger import (
    BudgetSpentError,
    CallExistsError,
    Intent,
    Ledger,
    LedgerRow,
    Settlement,
    TokenUsage,
)
from buildwright.gateway.call import Answer, Call, End
from buildwright.gateway.errors import GatewayError, busy, invalid, over_budget, too_long
from buildwright.gateway.policies import Handler
from buildwright.gateway.pricing import Price, estimate_tokens, least_tokens
from buildwright.gateway.targets import Target

OVERESTIMATE = 2.5
"""The estimate of a call's input is at most this many times the real count (see pricing)."""

Keep = Callable[[Call], bool]
Now = Callable[[], float]
Free = Callable[[Call], bool]
SettledStatus = Literal["done", "failed", "in_doubt"]


class KeyUsedError(Exception):
    """A call key that was used before; the policy of repeated calls answers it."""

    def __init__(self, row: LedgerRow) -> None:
        super().__init__(row.intent.id)
        self.row = row


@dataclass(frozen=True, slots=True)
class Money:
    """What the policy needs: `keep` tells whether bodies are stored, `at_once` whether a call can
    leave without waiting; `default_output` tokens are reserved where a request names no limit.
    """

    ledger: Ledger
    now: Now
    keep: Keep
    at_once: Free
    default_output: int


class Spending:
    """Reserves, calls, settles."""

    def __init__(self, inner: Handler, money: Money) -> None:
        self._inner, self._money, self._ledger = inner, money, money.ledger

    async def handle(self, call: Call) -> Answer:
        """Answer a call whose worst cost fits into all its budgets; raises GatewayError."""
        await self._reserve(call)
        now = self._money.now
        try:
            answer = await self._inner(call)
        except GatewayError as error:
            self._ledger.settle(_failed(call, error, now()))
            raise
        except BaseException:
            self._ledger.settle(_left_early(call, now()))
            raise
        if answer.frames is None:
            await self._settle_whole(call, answer)
        else:
            self._settle_at_end(call, answer)
        return answer

    async def record_free(self, call: Call, answer: bytes) -> None:
        """Write a row for an answer that cost nothing, so that its key stays known."""
        intent = _intent(call, hash_of(call), kept=True, at_once=False)._replace(reserve_nano=0)
        await self._intend(intent)
        settlement = _settlement(call, "done", self._money.now())._replace(answer=answer)
        await self._ledger.settle(settlement)

    async def _reserve(self, call: Call) -> None:
        money = self._money
        bound_call(call, money.default_output)
        body_hash = hash_of(call) if call.key else ""
        intent = _intent(call, body_hash, kept=money.keep(call), at_once=money.at_once(call))
        await self._intend(intent)
        call.sent = intent.status == "sent"

    async def _intend(self, intent: Intent) -> None:
        try:
            await self._ledger.intend(intent)
        except BudgetSpentError as error:
            raise over_budget(error) from error
        except CallExistsError as error:
            raise KeyUsedError(error.row) from error
        except (StoreError, DiskError) as error:
            raise busy(f"the ledger cannot be written, so nothing is sent: {error}") from error

    async def _settle_whole(self, call: Call, answer: Answer) -> None:
        if call.target is not None:
            call.cost_nano = price_of(call, call.target).cost_nano(call.usage)
        settlement = _settlement(call, "done", self._money.now())
        if self._money.keep(call):
            settlement = settlement._replace(answer=answer.body)
        settled = self._ledger.settle(settlement)
        if call.key:
            await settled

    def _settle_at_end(self, call: Call, answer: Answer) -> None:
        kept: list[bytes] = []
        keeps = self._money.keep(call)
        if keeps and answer.frames is not None:
            answer.frames = _keeping(answer.frames, kept)

        def ended(how: End) -> None:
            settlement = _streamed(call, how, self._money.now())
            if how == "complete" and keeps:
                settlement = settlement._replace(answer=b"".join(kept))
            call.settled = self._ledger.settle(settlement)

        answer.endings.append(ended)


async def _keeping(
    frames: AsyncGenerator[bytes, None], kept: list[bytes]
) -> AsyncGenerator[bytes, None]:
    async with aclosing(frames):
        async for block in frames:
            kept.append(block)
            yield block


def count_tokens(call: Call, default_output: int) -> None:
    """Note how many tokens a call's input has and its answer may have; once."""
    if call.input_tokens:
        return
    body = call.body
    call.input_tokens = estimate_tokens(body)
    asked = body.get("max_completion_tokens") or body.get("max_tokens") or default_output
    call.max_output = 0 if call.wire == "embeddings" else asked * (body.get("n") or 1)


def bound_call(call: Call, default_output: int) -> None:
    """Note the most a call can cost anywhere in its plan.

    Raises GatewayError when the input alone is longer than every model of the plan takes.
    """
    count_tokens(call, default_output)
    _fits(call)
    tokens, output = call.input_tokens, call.max_output
    call.bound_nano = max([price_of(call, t).bound_nano(tokens, output) for t in call.plan])


def price_of(call: Call, target: Target) -> Price:
    """Return what a target charges for a call; raises GatewayError for a tier without a price."""
    if not target.by_hour and "service_tier" not in call.body:
        return target.price
    tier = call.body.get("service_tier")
    price = target.price_at(call.at, tier)
    if price is None:
        raise invalid(
            f"service_tier is {tier!r}, and no price is known for {target.name} in it",
            "service_tier",
        )
    return price


def _fits(call: Call) -> None:
    """Refuse what no model of the plan takes for sure; what may fit is the provider's affair.

    So is a long answer that our own calls allow by default (`repeats`): nobody asked for it.
    """
    if len(call.plan) == 1 and call.plan[0].context_tokens is None:
        return
    sizes = [target.context_tokens for target in call.plan]
    longest = max((size for size in sizes if size is not None), default=None)
    body = call.body
    asked = 0 if call.repeats else body.get("max_completion_tokens") or body.get("max_tokens") or 0
    if longest is None or None in sizes or call.input_tokens / OVERESTIMATE + asked <= longest:
        return
    surely = int(least_tokens(body) / OVERESTIMATE)
    if surely > longest:
        raise too_long(
            f"the messages are more than {surely} tokens, and {call.asked!r} takes {longest}"
        )
    if surely + asked > longest:
        raise too_long(
            f"the messages are more than {surely} tokens and the answer may have {asked}, and "
            f"{call.asked!r} takes {longest} for both; lower max_tokens"
        )


def hash_of(call: Call) -> str:
    """Return a hash of what a call asks for; equal for equal JSON."""
    text = orjson.dumps((call.wire, call.body), option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=16).hexdigest()


def _intent(call: Call, body_hash: str, *, kept: bool, at_once: bool) -> Intent:
    first = call.plan[0]
    return Intent(
        id=call.id,
        at=call.at,
        tenant=call.caller.tenant,
        scopes=call.caller.scopes,
        reserve_nano=call.bound_nano,
        wire=call.wire,
        asked_model=call.asked,
        provider=first.provider,
        model=first.model,
        price_version=first.price.version,
        status="sent" if at_once else "intent",
        call_key=call.key,
        body_hash=body_hash,
        request=orjson.dumps(call.body) if kept else None,
        fence=call.fence,
    )


def _failed(call: Call, error: GatewayError, at: float) -> Settlement:
    """A refusal costs nothing; what broke off after it was sent stays in doubt."""
    if error.usage is not None and call.target is not None:
        call.usage = error.usage
        call.cost_nano = price_of(call, call.target).cost_nano(error.usage)
    doubt = error.billed == "unknown" and error.usage is None
    settled = _settlement(call, "in_doubt" if doubt else "failed", at)
    return settled._replace(error=error.error_code or error.kind, http_status=error.status)


def _left_early(call: Call, at: float) -> Settlement:
    """The client left before the first byte: the input is paid where it was sent."""
    if call.attempts and call.target is not None:
        call.usage = TokenUsage(fresh_input=call.input_tokens, estimated=True)
        call.cost_nano = price_of(call, call.target).cost_nano(call.usage)
    return _settlement(call, "done", at)._replace(error="client_left", http_status=499)


def _streamed(call: Call, how: End, at: float) -> Settlement:
    if how == "cut" or call.target is None:
        return _settlement(call, "in_doubt", at)._replace(error="cut", http_status=502)
    call.cost_nano = price_of(call, call.target).cost_nano(call.usage)
    settled = _settlement(call, "done", at)
    return settled._replace(error="client_left", http_status=499) if how == "left" else settled


def _settlement(call: Call, status: SettledStatus, at: float) -> Settlement:
    target = call.target
    return Settlement(
        call.id,
        at,
        status,
        call.usage,
        call.cost_nano,
        call.uncertain_nano,
        target.provider if target else "",
        target.model if target else "",
        200,
        "",
        call.attempts,
        call.fallbacks,
        call.first_byte_s,
    )
