"""One row for each model call and the budgets it counts against; money is whole nano-dollars.

`intent -> sent -> done | failed | in_doubt`. The reservation and the intent are committed before
the first byte leaves; what a crash leaves behind can only make the caps tighter. What is made for
every call is a named tuple: one costs a third of a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from buildwright.core.errors import BudgetError, BuildwrightError

NANO = 1_000_000_000
"""Nano-dollars in a US dollar; 64 bits hold nine billion dollars."""

CallStatus = Literal["intent", "sent", "done", "failed", "in_doubt"]
Wire = Literal["chat", "messages", "embeddings"]
Period = Literal["total", "day", "month"]


class TokenUsage(NamedTuple):
    """Tokens in disjoint buckets: nothing is counted twice, and the parts sum to `total`.

    `reported_total` is the provider's own sum, None when it gave none; `estimated` tells that a
    bucket was counted by us and not reported. `cache_write_1h` is no bucket of its own: it is the
    part of `cache_write` that stays for an hour, which Anthropic sells dearer.
    """

    fresh_input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    reported_total: int | None = None
    estimated: bool = False
    cache_write_1h: int = 0

    @property
    def input(self) -> int:
        """All input tokens, fresh or cached."""
        return self.fresh_input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        """Sum of the buckets."""
        return self.input + self.output + self.reasoning

    @property
    def consistent(self) -> bool:
        """False when the provider's own sum differs from the sum of its parts."""
        return self.reported_total is None or self.reported_total == self.total


NO_USAGE = TokenUsage()


class Intent(NamedTuple):
    """What is stored before a call may leave.

    `scopes` are the budgets it counts against, widest first ("org:a", "user:b", "key:c",
    "build:d", "stage:d/generate"); those without a budget cost nothing to name. `tenant` parts
    callers from each other; `call_key` is unique within it ("" = none): a build's call name or a
    client's Idempotency-Key. `body_hash` tells whether a repeated key carries the same request.
    `fence` is the (build, epoch) that must still be the newest.
    """

    id: str
    at: float
    tenant: str
    scopes: tuple[str, ...]
    reserve_nano: int
    wire: Wire
    asked_model: str
    provider: str
    model: str
    price_version: str
    status: Literal["intent", "sent"] = "sent"
    call_key: str = ""
    body_hash: str = ""
    request: bytes | None = None
    fence: tuple[str, int] | None = None


class Settlement(NamedTuple):
    """How a call ended. `uncertain_nano` is what attempts that broke off may have cost, as bound.

    With `in_doubt` the whole reservation stays held and `cost_nano` is 0. With `failed` and `done`
    the reservation is given back and `cost_nano + uncertain_nano` is spent.
    """

    id: str
    at: float
    status: Literal["done", "failed", "in_doubt"]
    usage: TokenUsage = NO_USAGE
    cost_nano: int = 0
    uncertain_nano: int = 0
    provider: str = ""
    model: str = ""
    http_status: int = 0
    error: str = ""
    attempts: int = 1
    fallbacks: int = 0
    first_byte_s: float = 0.0
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A stored call: its intent, and its settlement when there is one.

    `reserved_nano` is what it holds of its budgets now; `owner` names the process that made it;
    `over_bound` tells that it cost more than it had reserved.
    """

    intent: Intent
    status: CallStatus
    owner: str
    reserved_nano: int
    settlement: Settlement | None = None
    over_bound: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """A cap on a scope; `held_nano` is reserved by calls on their way or in doubt.

    Spent money of a `day` or `month` starts again at 00:00 UTC (of the first day of the month);
    `window` is the current one, e.g. "2026-11" or "2026-11-20" ("" for `total`).
    """

    scope: str
    cap_nano: int
    period: Period = "total"
    spent_nano: int = 0
    held_nano: int = 0
    window: str = ""

    @property
    def left_nano(self) -> int:
        """What may still be reserved; never below zero."""
        return max(0, self.cap_nano - self.spent_nano - self.held_nano)


class BudgetSpentError(BudgetError):
    """A reservation does not fit into one of its budgets; nothing was taken from any."""

    def __init__(self, budget: Budget, wanted_nano: int) -> None:
        self.budget, self.wanted_nano = budget, wanted_nano
        super().__init__(
            f"budget {budget.scope} ({budget.period}) has {usd(budget.left_nano)} USD left of "
            f"{usd(budget.cap_nano)}, and this call could cost {usd(wanted_nano)}",
            next_step=f"buildwright budgets set {budget.scope} --usd AMOUNT"
            + (f" --period {budget.period}" if budget.period != "total" else ""),
        )


class CallExistsError(BuildwrightError):
    """The call key was used before; `row` is the call that holds it."""

    code = "call_exists"

    def __init__(self, row: LedgerRow) -> None:
        self.row = row
        super().__init__(
            f"call key {row.intent.call_key!r} belongs to call {row.intent.id} ({row.status})"
        )


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls to list, newest first; empty fields match all."""

    status: tuple[CallStatus, ...] = ()
    tenant: str = ""
    scope: str = ""
    call_key_prefix: str = ""
    since: float = 0.0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Spend:
    """Sums over settled calls of one group (a model, a stage, a key, ...)."""

    group: str
    calls: int
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_nano: int = 0
    uncertain_nano: int = 0
    in_doubt_nano: int = 0


