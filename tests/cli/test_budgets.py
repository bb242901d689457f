"""`buildwright budgets`: caps that hold, and where the money went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Told
from tests.services.answering import Answering


def ask(told: Told, *texts: str, file: str = "p.jsonl") -> dict[str, Any]:
    """Answer prompts by the model `m`, 2 USD each; return the sums."""
    Path(file).write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
    out = told("batch", file, "-o", f"{file}.out", "--model", "m", "--json")[1]
    sums: dict[str, Any] = json.loads(out)
    return sums


def rows(told: Told, *arguments: str) -> Any:
    return json.loads(told("budgets", *arguments, "--json")[1])


def test_a_cap_counts_what_was_spent_before_and_holds(
    told: Told, model: str, server: Answering
) -> None:
    assert ask(told, "one", "two")["cost_usd"] == 4
    code, out, _ = told("budgets", "set", "org:local", "--usd", "4.5")
    assert (code, out) == (0, "org:local may cost 4.5 USD (total); 0.5 left\n")
    sums = ask(told, "three", file="q.jsonl")
    assert (sums["failed"], sums["cost_usd"]) == (1, 0)
    assert server.asked == {"one": 1, "two": 1}
    (line,) = Path("q.jsonl.out").read_text().splitlines()
    assert "budget org:local (total) has 0.5 USD left" in json.loads(line)["error"]
    (row,) = rows(told, "list")
    amounts = (row["cap_usd"], row["spent_usd"], row["held_usd"], row["left_usd"])
    assert amounts == ("4.5", "4", "0", "0.5")


def test_show_has_the_caps_and_the_latest_calls(told: Told, model: str) -> None:
    ask(told, "one")
    told("budgets", "set", "org:local", "--usd", "9", "--period", "day")
    code, out, _ = told("budgets", "show", "org:local")
    assert code == 0
    assert "day" in out
    assert "m/small" in out
    view = rows(told, "show", "org:local")
    assert [call["cost_usd"] for call in view["latest"]] == ["2"]
    assert view["in_doubt"] == []


def test_a_key_is_named_instead_of_its_id(told: Told) -> None:
    made = json.loads(told("keys", "create", "ci", "--json")[1])
    assert rows(told, "set", "key:ci", "--usd", "1")["scope"] == f"key:{made['id']}"
    assert f"key:{made['id']} (ci)" in told("budgets", "list")[1]


def test_each_period_has_a_cap_of_its_own_and_is_removed_alone(told: Told) -> None:
    told("budgets", "set", "user:ann", "--usd", "5")
    told("budgets", "set", "user:ann", "--usd", "1", "--period", "month")
    code, out, _ = told("budgets", "remove", "user:ann", "--period", "month")
    assert (code, out) == (0, "user:ann has no month cap any more\n")
    assert [row["period"] for row in rows(told, "list")] == ["total"]
    assert told("budgets", "remove", "user:ann")[0] == 0
    assert rows(told, "list") == []


@pytest.mark.parametrize("by", ["model", "scope", "day"])
def test_spend_is_summed_up(told: Told, model: str, by: str) -> None:
    ask(told, "one", "two", "refuse three")
    (row,) = rows(told, "spend", "--by", by, "--since", "1h")
    assert row["group"].startswith({"model": "m/small", "scope": "org:local", "day": "20"}[by])
    assert (row["calls"], row["cost_usd"]) == (3, "4")
    assert (row["input_tokens"], row["output_tokens"]) == (20, 10)
    assert row["group"] in told("budgets", "spend", "--by", by)[1]


def test_spend_of_a_time_without_calls_is_empty(told: Told, model: str) -> None:
    ask(told, "one")
    assert rows(told, "spend", "--since", "2100-01-01") == []
    assert told("budgets", "spend", "--scope", "user:ann")[1] == "no calls in that time\n"


BAD: list[tuple[tuple[str, ...], str]] = [
    (("set", "org:a", "--usd", "nan"), "'nan' is not an amount"),
    (("set", "org:a", "--usd", "inf"), "'inf' is not an amount"),
    (("set", "org:a", "--usd", "-1"), "'-1' is not an amount"),
    (("set", "org:a", "--usd", "five"), "'five' is not an amount"),
    (("set", "org:a", "--usd", "1e10"), "--usd is 1e10; expected at most"),
    (("set", "local", "--usd", "1"), "scope is 'local'; expected org:NAME"),
    (("set", "org:", "--usd", "1"), "scope is 'org:'"),
    (("set", "org:a b", "--usd", "1"), "scope is 'org:a b'"),
    (("set", "ogr:a", "--usd", "1"), "unknown scope 'ogr': did you mean 'org'?"),
    (("set", "key:cj", "--usd", "1"), "unknown key 'cj': did you mean 'ci'?"),
    (("set", "stage:b", "--usd", "1"), "expected stage:BUILD/STAGE"),
    (("set", "stage:b/genrate", "--usd", "1"), "unknown stage 'genrate': did you mean 'generate'?"),
    (("show", "org:a"), "scope org:a has no budget and no calls"),
    (("remove", "org:a"), "scope org:a has no budget"),
    (("spend", "--since", "yesterday"), "--since is 'yesterday'; expected a span"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_error_and_sets_nothing(
    told: Told, arguments: tuple[str, ...], message: str
) -> None:
    told("keys", "create", "ci")
    code, out, err = told("budgets", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert rows(told, "list") == []
