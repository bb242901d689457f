"""What only the ledger in a file has to do: other processes, crashes, full disks, bad values."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
from tests.store.ledger_samples import DAY_S, NOON, Now, an_intent, done, money

from buildwright.core.clock import Clock
from buildwright.core.errors import DiskError, LeaseLostError, StoreError
from buildwright.core.ledger import BudgetSpentError, CallExistsError, CallFilter, Ledger
from buildwright.store.ledger import SqliteLedger, open_ledger, owners

LEAVE = """
import asyncio, os, signal, sys
from pathlib import Path
from buildwright.core.clock import Clock
from buildwright.store.ledger import open_ledger
from tests.store.ledger_samples import an_intent

async def main():
    async with open_ledger(Path(sys.argv[1]), clock=Clock(), owner="dead") as ledger:
        await ledger.intend(an_intent("unsent", 30, status="intent"))
        await ledger.intend(an_intent("unknown", 50))
        print("ready", flush=True)
        if sys.argv[2] == "stay":
            signal.pause()
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "ledger.db"))


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def ledger(path: Path, stack: AsyncExitStack) -> SqliteLedger:
    return await stack.enter_async_context(open_ledger(path, clock=Now().clock, owner="one"))


async def status_of(ledger: Ledger, call_id: str) -> str:
    row = await ledger.get(call_id)
    return row.status if row else "lost"


