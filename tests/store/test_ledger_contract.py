"""What every ledger does with calls; both kinds pass the same tests."""

from __future__ import annotations

import asyncio

import pytest
from tests.store.ledger_samples import an_intent, done, money

from buildwright.core.errors import BuildwrightError, StoreError
from buildwright.core.ledger import (
    BudgetSpentError,
    CallExistsError,
    CallFilter,
    Ledger,
    TokenUsage,
)

USAGE = TokenUsage(1, 2, 30, 4, 5, 42, estimated=True, cache_write_1h=7)


async def test_an_intent_comes_back_as_it_was_stored(ledger: Ledger) -> None:
    intent = an_intent("c1", request=b"{}", call_key="k", body_hash="h", status="intent")
    await ledger.intend(intent)
    row = await ledger.get("c1")
    assert row is not None
    assert (row.intent, row.status, row.reserved_nano) == (intent, "intent", 100)
    assert row.settlement is None
    assert await ledger.get("c2") is None


async def test_a_settlement_comes_back_whole_and_frees_what_was_held(ledger: Ledger) -> None:
    await ledger.set_budget("key:c", 1000, "total")
    await ledger.intend(an_intent("c1"))
    end = done(
        "c1", 60, usage=USAGE, uncertain_nano=5, provider="azure", model="gpt", http_status=200,
        error="x", attempts=3, fallbacks=1, first_byte_s=0.25, answer=b"hi",
    )  # fmt: skip
    await ledger.settle(end)
    row = await ledger.get("c1")
    assert row is not None
    assert (row.status, row.reserved_nano, row.settlement) == ("done", 0, end)
    assert not row.over_bound
    assert await money(ledger) == {"key:c total": (65, 0)}


async def test_a_reservation_is_taken_from_every_budget_or_from_none(ledger: Ledger) -> None:
    await ledger.set_budget("org:a", 1000, "total")
    await ledger.set_budget("user:b", 150, "month")
    await ledger.set_budget("key:c", 500, "day")
    await ledger.intend(an_intent("c1", 100))
    with pytest.raises(BudgetSpentError, match=r"user:b \(month\) has 0.00000005 USD left") as told:
        await ledger.intend(an_intent("c2", 60))
    assert told.value.budget.left_nano == 50
    assert told.value.wanted_nano == 60
    held = {"org:a total": (0, 100), "user:b month": (0, 100), "key:c day": (0, 100)}
    assert await money(ledger) == held
    assert await ledger.get("c2") is None


async def test_the_last_nano_may_be_reserved_and_one_more_may_not(ledger: Ledger) -> None:
    await ledger.set_budget("org:a", 100, "total")
    await ledger.intend(an_intent("c1", 100))
    with pytest.raises(BudgetSpentError):
        await ledger.intend(an_intent("c2", 1))
    await ledger.intend(an_intent("c3", 0))
    assert await money(ledger) == {"org:a total": (0, 100)}


async def test_a_scope_named_twice_counts_once(ledger: Ledger) -> None:
    await ledger.set_budget("org:a", 100, "total")
    await ledger.intend(an_intent("c1", 60, scopes=("org:a", "org:a")))
    assert await money(ledger) == {"org:a total": (0, 60)}


async def test_a_call_that_cost_more_than_it_held_is_spent_in_full_and_flagged(
    ledger: Ledger,
) -> None:
    await ledger.set_budget("org:a", 100, "total")
    await ledger.intend(an_intent("c1", 100))
    await ledger.settle(done("c1", 130))
    row = await ledger.get("c1")
    assert row is not None
    assert row.over_bound
    assert await money(ledger) == {"org:a total": (130, 0)}
    await ledger.intend(an_intent("free", 0))
    with pytest.raises(BudgetSpentError, match="has 0 USD left"):
        await ledger.intend(an_intent("c2", 1))


async def test_a_call_in_doubt_keeps_what_it_held_until_it_is_settled(ledger: Ledger) -> None:
    await ledger.set_budget("org:a", 100, "total")
    await ledger.intend(an_intent("c1", 100))
    await ledger.settle(done("c1", 7, status="in_doubt", uncertain_nano=9))
    row = await ledger.get("c1")
    assert row is not None
    assert (row.status, row.reserved_nano) == ("in_doubt", 100)
    assert await money(ledger) == {"org:a total": (0, 100)}
    await ledger.settle(done("c1", 40, answer=b"late"))
    assert await money(ledger) == {"org:a total": (40, 0)}
    row = await ledger.get("c1")
    assert row is not None
    assert row.settlement == done("c1", 40, answer=b"late")


