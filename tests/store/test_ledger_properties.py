"""Random histories of a ledger: the money always adds up and no cap is overspent."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.store.ledger_samples import DAY_S, Now, an_intent, done

from buildwright.core.errors import StoreError
from buildwright.core.ledger import (
    BudgetSpentError,
    CallFilter,
    Ledger,
    LedgerRow,
    Period,
)
from buildwright.gateway.ledger_memory import MemoryLedger
from buildwright.store.ledger import open_ledger

T = TypeVar("T")
SCOPES = ("org:a", "user:b", "user:c", "key:d", "key:e")
NESTED = st.sampled_from(
    [("org:a", "user:b", "key:d"), ("org:a", "user:c", "key:e"), ("org:a",), ("key:d", "key:d")]
)
NANO = st.integers(0, 120)
BEGINS = st.sampled_from(["intent", "sent"])
ENDS = st.sampled_from(["done", "failed", "in_doubt"])
PERIODS = st.sampled_from(["total", "day", "month"])
ALL = CallFilter(limit=10**6)


class LedgerHistory(RuleBasedStateMachine):
    """A ledger that is used, crashes and comes back, beside what its answers promised."""

    kind: Literal["memory", "sqlite"] = "memory"
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.now = Now()
        self.promised: dict[str, int] = {}
        self.names = 0

    @initialize()
    def start(self) -> None:
        shutil.copy(self.template, self.folder / "ledger.db")
        self.open()

    def open(self) -> None:
        self.stack = AsyncExitStack()
        path = self.folder / "ledger.db"
        if self.kind == "memory":
            self.ledger: Ledger = MemoryLedger(self.now.clock.now)
            return
        opened = open_ledger(path, clock=self.now.clock, owner="one")
        self.ledger = self.run(self.stack.enter_async_context(opened))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @rule(
        scopes=NESTED,
        nano=NANO,
        status=st.sampled_from(["intent", "sent"]),
        back_s=st.sampled_from([0.0, DAY_S]),
    )
    def intend(self, scopes: tuple[str, ...], nano: int, status: str, back_s: float) -> None:
        self.names += 1
        name, at = f"c{self.names}", self.now.at - back_s
        budgets = self.run(self.ledger.budgets())
        try:
            intent = an_intent(name, nano, scopes=scopes, status=status, at=at)
            self.run(self.ledger.intend(intent))
        except BudgetSpentError as error:
            assert error.wanted_nano == nano > error.budget.left_nano  # noqa: PT017 - it may pass too
            assert self.run(self.ledger.get(name)) is None
            assert self.run(self.ledger.budgets()) == budgets
            return
        self.promised[name] = nano
        self.within_caps(scopes if nano and not back_s else ())

    @precondition(lambda self: self.promised)
    @rule(data=st.data(), nano=NANO)
    def extend(self, data: st.DataObject, nano: int) -> None:
        name = self.pick(data)
        before = self.run(self.ledger.budgets())
        try:
            self.run(self.ledger.extend(name, nano))
        except BudgetSpentError:
            assert self.run(self.ledger.budgets()) == before
        except StoreError:
            assert self.row(name).status in ("done", "failed", "in_doubt")
        else:
            self.promised[name] += nano

    @precondition(lambda self: self.promised)
    @rule(
        data=st.data(),
        cost=st.integers(0, 160),
        status=st.sampled_from(["done", "failed", "in_doubt"]),
    )
    def settle(self, data: st.DataObject, cost: int, status: str) -> None:
        name = self.pick(data)
        before = self.row(name)

        async def work() -> None:
            await self.ledger.settle(done(name, cost, status=status))

        self.run(work())
        if before.status in ("done", "failed", status):
            assert self.row(name) == before
        else:
            assert self.row(name).status == status

    @precondition(lambda self: self.promised)
    @rule(data=st.data(), statuses=st.lists(st.sampled_from(["done", "failed"]), max_size=8))
    def settle_many_at_once(self, data: st.DataObject, statuses: list[str]) -> None:
        names = [self.pick(data) for _ in statuses]

        async def work() -> None:
            await asyncio.gather(
                *(
                    self.ledger.settle(done(name, 10, status=status))
                    for name, status in zip(names, statuses, strict=True)
                )
            )

        self.run(work())

    @rule(scopes=NESTED, amounts=st.lists(NANO, max_size=12))
    def intend_many_at_once(self, scopes: tuple[str, ...], amounts: list[int]) -> None:
        names = [f"g{self.names}-{place}" for place in range(len(amounts))]
        self.names += 1

        async def work() -> list[BaseException | None]:
            made = (
                self.ledger.intend(an_intent(name, nano, scopes=scopes, at=self.now.at))
                for name, nano in zip(names, amounts, strict=True)
            )
            return await asyncio.gather(*made, return_exceptions=True)

        for name, nano, error in zip(names, amounts, self.run(work()), strict=True):
            assert error is None or isinstance(error, BudgetSpentError)
            if error is None:
                self.promised[name] = nano
                self.within_caps(scopes if nano else ())

    @rule(scope=st.sampled_from(SCOPES), cap=st.none() | st.integers(50, 400), period=PERIODS)
    def set_budget(self, scope: str, cap: int | None, period: Period) -> None:
        self.run(self.ledger.set_budget(scope, cap, period))

    @rule()
    def next_day(self) -> None:
        self.now.at += DAY_S

    @rule()
    def crash(self) -> None:
        if self.kind == "memory":
            return
        on_the_way = {
            row.intent.id: row.status for row in self.rows() if row.status in ("intent", "sent")
        }
        self.run(self.stack.aclose())
        self.open()
        for name, status in on_the_way.items():
            assert self.row(name).status == ("failed" if status == "intent" else "in_doubt")

    def within_caps(self, scopes: tuple[str, ...]) -> None:
        for budget in self.run(self.ledger.budgets()):
            if budget.scope in scopes:
                assert budget.spent_nano + budget.held_nano <= budget.cap_nano

    def pick(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.promised)))

    def row(self, name: str) -> LedgerRow:
        row = self.run(self.ledger.get(name))
        assert row is not None
        return row

    def rows(self) -> list[LedgerRow]:
        return list(self.run(self.ledger.calls(ALL)))

    @invariant()
    def nothing_is_lost(self) -> None:
        if hasattr(self, "ledger"):
            stored = {row.intent.id: row.intent.reserve_nano for row in self.rows()}
            assert stored == self.promised

    @invariant()
    def budgets_are_the_sums_of_their_rows(self) -> None:
        if not hasattr(self, "ledger"):
            return
        rows = self.rows()
        for budget in self.run(self.ledger.budgets()):
            inside = [
                row
                for row in rows
                if budget.scope in row.intent.scopes
                and _window(budget.period, row.intent.at) == _window(budget.period, self.now.at)
            ]
            spent = sum(_spent(row) for row in inside)
            assert budget.spent_nano == spent
            assert budget.held_nano == sum(row.reserved_nano for row in inside)

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)


def _spent(row: LedgerRow) -> int:
    settlement = row.settlement
    return settlement.cost_nano + settlement.uncertain_nano if settlement else 0


def _window(period: Period, at: float) -> str:
    shape = {"total": "", "day": "%Y-%m-%d", "month": "%Y-%m"}[period]
    return datetime.fromtimestamp(at, UTC).strftime(shape)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_money_adds_up_in_every_history(kind: str, template: Path) -> None:
    history = cast(
        "type[LedgerHistory]",
        type("History", (LedgerHistory,), {"kind": kind, "template": template}),
    )
    run_state_machine_as_test(
        history,
        settings=settings(
            max_examples=40 if kind == "sqlite" else 60,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
