"""What the ledger's errors advise."""

from __future__ import annotations

import pytest

from buildwright.core.ledger import Budget, BudgetSpentError, Period


@pytest.mark.parametrize(
    ("period", "advice"), [("total", ""), ("day", " --period day"), ("month", " --period month")]
)
def test_a_spent_budget_names_the_command_that_raises_this_very_cap(
    period: Period, advice: str
) -> None:
    spent = BudgetSpentError(Budget("org:acme", 10, period), 20)
    assert spent.next_step == f"buildwright budgets set org:acme --usd AMOUNT{advice}"
