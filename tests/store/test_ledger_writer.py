"""The writer of the ledger when its machine fails it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.ledger_samples import Now, an_intent, done, money

from buildwright.core.errors import StoreError
from buildwright.store.ledger import SqliteLedger, checkpoints, open_ledger


@pytest.fixture
async def ledger(template: Path, tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    path = Path(shutil.copy(template, tmp_path / "ledger.db"))
    async with open_ledger(path, clock=Now().clock, owner="one") as ledger:
        yield ledger


async def test_a_connection_that_cannot_roll_back_is_opened_again(ledger: SqliteLedger) -> None:
    await ledger.set_budget("org:a", 1000, "total")
    await ledger.intend(an_intent("c1", 100))
    ledger._writer._broken = True
    await ledger.intend(an_intent("c2", 100))
    await ledger.settle(done("c1", 60))
    assert await money(ledger) == {"org:a total": (60, 100)}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_nobody_waits_for_a_writer_that_has_died(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object, connection: sqlite3.Connection) -> None:
        raise MemoryError

    monkeypatch.setattr(checkpoints.Checkpoints, "after_commit", broken)
    await ledger.intend(an_intent("c1"))
    work = (ledger.intend(an_intent(f"d{n}")) for n in range(3))
    for error in await asyncio.gather(*work, return_exceptions=True):
        assert isinstance(error, StoreError)
        assert "writer has failed" in error.message
    with pytest.raises(StoreError, match="writer has failed"):
        await ledger.settle(done("c1"))


async def test_an_answer_replaces_nothing_of_the_request(ledger: SqliteLedger) -> None:
    await ledger.intend(an_intent("c1", request=b"question"))
    await ledger.intend(an_intent("c2"))
    await asyncio.gather(
        ledger.settle(done("c1", answer=b"answer")), ledger.settle(done("c2", answer=b"alone"))
    )
    for name, request, answer in (("c1", b"question", b"answer"), ("c2", None, b"alone")):
        row = await ledger.get(name)
        assert row is not None
        assert row.settlement is not None
        assert (row.intent.request, row.settlement.answer) == (request, answer)


async def test_a_group_of_any_size_is_written_whole(ledger: SqliteLedger) -> None:
    await ledger.set_budget("org:a", 10**6, "total")
    for size in (1, 2, 3, 127, 128, 129, 255, 700):
        names = [f"{size}-{n}" for n in range(size)]
        await asyncio.gather(*(ledger.intend(an_intent(name, 5)) for name in names))
        await asyncio.gather(*(ledger.settle(done(name, 3)) for name in names))
    count = 1 + 2 + 3 + 127 + 128 + 129 + 255 + 700
    assert await money(ledger) == {"org:a total": (3 * count, 0)}