@pytest.mark.parametrize("first", ["done", "failed"])
@pytest.mark.parametrize("second", ["done", "failed", "in_doubt"])
async def test_settling_twice_changes_nothing(ledger: Ledger, first: str, second: str) -> None:
    await ledger.set_budget("org:a", 1000, "total")
    await ledger.intend(an_intent("c1", 100))
    await ledger.settle(done("c1", 60, status=first))
    await ledger.settle(done("c1", 90, status=second))
    row = await ledger.get("c1")
    assert row is not None
    assert row.settlement == done("c1", 60, status=first)
    assert await money(ledger) == {"org:a total": (60, 0)}


async def test_an_extension_is_all_or_nothing_and_freed_with_the_rest(ledger: Ledger) -> None:
    await ledger.set_budget("org:a", 200, "total")
    await ledger.set_budget("key:c", 150, "total")
    await ledger.intend(an_intent("c1", 100))
    await ledger.extend("c1", 50)
    with pytest.raises(BudgetSpentError, match="key:c"):
        await ledger.extend("c1", 1)
    assert await money(ledger) == {"org:a total": (0, 150), "key:c total": (0, 150)}
    await ledger.settle(done("c1", 120))
    row = await ledger.get("c1")
    assert row is not None
    assert not row.over_bound
    assert await money(ledger) == {"org:a total": (120, 0), "key:c total": (120, 0)}


async def test_an_intent_becomes_sent_once_and_a_settled_call_never(ledger: Ledger) -> None:
    await ledger.intend(an_intent("c1", status="intent"))
    await ledger.sent("c1")
    await ledger.sent("c1")
    row = await ledger.get("c1")
    assert row is not None
    assert row.status == "sent"
    await ledger.settle(done("c1"))
    for work in (ledger.sent("c1"), ledger.extend("c1", 1), ledger.sent("nobody")):
        with pytest.raises(StoreError):
            await work


async def test_a_used_call_key_names_its_call(ledger: Ledger) -> None:
    await ledger.intend(an_intent("c1", call_key="k"))
    with pytest.raises(CallExistsError, match="'k' belongs to call c1") as told:
        await ledger.intend(an_intent("c2", call_key="k"))
    assert told.value.row.intent.id == "c1"
    await ledger.intend(an_intent("c3", call_key="k", tenant="other"))
    await ledger.intend(an_intent("c4", call_key=""))
    await ledger.intend(an_intent("c5", call_key=""))
    found = await ledger.find("other", "k")
    assert found is not None
    assert found.intent.id == "c3"
    assert await ledger.find("t", "") is None


async def test_a_failed_call_gives_its_key_away_and_stays_in_the_list(ledger: Ledger) -> None:
    await ledger.intend(an_intent("c1", call_key="k"))
    await ledger.settle(done("c1", 3, status="failed"))
    found = await ledger.find("t", "k")
    assert found is not None
    assert found.intent.id == "c1"
    await ledger.intend(an_intent("c2", call_key="k"))
    found = await ledger.find("t", "k")
    assert found is not None
    assert found.intent.id == "c2"
    listed = await ledger.calls(CallFilter(call_key_prefix="k"))
    assert [row.intent.id for row in listed] == ["c2", "c1"]


async def test_of_equal_keys_at_the_same_time_one_wins(ledger: Ledger) -> None:
    work = (ledger.intend(an_intent(f"c{n}", call_key="k")) for n in range(3))
    first, *others = await asyncio.gather(*work, return_exceptions=True)
    assert first is None
    assert [type(error) for error in others] == [CallExistsError] * 2
    failed = ledger.settle(done("c0", 0, status="failed"))
    await ledger.intend(an_intent("c4", call_key="k"))
    await failed
    found = await ledger.find("t", "k")
    assert found is not None
    assert found.intent.id == "c4"


async def test_an_id_can_be_used_once(ledger: Ledger) -> None:
    await ledger.set_budget("org:a", 1000, "total")
    await ledger.intend(an_intent("c1", 100))
    with pytest.raises(StoreError):
        await ledger.intend(an_intent("c1", 100))
    assert await money(ledger) == {"org:a total": (0, 100)}


@pytest.mark.parametrize("nano", [-1, 1.5, True, 10**30])
async def test_what_is_no_amount_is_refused(ledger: Ledger, nano: int) -> None:
    await ledger.intend(an_intent("c1"))
    with pytest.raises(StoreError, match="expected whole nano-dollars"):
        await ledger.intend(an_intent("c2", nano))
    with pytest.raises(StoreError, match="expected whole nano-dollars"):
        await ledger.extend("c1", nano)
    with pytest.raises(StoreError, match="expected whole nano-dollars"):
        await ledger.settle(done("c1", nano))


async def test_settling_a_call_nobody_knows_is_an_error(ledger: Ledger) -> None:
    with pytest.raises(BuildwrightError, match="there is no call ghost"):
        await ledger.settle(done("ghost"))
