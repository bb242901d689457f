"""The store: one transaction a stage, leases and fences, crash safety."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.samples import analysis, request

from buildwright.core.build import Outcome, StageName, StageRecord, Status, Update
from buildwright.core.errors import LeaseLostError, StoreError, UnknownNameError
from buildwright.core.events import EventKind
from buildwright.store.builds import LEASE_S, BuildStore
from buildwright.store.engine import alembic_config, ensure_schema, integrity, make_engine
from buildwright.store.rows import Note
from buildwright.store.tables import HEAD, metadata


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(tmp_path / "b.db")
    await ensure_schema(engine)
    yield engine
    await engine.dispose()


@pytest.fixture
async def store(engine: AsyncEngine) -> BuildStore:
    store = BuildStore(engine)
    await store.add("build1", "book-api", request(), 100.0)
    return store


def stage(name: StageName, start: float = 100.0) -> StageRecord:
    return StageRecord(name, 1, start, start + 1)


async def test_a_stored_build_comes_back_as_it_was(store: BuildStore) -> None:
    build = await store.get("build1")
    assert (build.name, build.status, build.request) == ("book-api", Status.QUEUED, request())


async def test_a_unique_prefix_is_enough_and_an_unknown_id_is_named(store: BuildStore) -> None:
    assert (await store.get("bui")).id == "build1"
    with pytest.raises(UnknownNameError, match=r"unknown build 'build2'.*build1"):
        await store.get("build2")
    with pytest.raises(UnknownNameError):
        await store.get("%")


async def test_an_ambiguous_prefix_is_refused(store: BuildStore) -> None:
    await store.add("build2", "other", request(), 101.0)
    with pytest.raises(UnknownNameError):
        await store.get("build")


async def test_a_stage_its_products_and_its_event_are_one(store: BuildStore) -> None:
    claim = await store.claim("build1", "me", 100.0)
    update = Update(analysis=analysis())
    await store.record(claim, stage(StageName.ANALYZE), update, {"summary": "fine"})
    assert await store.updates("build1") == ((stage(StageName.ANALYZE), update),)
    last = (await store.events("build1"))[-1]
    assert (last.kind, last.stage, last.data["summary"]) == (
        EventKind.STAGE_DONE,
        StageName.ANALYZE,
        "fine",
    )


async def test_a_stage_that_is_recorded_twice_is_refused_whole(store: BuildStore) -> None:
    claim = await store.claim("build1", "me", 100.0)
    await store.record(claim, stage(StageName.PLAN), Update(), {})
    before = await store.events("build1")
    with pytest.raises(StoreError):
        await store.record(claim, stage(StageName.PLAN), Update(), {})
    assert await store.events("build1") == before


async def test_events_are_numbered_without_gaps(store: BuildStore) -> None:
    claim = await store.claim("build1", "me", 100.0)
    notes = [store.note(claim, 101.0, Note(EventKind.STAGE_NOTE)) for _ in range(20)]
    await asyncio.gather(*notes)
    numbers = [event.seq for event in await store.events("build1")]
    assert numbers == list(range(1, 22))
    assert [e.seq for e in await store.events("build1", after=18)] == [19, 20, 21]


async def test_a_held_build_cannot_be_claimed_until_its_lease_ends(store: BuildStore) -> None:
    await store.claim("build1", "one", 100.0)
    with pytest.raises(LeaseLostError):
        await store.claim("build1", "two", 101.0)
    assert (await store.claim("build1", "two", 101.0 + LEASE_S)).epoch == 2


async def test_of_many_claims_at_once_one_wins(store: BuildStore) -> None:
    tries = [store.claim("build1", f"w{i}", 100.0) for i in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 1


async def test_a_late_commit_of_a_lost_lease_is_rejected(store: BuildStore) -> None:
    old = await store.claim("build1", "one", 100.0)
    await store.claim("build1", "two", 200.0)
    with pytest.raises(LeaseLostError):
        await store.record(old, stage(StageName.ANALYZE), Update(), {})
    with pytest.raises(LeaseLostError):
        await store.finish(old, Outcome.PASSED, "", 201.0, {})
    with pytest.raises(LeaseLostError):
        await store.renew(old, 201.0)
    assert await store.updates("build1") == ()


async def test_renewing_tells_of_a_wish_to_cancel(store: BuildStore) -> None:
    claim = await store.claim("build1", "one", 100.0)
    assert not await store.renew(claim, 110.0)
    await store.request_cancel("build1", 111.0)
    assert await store.renew(claim, 112.0)


async def test_a_finished_build_cannot_be_claimed_but_an_error_can_be_reopened(
    store: BuildStore,
) -> None:
    claim = await store.claim("build1", "one", 100.0)
    await store.finish(claim, Outcome.ERROR, "disk full", 101.0, {})
    with pytest.raises(LeaseLostError):
        await store.claim("build1", "one", 102.0)
    await store.reopen("build1", 103.0)
    assert (await store.claim("build1", "one", 104.0)).epoch == 2


async def test_a_released_build_is_interrupted_and_free(store: BuildStore) -> None:
    claim = await store.claim("build1", "one", 100.0)
    await store.release(claim, "stopped", 101.0)
    assert (await store.get("build1")).status is Status.INTERRUPTED
    assert (await store.claim("build1", "two", 101.0)).epoch == 2


async def test_lists_are_newest_first_and_can_be_narrowed(store: BuildStore) -> None:
    await store.add("build2", "other", request(), 200.0)
    await store.claim("build2", "one", 201.0)
    assert [b.id for b in await store.list()] == ["build2", "build1"]
    assert [b.id for b in await store.list(status=Status.QUEUED)] == ["build1"]


async def test_medians_of_stages_come_from_the_newest_runs(store: BuildStore) -> None:
    claim = await store.claim("build1", "one", 100.0)
    await store.record(claim, StageRecord(StageName.TEST, 1, 10.0, 12.0), Update(), {})
    assert await store.stage_medians() == {StageName.TEST: 2.0}


def test_models_and_migrations_agree_and_the_head_is_the_constant(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine

    from buildwright.store.engine import upgrade_connection

    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD
    engine = create_engine(f"sqlite:///{tmp_path / 'm.db'}")
    with engine.begin() as connection:
        upgrade_connection(connection)
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_migration_can_be_taken_back(tmp_path: Path) -> None:
    from alembic import command
    from sqlalchemy import create_engine, inspect

    from buildwright.store.engine import upgrade_connection

    engine = create_engine(f"sqlite:///{tmp_path / 'm.db'}")
    with engine.begin() as connection:
        upgrade_connection(connection)
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()


async def test_a_database_of_a_newer_version_is_refused(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "b.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(StoreError, match="9999, newer"):
        await ensure_schema(engine)


async def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database at all" * 100)
    engine = make_engine(tmp_path / "x.db")
    with pytest.raises(StoreError, match="not a database"):
        await ensure_schema(engine)
    await engine.dispose()


WRITER = """
import asyncio, sys
from pathlib import Path
from tests.samples import request
from buildwright.core.build import StageName, StageRecord, Update
from buildwright.core.events import EventKind
from buildwright.store.builds import BuildStore
from buildwright.store.engine import ensure_schema, make_engine
from buildwright.store.rows import Note

