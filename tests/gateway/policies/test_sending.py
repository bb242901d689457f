"""Retries, fallbacks, and the money of attempts that broke off."""

from __future__ import annotations

import pytest
from tests.gateway.policies.making import ANSWER, USAGE, Clock, Upstream, call, target

from buildwright.core.gateway_settings import RetrySettings
from buildwright.core.ledger import TokenUsage
from buildwright.gateway.call import Call
from buildwright.gateway.errors import GatewayError, invalid, unreachable
from buildwright.gateway.ledger_memory import MemoryLedger
from buildwright.gateway.policies.retrying import RetryBudget, Retrying
from buildwright.gateway.policies.routing import make_routing
from buildwright.gateway.policies.spending import Money, Spending

A, B = target("a", 2), target("b", 3)


class Setup:
    """The inner half of the gateway over one upstream that plays a script."""

    def __init__(self, upstream: Upstream, retries: RetrySettings | None = None) -> None:
        self.clock, self.upstream = Clock(), upstream
        self.ledger = MemoryLedger(self.clock.now)
        settings = retries or RetrySettings(share=1.0)
        self.retrying = Retrying(upstream.send, settings, self.ledger, self.clock.around())
        money = Money(self.ledger, self.clock.now, lambda _: False, lambda _: True, 20)
        self.handle = Spending(make_routing(self.retrying.send), money).handle

    async def fails(self, mine: Call) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            await self.handle(mine)
        return caught.value


def two() -> Call:
    made = call(plan=(A, B))
    made.deadline = 5000.0
    return made


def one() -> Call:
    made = call(plan=(A,))
    made.deadline = 5000.0
    return made


def refused() -> GatewayError:
    error = unreachable("HTTP 500", status=500)
    assert error.billed == "no"
    return error


def cut() -> GatewayError:
    return unreachable("cut", billed="unknown")


async def test_a_passing_fault_costs_one_wait_and_no_money() -> None:
    setup = Setup(Upstream(refused()))
    mine = one()
    assert (await setup.handle(mine)).body == ANSWER
    row = await setup.ledger.get(mine.id)
    assert row is not None
    assert row.settlement is not None
    assert (row.settlement.attempts, row.settlement.cost_nano) == (2, 2 * USAGE.total)
    assert row.settlement.uncertain_nano == 0
    assert setup.clock.slept == [0.25]


async def test_retry_after_is_obeyed_and_one_that_is_too_long_ends_the_tries() -> None:
    short, long = refused(), refused()
    short.retry_after_s, long.retry_after_s = 3.0, 90.0
    setup = Setup(Upstream(short))
    await setup.handle(one())
    assert setup.clock.slept == [3.25]
    setup = Setup(Upstream(long))
    await setup.fails(one())
    assert setup.upstream.calls == 1


async def test_nothing_is_sent_again_after_the_deadline() -> None:
    setup = Setup(Upstream(refused()))
    mine = one()
    mine.deadline = setup.clock.at + 0.1
    await setup.fails(mine)
    assert setup.upstream.calls == 1


async def test_what_may_have_been_paid_is_counted_before_it_is_sent_again() -> None:
    setup = Setup(Upstream(cut()))
    await setup.ledger.set_budget("org:local", 10_000, "total")
    mine = one()
    await setup.handle(mine)
    (budget,) = await setup.ledger.budgets()
    assert mine.uncertain_nano == mine.bound_nano > 0
    assert budget.spent_nano == mine.bound_nano + 2 * USAGE.total
    assert budget.held_nano == 0


async def test_no_budget_for_a_second_try_ends_with_the_first_error() -> None:
    setup = Setup(Upstream(cut()))
    mine = one()
    setup.clock.at = 1000.0
    await setup.ledger.set_budget("org:local", 150, "total")
    error = await setup.fails(mine)
    row = await setup.ledger.get(mine.id)
    assert error.message == "cut"
    assert setup.upstream.calls == 1
    assert row is not None
    assert row.status == "in_doubt"
    (budget,) = await setup.ledger.budgets()
    assert budget.held_nano == mine.bound_nano


async def test_a_lasting_cut_ends_in_doubt_with_every_attempt_counted() -> None:
    setup = Setup(Upstream(cut(), cut(), cut()))
    mine = one()
    await setup.fails(mine)
    row = await setup.ledger.get(mine.id)
    assert row is not None
    assert (row.status, row.reserved_nano) == ("in_doubt", 3 * mine.bound_nano)


async def test_a_refusal_by_the_callers_fault_is_neither_repeated_nor_passed_on() -> None:
    setup = Setup(Upstream(invalid("bad")))
    mine = two()
    await setup.fails(mine)
    row = await setup.ledger.get(mine.id)
    assert setup.upstream.asked == ["a"]
    assert row is not None
    assert (row.status, row.reserved_nano) == ("failed", 0)


async def test_the_next_target_answers_when_the_first_does_not() -> None:
    setup = Setup(Upstream(*[refused()] * 3))
    mine = two()
    await setup.handle(mine)
    row = await setup.ledger.get(mine.id)
    assert setup.upstream.asked == ["a", "a", "a", "b"]
    assert row is not None
    assert row.settlement is not None
    assert (row.settlement.provider, row.settlement.fallbacks) == ("b", 1)
    assert row.settlement.cost_nano == 3 * USAGE.total


async def test_the_dearest_target_of_the_plan_is_reserved() -> None:
    setup = Setup(Upstream())
    mine = two()
    await setup.handle(mine)
    assert mine.bound_nano == 3 * (mine.input_tokens + 20)


async def test_an_empty_answer_costs_what_its_usage_says() -> None:
    empty = unreachable("empty", billed="unknown")
    empty.usage, empty.again = TokenUsage(fresh_input=7), False
    setup = Setup(Upstream(empty))
    mine = one()
    await setup.fails(mine)
    row = await setup.ledger.get(mine.id)
    assert row is not None
    assert row.settlement is not None
    assert (row.status, row.settlement.cost_nano) == ("failed", 14)


def test_retries_are_at_most_a_share_of_calls() -> None:
    budget = RetryBudget(0.1)
    first = sum(budget.spend() for _ in range(100))
    later = 0
    for _ in range(100):
        budget.earn()
        later += budget.spend()
    assert first == 10
    assert later in (9, 10)  # a tenth has no exact float


async def test_an_open_breaker_is_not_waited_for() -> None:
    error = GatewayError(503, "api_error", "upstream_open", "x", again=True, upstream=True)
    setup = Setup(Upstream(error))
    await setup.handle(two())
    assert setup.upstream.asked == ["a", "b"]
    assert setup.clock.slept == []


async def test_an_unsent_target_is_not_charged() -> None:
    setup = Setup(Upstream(*[unreachable("refused")] * 3))
    mine: Call = one()
    await setup.fails(mine)
    row = await setup.ledger.get(mine.id)
    assert row is not None
    assert (row.status, row.reserved_nano) == ("failed", 0)
