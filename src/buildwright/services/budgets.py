"""Caps on money, and what was spent, from what people type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from buildwright.core.build import StageName
from buildwright.core.errors import UnknownNameError, UsageError
from buildwright.core.ledger import (
    Budget,
    CallFilter,
    Ledger,
    LedgerRow,
    Period,
    Spend,
    nano_of,
    usd,
)
from buildwright.store.keys import KeyStore

KINDS = ("org", "user", "key", "build", "stage")
LATEST = 10
LARGEST_USD = 1_000_000_000
_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True)
class BudgetView:
    """The caps of one scope, its latest calls, and all of its calls whose fate is unknown."""

    scope: str
    budgets: tuple[Budget, ...]
    latest: tuple[LedgerRow, ...]
    in_doubt: tuple[LedgerRow, ...]


class Budgets:
    """Sets, lists and removes caps; a key may be named instead of giving its id."""

    def __init__(self, ledger: Ledger, keys: KeyStore) -> None:
        self._ledger, self._keys = ledger, keys

    def scope(self, text: str) -> str:
        """Return a checked scope; raises UsageError, or UnknownNameError for a key."""
        kind, colon, name = text.partition(":")
        if kind not in KINDS and colon:
            raise UnknownNameError("scope", kind, KINDS)
        if not colon or not _NAME.fullmatch(name):
            raise UsageError(
                f"scope is {text!r}; expected org:NAME, user:NAME, key:NAME, build:ID or "
                "stage:BUILD/STAGE",
                next_step="org:local is what builds and calls without a key count against",
            )
        if kind == "key":
            return f"key:{self._key_id(name)}"
        if kind == "stage":
            _check_stage(text, name)
        return text

    def known_names(self) -> dict[str, str]:
        """Return the names of keys by their scope."""
        return {f"key:{key.id}": key.name for key in self._keys.list()}

    async def set(self, scope: str, dollars: str, period: Period) -> Budget:
        """Set or change a cap; raises UsageError."""
        scope = self.scope(scope)
        set_to = await self._ledger.set_budget(scope, money_of(dollars), period)
        assert set_to is not None  # noqa: S101 - only a removed cap is None
        return set_to

    async def remove(self, scope: str, period: Period | None) -> tuple[Budget, ...]:
        """Remove the caps of a scope, of one period or all; raises UsageError when it has none."""
        scope = self.scope(scope)
        gone = tuple(budget for budget in await self._of(scope) if period in (None, budget.period))
        if not gone:
            raise UsageError(
                f"scope {scope} has no {period or ''} budget".replace("  ", " "),
                next_step="buildwright budgets list",
            )
        for budget in gone:
            await self._ledger.set_budget(scope, None, budget.period)
        return gone

    async def list(self) -> Sequence[Budget]:
        """Return all caps."""
        return await self._ledger.budgets()

    async def show(self, scope: str) -> BudgetView:
        """Return a scope's caps and calls; raises UsageError when there are neither."""
        scope = self.scope(scope)
        wanted = CallFilter(scope=scope, limit=LATEST)
        latest = tuple(await self._ledger.calls(wanted))
        budgets = await self._of(scope)
        if not budgets and not latest:
            raise UsageError(
                f"scope {scope} has no budget and no calls",
                next_step=f"buildwright budgets set {scope} --usd AMOUNT",
            )
        doubtful = replace(wanted, status=("in_doubt",), limit=1_000)
        return BudgetView(scope, budgets, latest, tuple(await self._ledger.calls(doubtful)))

    async def spend(
        self, by: Literal["model", "scope", "day"], since: float, scope: str
    ) -> Sequence[Spend]:
        """Return sums over calls since a moment (seconds since the epoch), of a scope or all."""
        wanted = CallFilter(since=since, scope=self.scope(scope) if scope else "")
        return await self._ledger.spend(by, wanted)

    async def _of(self, scope: str) -> tuple[Budget, ...]:
        return tuple(one for one in await self._ledger.budgets() if one.scope == scope)

    def _key_id(self, name: str) -> str:
        keys = self._keys.list()
        found = [key.id for key in keys if name in (key.id, key.name)]
        if not found:
            known = [text for key in keys for text in (key.name, key.id)]
            raise UnknownNameError("key", name, known, next_step="buildwright keys list")
        return found[-1]


def money_of(dollars: str) -> int:
    """Return an amount of dollars as nano-dollars; raises UsageError."""
    try:
        nano = nano_of(dollars)
    except ValueError as error:
        raise UsageError(f"--usd: {error}", next_step="give a number, e.g. --usd 5") from error
    if nano > nano_of(LARGEST_USD):
        raise UsageError(f"--usd is {dollars}; expected at most {LARGEST_USD}")
    return nano


def budget_row(budget: Budget) -> dict[str, str]:
    """Return a cap as JSON has it; amounts are exact decimal texts of US dollars."""
    return {
        "scope": budget.scope,
        "period": budget.period,
        "window": budget.window,
        "cap_usd": usd(budget.cap_nano),
        "spent_usd": usd(budget.spent_nano),
        "held_usd": usd(budget.held_nano),
        "left_usd": usd(budget.left_nano),
    }


def spend_row(spend: Spend) -> dict[str, object]:
    """Return sums as JSON has them."""
    usage = spend.usage
    return {
        "group": spend.group,
        "calls": spend.calls,
        "input_tokens": usage.input,
        "cached_tokens": usage.cache_read,
        "output_tokens": usage.output + usage.reasoning,
        "cost_usd": usd(spend.cost_nano),
        "uncertain_usd": usd(spend.uncertain_nano),
        "in_doubt_usd": usd(spend.in_doubt_nano),
    }


def _check_stage(text: str, name: str) -> None:
    build, slash, stage = name.partition("/")
    if not (build and slash and stage):
        raise UsageError(f"scope is {text!r}; expected stage:BUILD/STAGE, e.g. stage:0abc/generate")
    if stage not in set(StageName):
        raise UnknownNameError("stage", stage, [one.value for one in StageName])
