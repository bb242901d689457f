"""Calls from before the ledger: after the upgrade they are rows of it, and nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from tests.store.ledger_samples import NOON, Now, an_intent, money

from buildwright.core import codec
from buildwright.core.chat import ChatReply, ChatRequest, Message, ToolCall, ToolSpec, Usage
from buildwright.core.gateway_settings import GatewayTree, ModelSettings
from buildwright.core.ledger import CallFilter, Ledger, LedgerRow
from buildwright.gateway.call import Caller
from buildwright.gateway.opening import open_gateway
from buildwright.gateway.port import Port
from buildwright.store.engine import make_engine, transaction, upgrade_connection
from buildwright.store.ledger import open_ledger

REQUEST = ChatRequest(
    "openai/gpt-4o",
    (Message("system", "Be brief."), Message("user", "Ünïcode?")),
    (ToolSpec("run", "Runs.", {"type": "object"}),),
    512,
    0.25,
    "generate.1.1",
)
REPLY = ChatReply(
    "Yes.", (ToolCall("c1", "run", '{"a":1}'),), "tool_calls", Usage(40, 9), "gpt-4o", 0.0123
)


async def _upgraded(path: Path, revision: str) -> None:
    engine = make_engine(path)
    try:
        async with transaction(engine) as connection:
            await connection.run_sync(upgrade_connection, revision)
    finally:
        await engine.dispose()


def _execute(path: Path, statement: str, rows: Sequence[Sequence[object]] = ((),)) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(statement, rows)


def _old(key: str, status: str, **given: object) -> tuple[object, ...]:
    reply = codec.dump(REPLY) if status == "done" else None
    finished = None if status == "sent" else 20.5
    row = {"build": "b1", "position": 0, "error": "", "bound": 0.5, "cost": 0.0, "at": 10.0} | given
    return (
        row["build"], key, row["position"], status, codec.dump(REQUEST), reply, row["error"],
        row["bound"], row["cost"], row["at"], finished,
    )  # fmt: skip


BUILD = (
    "INSERT INTO builds (id, name, request, status, reason, created_at, updated_at, owner, "
    "lease_until, epoch, cancel_requested) VALUES (?, 'x', '{}', 'done', '', 1, 1, '', 0, 1, 0)"
)
CALL = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@pytest.fixture
async def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    await _upgraded(path, "0002")
    _execute(path, BUILD, [("b1",), ("b2",)])
    rows = [
        _old("generate.1.1", "done", cost=0.0123),
        _old("generate.1.2", "failed", position=1, error="no answer", at=11.0),
        _old("generate.1.3", "sent", position=2, bound=0.25, at=12.0),
        _old("generate.1.1", "done", build="b2", cost=0.0123, at=9.0, bound=0.001),
    ]
    _execute(path, CALL, rows)
    return path


@pytest.fixture
async def ledger(old: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(old, clock=Now().clock, owner="one") as ledger:
        yield ledger


async def _row(ledger: Ledger, key: str, build: str = "b1") -> LedgerRow:
    row = await ledger.find(f"build:{build}", key)
    assert row is not None
    return row


async def test_a_finished_call_keeps_its_cost_its_tokens_and_its_times(ledger: Ledger) -> None:
    row = await _row(ledger, "generate.1.1")
    assert (row.status, row.reserved_nano, row.over_bound) == ("done", 0, False)
    assert (row.intent.at, row.intent.reserve_nano) == (10.0, 500_000_000)
    assert row.intent.scopes == ("build:b1",)
    assert row.settlement is not None
    assert (row.settlement.at, row.settlement.cost_nano) == (20.5, 12_300_000)
    assert (row.settlement.usage.input, row.settlement.usage.output) == (40, 9)


async def test_a_call_that_cost_more_than_its_bound_says_so(ledger: Ledger) -> None:
    assert (await _row(ledger, "generate.1.1", "b2")).over_bound


async def test_a_failed_call_keeps_its_reason_and_gives_its_key_away(ledger: Ledger) -> None:
    row = await _row(ledger, "generate.1.2")
    assert row.status == "failed"
    assert row.settlement is not None
    assert (row.settlement.error, row.settlement.cost_nano) == ("no answer", 0)
    key = {"tenant": "build:b1", "call_key": "generate.1.2"}
    await ledger.intend(an_intent("again", 5, **key))
    assert (await _row(ledger, "generate.1.2")).intent.id == "again"


async def test_a_call_on_its_way_is_in_doubt_and_holds_its_bound(ledger: Ledger) -> None:
    row = await _row(ledger, "generate.1.3")
    assert (row.status, row.reserved_nano) == ("in_doubt", 250_000_000)
    await ledger.set_budget("build:b1", 10**9, "total")
    assert await money(ledger) == {"build:b1 total": (12_300_000, 250_000_000)}


async def test_all_are_listed_newest_first_and_the_old_table_is_gone(
    ledger: Ledger, old: Path
) -> None:
    rows = await ledger.calls(CallFilter())
    assert [(row.intent.tenant, row.intent.at) for row in rows] == [
        ("build:b1", 12.0), ("build:b1", 11.0), ("build:b1", 10.0), ("build:b2", 9.0),
    ]  # fmt: skip
    with closing(sqlite3.connect(old)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE name = 'calls'")
        assert names.fetchall() == []


async def test_a_resumed_build_gets_the_old_answer_and_sends_nothing(
    ledger: Ledger, tmp_path: Path
) -> None:
    nowhere = ModelSettings(model="gpt-4o", url="http://127.0.0.1:9/v1", free=True)
    tree = GatewayTree(tmp_path, {"openai/gpt-4o": nowhere})
    async with open_gateway(tree, ledger) as gateway:
        port = Port(gateway, Caller("build:b1", scopes=("build:b1",)))
        reply = await port.complete(REQUEST)
    assert (reply.text, reply.tool_calls, reply.finish_reason) == (
        "Yes.", REPLY.tool_calls, "tool_calls",
    )  # fmt: skip
    assert reply.cost_usd == pytest.approx(0.0123)


async def test_a_key_used_again_since_the_ledger_came_stays_with_the_newer_call(
    old: Path,
) -> None:
    await _upgraded(old, "0003")
    newer = (
        "INSERT INTO ledger (n, id, at, tenant, scope_set, status, owner, wire, asked_model, "
        "provider, model, price_version, reserve_nano, held_nano, call_key) VALUES "
        "(1, 'newer', 30, 'build:b1', 1, 'done', 'o', 'chat', 'm', 'p', 'm', 'v', 0, 0, "
        "'generate.1.1')"
    )
    _execute(old, newer)
    _execute(old, "INSERT INTO scope_sets VALUES (1, 'build:b1')")
    _execute(old, "INSERT INTO scope_members VALUES ('build:b1', 1)")
    async with open_ledger(old, clock=Now().clock, owner="one") as ledger:
        assert (await _row(ledger, "generate.1.1")).intent.id == "newer"
        rows = await ledger.calls(CallFilter(tenant="build:b1"))
    assert [row.intent.at for row in rows] == [30.0, 12.0, 11.0, 10.0]


async def test_a_budget_of_the_build_counts_the_old_calls_too(old: Path) -> None:
    await _upgraded(old, "0003")
    _execute(old, "INSERT INTO budgets VALUES ('build:b1', 'total', 1000000000)")
    _execute(old, "INSERT INTO budget_windows VALUES ('build:b1', 'total', '', 0, 0)")
    async with open_ledger(old, clock=Now(NOON).clock, owner="one") as ledger:
        assert await money(ledger) == {"build:b1 total": (12_300_000, 250_000_000)}
