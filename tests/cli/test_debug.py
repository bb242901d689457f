"""`buildwright debug` and `cache why-miss`: looking into calls that were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Told
from tests.cli.served import Served, serving
from tests.services.answering import Answering

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
    ],
    "temperature": 0.5,
}


@pytest.fixture(autouse=True)
def _bodies_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY__KEEP_BODIES", "all")


def send(served: Served, body: dict[str, Any], **headers: str) -> None:
    status, answer = served.post("/v1/chat/completions", body, **headers)
    assert status == 200, answer


def newest(told: Told) -> str:
    rows = json.loads(told("calls", "list", "--json")[1])
    return str(rows[0]["id"])


def reason(told: Told) -> dict[str, Any]:
    """Return why the newest call missed."""
    miss: dict[str, Any] = json.loads(told("cache", "why-miss", newest(told), "--json")[1])
    return miss


def test_a_replay_is_a_readable_transcript(told: Told, model: str) -> None:
    with serving() as served:
        send(served, BODY)
    code, out, _ = told("debug", "replay", newest(told))
    assert code == 0
    assert out.splitlines()[1:] == [
        "--- system", "Be brief.", "--- user", "hello", "--- answer", "HELLO",
    ]  # fmt: skip


def test_a_replay_as_json_is_a_line_that_warms_a_cache(
    told: Told, model: str, server: Answering
) -> None:
    with serving() as served:
        send(served, BODY)
        Path("w.jsonl").write_text(told("debug", "replay", newest(told), "--json")[1])
        told("cache", "clear", "--url", served.url)
        assert told("cache", "warm", "w.jsonl", "--url", served.url)[0] == 0
        send(served, BODY)
    assert len(server.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_live_replay_shows_what_is_different_and_what_it_cost(
    told: Told, model: str, server: Answering, *, stream: bool
) -> None:
    with serving() as served:
        status, _ = served.post_raw("/v1/chat/completions", BODY | {"stream": stream})
        served.stop()
    assert status == 200
    call = newest(told)
    server.suffix = "\nAND MORE"
    code, out, err = told("debug", "replay", call, "--live")
    assert code == 0
    assert out.splitlines()[-2:] == [" HELLO", "+AND MORE"]
    assert "m: 2 USD" in err
    assert len(server.requests) == 2
    server.suffix = ""
    assert told("debug", "replay", call, "--live")[1] == "the answer is the same\n"


def test_a_live_replay_obeys_the_budget(told: Told, model: str, server: Answering) -> None:
    with serving() as served:
        send(served, BODY)
    told("budgets", "set", "org:local", "--usd", "2")
    code, out, err = told("debug", "replay", newest(told), "--live")
    assert (code, out) == (4, "")
    assert "budget org:local" in err
    assert len(server.requests) == 1


def test_token_counts_are_compared_with_what_was_reported(told: Told, model: str) -> None:
    with serving() as served:
        send(served, BODY)
        send(served, {**BODY, "messages": [{"role": "user", "content": "word " * 600}]})
    (row,) = json.loads(told("debug", "tokens", "--json")[1])
    assert (row["model"], row["calls"]) == ("m/small", 2)
    assert row["p5"] < row["mean"] < row["p95"]
    assert row["p95"] > 50
    (one,) = json.loads(told("debug", "tokens", newest(told), "--json")[1])
    assert (one["calls"], one["mean"]) == (1, row["p95"])
    assert "m/small" in told("debug", "tokens", "--since", "1h")[1]


def test_without_bodies_nothing_is_compared_and_it_says_why(
    told: Told, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY__KEEP_BODIES", "none")
    with serving() as served:
        send(served, BODY)
    call = newest(told)
    assert "gateway.keep_bodies" in told("debug", "tokens")[1]
    for command in (("debug", "replay", call), ("cache", "why-miss", call)):
        code, _, err = told(*command)
        assert code == 2
        assert f"the request of call {call} was not kept" in err
        assert "gateway.keep_bodies" in err


def test_the_part_that_differed_is_named(told: Told, model: str) -> None:
    with serving() as served:
        send(served, BODY)
        near = newest(told)
        send(served, BODY | {"temperature": 0.6})
    miss = reason(told)
    assert (miss["reason"], miss["nearest"]) == ("parameter temperature", near)
    out = told("cache", "why-miss", newest(told))[1]
    assert f"parameter temperature differs from call {near}" in out


def test_another_tenant_s_answer_is_told_as_such(told: Told, model: str) -> None:
    keys = [told("keys", "create", name)[1].strip() for name in ("one", "two")]
    with serving() as served:
        for key in keys:
            send(served, BODY, authorization=f"Bearer {key}")
    assert reason(told)["reason"] == "tenant"
