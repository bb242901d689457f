"""The writer of the ledger when its machine fails it."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.store.ledger_samples import Now, an_intent, done, money

from buildwright.core.errors import StoreError
from buildwright.core.ledger import BudgetSpentError
from buildwright.store.ledger import SqliteLedger, checkpoints, group, open_ledger, writer


@pytest.fixture
async def ledger(template: Path, tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    path = Path(shutil.copy(template, tmp_path / "ledger.db"))
    async with open_ledger(path, clock=Now().clock, owner="one") as ledger:
        yield ledger


@pytest.fixture
def quick(ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch) -> SqliteLedger:
    """A ledger that commits on the loop however slow the machine is."""
    monkeypatch.setattr(writer, "SLOW_S", float("inf"))
    wait_for_the_thread(ledger)
    return ledger


def wait_for_the_thread(ledger: SqliteLedger) -> None:
    """Its outcomes arrive before it has put the connection down."""
    with ledger._writer._using:
        pass


async def test_a_connection_that_cannot_roll_back_is_opened_again(ledger: SqliteLedger) -> None:
    await ledger.set_budget("org:a", 1000, "total")
    await ledger.intend(an_intent("c1", 100))
    ledger._writer._broken = True
    await ledger.intend(an_intent("c2", 100))
    await ledger.settle(done("c1", 60))
    assert await money(ledger) == {"org:a total": (60, 100)}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_nobody_waits_for_a_writer_that_has_died(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object, connection: sqlite3.Connection) -> None:
        raise MemoryError

    monkeypatch.setattr(checkpoints, "SYNC_BYTES", 1)
    monkeypatch.setattr(checkpoints.Checkpoints, "move_on", broken)
    path = Path(shutil.copy(template, tmp_path / "ledger.db"))
    async with open_ledger(path, clock=Now().clock, owner="one", durable=True) as ledger:
        await ledger.intend(an_intent("c1"))
        work = (ledger.intend(an_intent(f"d{n}")) for n in range(3))
        for error in await asyncio.gather(*work, return_exceptions=True):
            assert isinstance(error, StoreError)
            assert "writer has failed" in error.message
        with pytest.raises(StoreError, match="writer has failed"):
            await ledger.settle(done("c1"))


async def test_the_loop_goes_on_while_another_process_holds_the_database(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    await ledger.set_budget("org:a", 1000, "total")
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        first = asyncio.ensure_future(ledger.intend(an_intent("c1", 100)))
        turns = 0
        while turns < 50:
            await asyncio.sleep(0.001)
            turns += 1
        second = asyncio.ensure_future(ledger.intend(an_intent("c2", 950)))
        await asyncio.sleep(0.01)
        assert not first.done()
        assert not second.done()
        other.execute("COMMIT")
        await first
        # Begun later, decided later: the first one has its money.
        with pytest.raises(BudgetSpentError):
            await second
    assert await money(ledger) == {"org:a total": (0, 100)}


async def test_after_a_slow_commit_the_thread_commits(
    quick: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    run = group.Group.run

    def noted(self: group.Group, operations: list[group.Operation]) -> list[group.Outcome]:
        threads.append(threading.current_thread().name)
        return run(self, operations)

    monkeypatch.setattr(group.Group, "run", noted)
    await quick.intend(an_intent("c1"))
    monkeypatch.setattr(writer, "SLOW_S", -1.0)
    await quick.intend(an_intent("c2"))
    await quick.intend(an_intent("c3"))
    assert threads == ["MainThread", "MainThread", "ledger"]


async def test_a_log_is_copied_once_and_not_at_every_commit(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[tuple[int, int]] = []
    copied = checkpoints._copied

    def noted(connection: sqlite3.Connection, how: str) -> tuple[int, int]:
        copies.append(copied(connection, how))
        return copies[-1]

    monkeypatch.setattr(checkpoints, "_copied", noted)
    monkeypatch.setattr(checkpoints, "BEGIN_BYTES", 12 << 20)
    body = b"x" * 100_000
    for number in range(150):
        await ledger.intend(an_intent(f"c{number}", request=body))
    await eventually(lambda: bool(copies))
    for number in range(150, 1000):
        await ledger.intend(an_intent(f"c{number}"))
    assert 2 <= len(copies) <= 6
    assert copies[-1][0] == copies[-1][1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is not synced in parts")
async def test_the_log_is_synced_in_parts_beside_the_commits(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, let_go = threading.Semaphore(0), threading.Event()
    copies: list[str] = []
    copied = checkpoints._copied

    def frozen(_: int) -> None:
        begun.release()
        let_go.wait()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def noted(connection: sqlite3.Connection, how: str) -> tuple[int, int]:
        copies.append(how)
        return copied(connection, how)

    monkeypatch.setattr(os, "fdatasync", frozen)
    monkeypatch.setattr(checkpoints, "_copied", noted)
    body = b"x" * 100_000
    for number in range(100):
        await ledger.intend(an_intent(f"c{number}", request=body))
    assert begun.acquire(timeout=10)
    assert not copies
    let_go.set()
    for number in range(100, 200):
        await ledger.intend(an_intent(f"c{number}", request=body))
    # An order that finds another behind it leaves the log to that one; a disk error ends nothing.
    await eventually(lambda: bool(copies))


async def test_the_log_does_not_grow_without_end(ledger: SqliteLedger, tmp_path: Path) -> None:
    body = b"x" * 100_000
    for number in range(1500):
        await ledger.intend(an_intent(f"c{number}", 0, request=body))
    path = tmp_path / "ledger.db"
    log = path.with_name(path.name + "-wal").stat().st_size
    assert 1500 * len(body) < path.stat().st_size + log
    assert log < checkpoints.LIMIT_BYTES + (16 << 20)


async def test_what_interrupts_a_commit_on_the_loop_loses_nothing(
    quick: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await quick.set_budget("org:a", 1000, "total")
    await quick.intend(an_intent("c1", 100))
    run, interrupted = group.Group.run, [False]

    def interrupts(self: group.Group, operations: list[group.Operation]) -> list[group.Outcome]:
        if not interrupted[0]:
            interrupted[0] = True
            raise RuntimeError
        return run(self, operations)

    monkeypatch.setattr(group.Group, "run", interrupts)
    wait_for_the_thread(quick)
    settled = quick.settle(done("c1", 60))
    with pytest.raises(RuntimeError):
        quick._flush()
    await settled
    row = await quick.get("c1")
    assert row is not None
    assert row.status == "done"


async def test_a_side_thread_that_fails_holds_no_commit_up(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refused)
    monkeypatch.setattr(checkpoints, "LIMIT_BYTES", 2 << 20)
    monkeypatch.setattr(checkpoints, "BEGIN_BYTES", 1 << 20)
    ledger._writer._checkpoints._look_at = 1 << 20
    for number in range(100):
        await ledger.intend(an_intent(f"c{number}", request=b"x" * 100_000))
    assert await ledger.get("c99") is not None


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something is true; the test's own time limit ends it."""
    while not holds():
        await asyncio.sleep(0.001)


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