async def test_what_a_killed_process_left_is_judged(path: Path) -> None:
    async with open_ledger(path, clock=Now().clock, owner="one") as ledger:
        await ledger.set_budget("key:c", 100, "total")
        killed = subprocess.run([sys.executable, "-c", LEAVE, str(path), "die"], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert await money(ledger) == {"key:c total": (0, 80)}
        assert await ledger.recover() == 2
        assert await ledger.recover() == 0
        assert await status_of(ledger, "unsent") == "failed"
        assert await status_of(ledger, "unknown") == "in_doubt"
        assert await money(ledger) == {"key:c total": (0, 50)}
        with pytest.raises(StoreError):
            await ledger.sent("unsent")
    (path.parent / "owners" / "dead-too.lock").touch()
    async with open_ledger(path, clock=Now().clock, owner="one"):
        assert [lock.name for lock in (path.parent / "owners").iterdir()] == ["one.lock"]


async def test_what_a_living_process_holds_is_left_alone(ledger: Ledger, path: Path) -> None:
    command = [sys.executable, "-c", LEAVE, str(path), "stay"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"ready\n"
        assert await ledger.recover() == 0
        other.kill()
        other.wait()
        assert await ledger.recover() == 2


async def test_a_name_in_use_is_refused_and_free_again_afterwards(path: Path) -> None:
    async with open_ledger(path, clock=Now().clock, owner="h:1/../x") as ledger:
        await ledger.intend(an_intent("c1"))
        with pytest.raises(StoreError, match=r"calls itself 'h:1/\.\./x'"):
            async with open_ledger(path, clock=Now().clock, owner="h:1/../x"):
                pass
    async with open_ledger(path, clock=Now().clock, owner="h:1/../x") as ledger:
        assert await status_of(ledger, "c1") == "in_doubt"
    assert list((path.parent / "owners").iterdir()) == []


def test_a_lock_file_that_is_removed_while_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lock = owners.lock_path(tmp_path, "one"), fcntl.flock

    def removed_first(descriptor: int, how: int) -> None:
        monkeypatch.undo()
        path.unlink()
        lock(descriptor, how)

    monkeypatch.setattr("fcntl.flock", removed_first)
    held = owners.hold(tmp_path, "one")
    with pytest.raises(StoreError, match="calls itself 'one'"):
        owners.hold(tmp_path, "one")
    os.close(held)


async def test_two_ledgers_on_one_file_share_their_caps(path: Path, ledger: Ledger) -> None:
    async with open_ledger(path, clock=Now().clock, owner="two") as other:
        await ledger.set_budget("org:a", 100, "total")
        for number in range(5):
            await ledger.intend(an_intent(f"a{number}", 10))
            await other.intend(an_intent(f"b{number}", 10))
        for full in (ledger, other):
            with pytest.raises(BudgetSpentError):
                await full.intend(an_intent("more", 1))
        await other.settle(done("a0", 0))
        await ledger.intend(an_intent("fits", 10, call_key="k"))
        with pytest.raises(CallExistsError):
            await other.intend(an_intent("again", 0, call_key="k"))
        assert await other.set_budget("org:a", 1000, "total")
        await ledger.intend(an_intent("more", 500))


async def test_a_call_another_process_settled_is_not_settled_again(
    path: Path, ledger: Ledger
) -> None:
    async with open_ledger(path, clock=Now().clock, owner="two") as other:
        await ledger.set_budget("org:a", 500, "total")
        await ledger.intend(an_intent("c1", 100))
        await ledger.intend(an_intent("c2", 100))
        await other.settle(done("c1", 40))
        await asyncio.gather(ledger.settle(done("c1", 90)), ledger.settle(done("c2", 7)))
        assert await money(other) == {"org:a total": (47, 0)}


async def test_only_the_newest_worker_of_a_build_may_buy(ledger: Ledger, path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(
            "INSERT INTO builds (id, name, request, status, reason, created_at, updated_at, owner,"
            " lease_until, epoch, cancel_requested) VALUES"
            " ('b1', 'n', '{}', 'running', '', 0, 0, 'w', 0, 3, 0)"
        )
    await ledger.intend(an_intent("c1", fence=("b1", 3)))
    for fence in (("b1", 2), ("b2", 3)):
        with pytest.raises(LeaseLostError, match="taken over"):
            await ledger.intend(an_intent("c2", fence=fence))
    assert await status_of(ledger, "c2") == "lost"


async def test_a_value_the_database_cannot_take_fails_its_own_call_only(ledger: Ledger) -> None:
    good = [ledger.intend(an_intent(f"c{n}", 1)) for n in range(3)]
    bad = [
        ledger.intend(an_intent("bad", 1, asked_model="\ud800")),
        ledger.intend(an_intent("c0", 1)),
        ledger.intend(an_intent("worse", 1, tenant={})),
    ]
    found = await asyncio.gather(*good, *bad, return_exceptions=True)
    assert found[:3] == [None, None, None]
    assert [type(error) for error in found[3:]] == [StoreError] * 3
    assert [await status_of(ledger, f"c{n}") for n in range(3)] == ["sent"] * 3
    assert await status_of(ledger, "bad") == "lost"


async def test_a_full_disk_fails_the_whole_group_and_the_ledger_works_again(
    ledger: Ledger, path: Path
) -> None:
    await ledger.set_budget("org:a", 10**6, "total")
    await ledger.intend(an_intent("before", 100))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    length = path.with_name(path.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, hard))
    try:
        work = [ledger.intend(an_intent(f"c{n}", 100, request=b"x" * 9000)) for n in range(20)]
        errors = await asyncio.gather(
            *work, ledger.settle(done("before", 60)), return_exceptions=True
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {type(error) for error in errors} == {DiskError}
    assert await ledger.calls(CallFilter(status=("sent",))) != []
    assert await money(ledger) == {"org:a total": (0, 100)}
    await ledger.intend(an_intent("after", 5))
    assert await status_of(ledger, "before") == "done"
    assert await money(ledger) == {"org:a total": (60, 5)}
    assert [await status_of(ledger, f"c{n}") for n in range(20)] == ["lost"] * 20


async def test_a_locked_database_is_waited_for(ledger: Ledger, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(ledger.intend(an_intent("c1")))
        assert await ledger.get("c1") is None
        assert not waiting.done()
        raw.execute("COMMIT")
        await waiting
    assert await status_of(ledger, "c1") == "sent"


async def test_a_database_locked_for_good_is_an_error(path: Path, stack: AsyncExitStack) -> None:
    ticks = iter(range(0, 10_000, 5))
    clock = Clock(now=lambda: NOON, tick=lambda: next(ticks))
    ledger = await stack.enter_async_context(open_ledger(path, clock=clock, owner="one"))
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="stayed locked for 15 s"):
            await ledger.intend(an_intent("c1"))
        raw.execute("COMMIT")
    await ledger.intend(an_intent("c1"))


async def test_an_intend_whose_caller_left_holds_nothing(ledger: Ledger, path: Path) -> None:
    await ledger.set_budget("org:a", 100, "total")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.ensure_future(ledger.intend(an_intent("c1", 100)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        other.execute("ROLLBACK")
    await ledger.intend(an_intent("c2", 100))
    assert await status_of(ledger, "c1") == "failed"


async def test_closing_writes_what_is_queued_and_refuses_the_rest(path: Path) -> None:
    async with open_ledger(path, clock=Now().clock, owner="one") as ledger:
        await ledger.intend(an_intent("c1"))
        settled = ledger.settle(done("c1"))
    await settled
    with pytest.raises(StoreError, match="closed"):
        await ledger.intend(an_intent("c2"))
    async with open_ledger(path, clock=Now().clock, owner="one") as ledger:
        assert await status_of(ledger, "c1") == "done"


async def test_a_dead_call_of_yesterday_frees_yesterdays_money(path: Path) -> None:
    now = Now()
    async with open_ledger(path, clock=now.clock, owner="one") as ledger:
        await ledger.set_budget("org:a", 100, "day")
        await ledger.intend(an_intent("c1", 60, status="intent", at=now.at))
    now.at += DAY_S
    async with open_ledger(path, clock=now.clock, owner="two") as ledger:
        await ledger.intend(an_intent("c2", 100, at=now.at))
        now.at -= DAY_S
        assert await money(ledger) == {"org:a day": (0, 0)}
    with closing(sqlite3.connect(path)) as raw:
        windows = raw.execute('SELECT "window", held_nano FROM budget_windows ORDER BY 1')
        assert windows.fetchall() == [("2026-11-20", 0), ("2026-11-21", 100)]


async def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_bytes(b"this is no database at all, but long enough to look at" * 40)
    with pytest.raises(StoreError, match=r"text\.db is not a database"):
        async with open_ledger(path, clock=Now().clock, owner="one"):
            pass


async def test_a_new_file_gets_its_schema(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "new" / "l.db", clock=Now().clock, owner="one") as ledger:
        await ledger.intend(an_intent("c1"))
        assert await status_of(ledger, "c1") == "sent"


def test_opening_a_made_ledger_loads_nothing_heavy(path: Path) -> None:
    probe = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from buildwright.core.clock import Clock\n"
        "from buildwright.store.ledger import open_ledger\nfrom buildwright.store import keys\n"
        "async def main():\n"
        "    async with open_ledger(Path(sys.argv[1]), clock=Clock(), owner='x'):\n        pass\n"
        "asyncio.run(main())\n"
        "print(sorted({'sqlalchemy', 'alembic', 'pydantic', 'aiosqlite'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", probe, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "[]\n"
