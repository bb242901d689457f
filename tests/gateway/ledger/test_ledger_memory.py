"""What only the ledger in memory has: the fence asks whom it is given."""

from __future__ import annotations

import pytest
from tests.store.ledger_samples import NOON, an_intent

from buildwright.core.errors import LeaseLostError
from buildwright.gateway.ledger_memory import MemoryLedger


async def test_only_the_newest_worker_of_a_build_may_buy() -> None:
    ledger = MemoryLedger(lambda: NOON, epoch_of={"b1": 3}.get)
    await ledger.intend(an_intent("c1", fence=("b1", 3)))
    for fence in (("b1", 2), ("b2", 3)):
        with pytest.raises(LeaseLostError, match="taken over"):
            await ledger.intend(an_intent("c2", fence=fence))
    assert await ledger.get("c2") is None


async def test_without_anyone_to_ask_every_fence_holds() -> None:
    ledger = MemoryLedger(lambda: NOON, owner="here")
    await ledger.intend(an_intent("c1", fence=("b1", 2)))
    row = await ledger.get("c1")
    assert row is not None
    assert (row.owner, row.intent.fence) == ("here", None)