async def main():
    engine = make_engine(Path(sys.argv[1]))
    await ensure_schema(engine)
    store = BuildStore(engine)
    number = 0
    while True:
        number += 1
        await store.add(f"b{number}", "n", request(), 1.0)
        claim = await store.claim(f"b{number}", "w", 1.0)
        for stage in StageName:
            await store.record(claim, StageRecord(stage, 1, 1.0, 2.0), Update(), {})
            print(number, flush=True)

asyncio.run(main())
"""


def test_kill_9_at_any_instant_leaves_every_acknowledged_stage(tmp_path: Path) -> None:
    for lines_before_kill in (1, 4, 9, 23):
        path = tmp_path / f"{lines_before_kill}.db"
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            seen = [process.stdout.readline() for _ in range(lines_before_kill)]
            os.kill(process.pid, signal.SIGKILL)
            seen += process.stdout.readlines()
        acknowledged = len([line for line in seen if line.endswith("\n")])
        assert integrity(path) == "ok"
        with sqlite3.connect(path) as raw:
            stages = raw.execute("SELECT count(*) FROM stages").fetchone()[0]
            done = raw.execute("SELECT count(*) FROM events WHERE kind = 'stage.done'").fetchone()[
                0
            ]
        raw.close()
        assert acknowledged <= stages <= acknowledged + 1
        assert done == stages
