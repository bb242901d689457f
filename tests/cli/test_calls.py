"""`buildwright calls`: what the ledger knows, and a human's word on what it does not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Told
from tests.cli.test_budgets import ask
from tests.services.answering import Answering

from buildwright.app.books import open_books
from buildwright.core.ledger import NANO, Intent, Settlement


def listed(told: Told, *arguments: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(told("calls", "list", "--json", *arguments)[1])
    return rows


def doubtful(home: Path, call_id: str, nano: int = 3 * NANO) -> None:
    """Store a call whose fate is unknown."""

    async def store() -> None:
        async with open_books(home) as books:
            at = books.now()
            await books.ledger.intend(
                Intent(call_id, at, "local", ("org:local",), nano, "chat", "m", "m", "small", "v1")
            )
            await books.ledger.settle(Settlement(call_id, at, "in_doubt", error="cut"))

    asyncio.run(store())


def test_calls_are_listed_newest_first_and_filtered(told: Told, model: str) -> None:
    ask(told, "one")
    ask(told, "refuse two", file="q.jsonl")
    assert [row["status"] for row in listed(told)] == ["failed", "done"]
    assert [row["cost_usd"] for row in listed(told, "--status", "done")] == ["2"]
    assert len(listed(told, "--scope", "org:local", "--since", "1h", "--limit", "1")) == 1
    assert listed(told, "--scope", "org:other") == []
    out = told("calls", "list")[1]
    assert "m/small" in out.splitlines()[1]


def test_show_has_usage_price_attempts_and_bodies(told: Told, model: str) -> None:
    ask(told, "one")
    (row,) = listed(told)
    shown = json.loads(told("calls", "show", row["id"][:26], "--json")[1])
    assert shown["request"]["messages"] == [{"role": "user", "content": "one"}]
    assert shown["answer"]["choices"][0]["message"]["content"] == "ONE"
    assert (shown["usage"]["fresh_input"], shown["usage"]["output"]) == (10, 5)
    assert (shown["attempts"], shown["cost_usd"], shown["over_bound"]) == (1, "2", False)
    out = told("calls", "show", row["id"])[1]
    assert "price_version" in out
    assert '"content": "ONE"' in out


def test_bodies_that_were_not_kept_say_how_to_keep_them(
    told: Told, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY__KEEP_BODIES", "none")
    ask(told, "one")
    out = told("calls", "show", listed(told)[0]["id"])[1]
    assert out.count("not kept; set gateway.keep_bodies to all") == 2


def test_a_doubtful_call_is_settled_with_what_the_bill_says(told: Told, tmp_path: Path) -> None:
    doubtful(tmp_path / "home", "c1")
    told("budgets", "set", "org:local", "--usd", "10")
    code, out, _ = told("calls", "settle", "c1", "--usd", "1.25")
    assert (code, out) == (0, "call c1 is done: 3 USD were held, 1.25 USD are spent\n")
    (budget,) = json.loads(told("budgets", "list", "--json")[1])
    assert (budget["spent_usd"], budget["held_usd"]) == ("1.25", "0")


def test_a_doubtful_call_that_never_arrived_gives_its_money_back(
    told: Told, tmp_path: Path
) -> None:
    doubtful(tmp_path / "home", "c1")
    told("budgets", "set", "org:local", "--usd", "10")
    assert "in doubt" in told("budgets", "show", "org:local")[1]
    code, out, _ = told("calls", "settle", "c1", "--failed")
    assert (code, out) == (0, "call c1 is failed: 3 USD were held, 0 USD are spent\n")
    (budget,) = json.loads(told("budgets", "list", "--json")[1])
    assert (budget["spent_usd"], budget["held_usd"]) == ("0", "0")


def test_a_bill_above_what_was_held_is_told(told: Told, tmp_path: Path) -> None:
    doubtful(tmp_path / "home", "c1")
    code, _, err = told("calls", "settle", "c1", "--usd", "7")
    assert code == 0
    assert "more than was held" in err


def test_an_export_holds_requests_and_answers(told: Told, model: str, server: Answering) -> None:
    ask(told, "one", "two", "refuse three")
    code, out, _ = told("calls", "export", "-o", "calls.jsonl")
    assert (code, out) == (0, "2 of 2 finished calls written to calls.jsonl\n")
    rows = [json.loads(line) for line in Path("calls.jsonl").read_text().splitlines()]
    said = {row["answer"]["choices"][0]["message"]["content"] for row in rows}
    assert said == {"ONE", "TWO"}


BAD: list[tuple[tuple[str, ...], str]] = [
    (("show", "c2"), "unknown call 'c2': did you mean 'c12'?"),
    (("show", ""), "unknown call ''"),
    (("show", "c1"), "call 'c1' is not unique"),
    (("settle", "c11"), "give either --usd AMOUNT or --failed"),
    (("settle", "c11", "--usd", "1", "--failed"), "give either --usd AMOUNT or --failed"),
    (("settle", "c11", "--usd", "nan"), "'nan' is not an amount"),
    (("settle", "c12", "--failed"), "call c12 is done; only a call in doubt"),
    (("list", "--scope", "nothing"), "scope is 'nothing'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_error_and_settles_nothing(
    told: Told, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    doubtful(tmp_path / "home", "c11")
    doubtful(tmp_path / "home", "c12")
    told("calls", "settle", "c12", "--usd", "1")
    code, out, err = told("calls", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert [row["status"] for row in listed(told)] == ["done", "in_doubt"]
