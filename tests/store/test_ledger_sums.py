"""Caps in their windows, lists and sums; both kinds of ledger pass the same tests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.store.ledger_samples import DAY_S, NOON, Now, an_intent, done, money

from buildwright.core.ledger import BudgetSpentError, CallFilter, Ledger, Spend, TokenUsage

USAGE = TokenUsage(1, 2, 30, 4, 5, 42, estimated=True, cache_write_1h=7)


async def test_a_new_cap_counts_what_its_scope_has_spent_and_holds(ledger: Ledger) -> None:
    await ledger.intend(an_intent("c1", 100))
    await ledger.settle(done("c1", 60))
    await ledger.intend(an_intent("c2", 30))
    await ledger.intend(an_intent("old", 500, at=NOON - 40 * DAY_S))
    await ledger.intend(an_intent("other", 900, scopes=("org:z",)))
    month = await ledger.set_budget("key:c", 100, "month")
    total = await ledger.set_budget("key:c", 1000, "total")
    assert month is not None
    assert total is not None
    assert (month.spent_nano, month.held_nano, month.window) == (60, 30, "2026-11")
    assert (total.spent_nano, total.held_nano, total.window) == (60, 530, "")
    with pytest.raises(BudgetSpentError, match="month"):
        await ledger.intend(an_intent("c3", 11))


async def test_a_removed_cap_holds_nobody_and_comes_back_with_what_was_spent(
    ledger: Ledger,
) -> None:
    await ledger.set_budget("org:a", 100, "total")
    await ledger.intend(an_intent("c1", 100))
    assert await ledger.set_budget("org:a", None, "total") is None
    await ledger.intend(an_intent("c2", 100))
    assert await ledger.budgets() == []
    again = await ledger.set_budget("org:a", 100, "total")
    assert again is not None
    assert (again.held_nano, again.left_nano) == (200, 0)
    raised = await ledger.set_budget("org:a", 300, "total")
    assert raised is not None
    assert raised.left_nano == 100


async def test_a_call_belongs_to_the_day_it_began_whenever_it_is_settled(
    ledger: Ledger, now: Now
) -> None:
    await ledger.set_budget("org:a", 100, "day")
    await ledger.intend(an_intent("late", 100, at=NOON))
    now.at = NOON + DAY_S
    assert await money(ledger) == {"org:a day": (0, 0)}
    await ledger.intend(an_intent("next", 100, at=now.at))
    await ledger.settle(done("late", 70, at=now.at))
    assert await money(ledger) == {"org:a day": (0, 100)}
    with pytest.raises(BudgetSpentError):
        await ledger.intend(an_intent("more", 1, at=now.at))
    with pytest.raises(BudgetSpentError):
        await ledger.intend(an_intent("backdated", 31, at=NOON))


async def test_a_new_cap_counts_its_own_day_only(ledger: Ledger) -> None:
    for name, days in (("before", -1), ("same", 0), ("after", 1)):
        await ledger.intend(an_intent(name, 10, at=NOON + days * DAY_S))
    budget = await ledger.set_budget("org:a", 100, "day")
    assert budget is not None
    assert budget.held_nano == 10


async def test_months_begin_at_midnight_utc(ledger: Ledger, now: Now) -> None:
    await ledger.set_budget("org:a", 100, "month")
    first_of_december = 1_796_083_200.0
    await ledger.intend(an_intent("c1", 100, at=first_of_december - 0.001))
    await ledger.intend(an_intent("c2", 90, at=first_of_december))
    now.at = first_of_december
    (budget,) = await ledger.budgets()
    assert (budget.window, budget.held_nano) == ("2026-12", 90)


async def test_calls_are_listed_newest_first_by_what_is_asked(ledger: Ledger) -> None:
    await ledger.intend(an_intent("c1", call_key="b1/generate/1", at=NOON - 10))
    await ledger.intend(an_intent("c2", call_key="b1/test/1", scopes=("key:z",)))
    await ledger.intend(an_intent("c3", tenant="other"))
    await ledger.settle(done("c1", status="in_doubt"))

    async def ids(**wanted: object) -> list[str]:
        found = await ledger.calls(replace(CallFilter(), **wanted))  # type: ignore[arg-type]
        return [row.intent.id for row in found]

    assert await ids() == ["c3", "c2", "c1"]
    assert await ids(limit=1) == ["c3"]
    assert await ids(status=("in_doubt", "done")) == ["c1"]
    assert await ids(status=("sent",)) == ["c3", "c2"]
    assert await ids(tenant="t") == ["c2", "c1"]
    assert await ids(scope="key:c") == ["c3", "c1"]
    assert await ids(call_key_prefix="b1/gen") == ["c1"]
    assert await ids(since=NOON) == ["c3", "c2"]


async def test_sums_are_by_model_scope_and_day(ledger: Ledger) -> None:
    await ledger.intend(an_intent("c1"))
    await ledger.settle(done("c1", 60, usage=USAGE, uncertain_nano=5))
    await ledger.intend(an_intent("c2", at=NOON + DAY_S, scopes=("org:a",)))
    await ledger.settle(done("c2", 1, provider="azure", model="m", usage=TokenUsage(9)))
    await ledger.intend(an_intent("c3", 33))
    await ledger.settle(done("c3", status="in_doubt"))
    await ledger.intend(an_intent("open"))
    used = USAGE._replace(reported_total=None)
    assert await ledger.spend("model", CallFilter(limit=1)) == [
        Spend("azure/m", 1, TokenUsage(9), 1),
        Spend("openai/gpt-4o", 2, used, 60, 5, 33),
    ]
    assert await ledger.spend("day", CallFilter()) == [
        Spend("2026-11-20", 2, used, 60, 5, 33),
        Spend("2026-11-21", 1, TokenUsage(9), 1),
    ]
    by_scope = await ledger.spend("scope", CallFilter(tenant="t"))
    assert [(s.group, s.calls, s.cost_nano) for s in by_scope] == [
        ("key:c", 2, 60), ("org:a", 3, 61), ("user:b", 2, 60),
    ]  # fmt: skip
    assert await ledger.spend("model", CallFilter(scope="org:none")) == []


async def test_nobody_else_has_left_anything(ledger: Ledger) -> None:
    await ledger.intend(an_intent("c1", status="intent"))
    assert await ledger.recover() == 0
    row = await ledger.get("c1")
    assert row is not None
    assert row.status == "intent"