class Ledger(Protocol):
    """Where calls and budgets are kept; every method that returns has committed."""

    async def intend(self, intent: Intent) -> None:
        """Reserve in every budget of the scopes and store the row, all or nothing.

        Raises BudgetSpentError, CallExistsError (not for a `failed` call: that one's key is given
        to the new row), LeaseLostError, StoreError or DiskError; nothing is stored then.
        """
        ...

    async def sent(self, call_id: str) -> None:
        """Mark an `intent` as sent, before the first byte leaves."""
        ...

    async def extend(self, call_id: str, more_nano: int) -> None:
        """Reserve more for a call on its way, e.g. before it is tried again after a cut."""
        ...

    def settle(self, settlement: Settlement) -> Awaitable[None]:
        """Queue how a call ended; awaiting the result waits for the commit, which happens anyway.

        Settling a settled call changes nothing, except that `in_doubt` may become done or failed.
        """
        ...

    async def get(self, call_id: str) -> LedgerRow | None:
        """Return a call by its id."""
        ...

    async def find(self, tenant: str, call_key: str) -> LedgerRow | None:
        """Return the call that holds a key."""
        ...

    async def calls(self, wanted: CallFilter) -> Sequence[LedgerRow]:
        """Return calls, newest first."""
        ...

    async def spend(self, by: Literal["model", "scope", "day"], wanted: CallFilter) -> list[Spend]:
        """Return sums by model ("provider/model"), by each scope, or by UTC day."""
        ...

    async def budgets(self) -> Sequence[Budget]:
        """Return all budgets by scope."""
        ...

    async def set_budget(self, scope: str, cap_nano: int | None, period: Period) -> Budget | None:
        """Set, change or (with None) remove a cap.

        A new cap counts what the ledger's rows of this scope spent and hold in its window.
        """
        ...

    async def recover(self) -> int:
        """Judge what dead processes left: `intent` becomes failed, `sent` in doubt; how many."""
        ...

    async def close(self) -> None:
        """Write what is queued and close."""
        ...


def usd(nano: int) -> str:
    """Return nano-dollars as dollars without rounding, e.g. 1_500_000 -> "0.0015"."""
    whole, rest = divmod(abs(nano), NANO)
    digits = f"{rest:09d}".rstrip("0")
    sign = "-" if nano < 0 else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def nano_of(dollars: float | str) -> int:
    """Return dollars as nano-dollars, rounded up: a cap or price is never understated.

    Raises ValueError for what is not a finite amount of zero or more.
    """
    from decimal import ROUND_CEILING, Decimal, InvalidOperation

    try:
        amount = Decimal(str(dollars))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{dollars!r} is not an amount of US dollars of zero or more")
    return int((amount * NANO).to_integral_value(rounding=ROUND_CEILING))
