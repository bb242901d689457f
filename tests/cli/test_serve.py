"""`buildwright serve`: it starts, answers, drains and ends."""

from __future__ import annotations

import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.cli.conftest import Told
from tests.cli.served import serving
from tests.services.answering import Answering


def test_it_answers_chats_and_writes_them_into_the_ledger(told: Told, model: str) -> None:
    with serving() as served:
        status, answer = served.chat("hello")
        code, err = served.stop()
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "HELLO")
    assert (code, err) == (0, "")
    (row,) = json.loads(told("calls", "list", "--json")[1])
    assert (row["status"], row["cost_usd"], row["scopes"]) == ("done", "2", ["org:local"])


def test_health_is_told(told: Told, model: str) -> None:
    with serving() as served, urlopen(f"{served.url}/readyz") as response:  # noqa: S310 - loopback
        assert json.loads(response.read())["status"] == "pass"


def test_a_call_in_flight_is_answered_before_it_ends(
    told: Told, model: str, server: Answering
) -> None:
    with serving() as served, ThreadPoolExecutor(1) as pool:
        call = pool.submit(served.chat, "hold this")
        assert server.held.wait(30)
        served.process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            served.process.wait(0.5)
        server.go.set()
        status, answer = call.result(30)
        assert served.process.wait(30) == 0
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "HOLD THIS")
    (row,) = json.loads(told("calls", "list", "--json")[1])
    assert row["status"] == "done"


def test_a_killed_server_leaves_its_call_in_doubt_and_the_money_held(
    told: Told, model: str, server: Answering
) -> None:
    told("budgets", "set", "org:local", "--usd", "1000000")
    with serving() as served, ThreadPoolExecutor(1) as pool:
        call = pool.submit(served.chat, "hold this")
        assert server.held.wait(30)
        served.process.kill()
        assert call.exception(30) is not None
    (row,) = json.loads(told("calls", "list", "--json")[1])
    assert row["status"] == "in_doubt"
    (budget,) = json.loads(told("budgets", "list", "--json")[1])
    assert budget["held_usd"] == row["held_usd"] != "0"


def test_a_second_one_on_the_same_port_is_one_clear_error(told: Told, model: str) -> None:
    with serving() as served:
        port = served.url.rpartition(":")[2]
        code, out, err = told("serve", "--port", port)
        assert served.chat("still here")[0] == 200
    assert (code, out) == (3, "")
    assert f"error: address 127.0.0.1:{port} cannot be listened on" in err
    assert "choose another with --port" in err


def test_keys_are_asked_for_once_one_exists_and_revoked_ones_are_refused(
    told: Told, model: str
) -> None:
    key = told("keys", "create", "ci", "--models", "m")[1].strip()
    with serving() as served:
        assert served.chat("one")[0] == 401
        assert served.chat("one", authorization=f"Bearer {key}")[0] == 200
        status, answer = served.chat("one", "other", authorization=f"Bearer {key}")
        assert (status, answer["error"]["code"]) == (403, "model_not_allowed")
    told("keys", "revoke", "ci")
    with serving() as served:
        status, answer = served.chat("one", authorization=f"Bearer {key}")
        assert (status, answer["error"]["code"]) == (401, "invalid_api_key")


def test_a_budget_set_while_it_runs_holds_at_once(
    told: Told, model: str, server: Answering
) -> None:
    with serving() as served:
        assert served.chat("one")[0] == 200
        told("budgets", "set", "org:local", "--usd", "1")
        status, answer = served.chat("two")
    assert (status, answer["error"]["code"]) == (429, "insufficient_quota")
    assert server.asked == {"one": 1}


def test_settings_that_are_wrong_are_one_error(told: Told) -> None:
    Path("c.yaml").write_text("gateway: {routes: {a: {targets: [{model: b/c}]}}}")
    code, out, err = told("--config", "c.yaml", "serve", "--port", "0")
    assert (code, out) == (2, "")
    assert "unknown model 'b/c'" in err
