"""What builds cost, and the budgets of a build and of a stage of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.model_server import ModelServer, serving
from tests.services.conftest import TEMPLATES, Open
from tests.services.test_models import RIGHT, wish
from tests.services.test_replay import BLOCK, _served

from buildwright.cli.main import exit_code_of
from buildwright.core.build import Outcome
from buildwright.core.ledger import NANO, CallFilter

pytestmark = [pytest.mark.build, pytest.mark.sandbox]


async def test_calls_of_a_build_count_against_organisation_build_and_stage(
    tmp_path: Path, opened: Open
) -> None:
    with serving(ModelServer(text=BLOCK)) as server:
        async with opened(**_served(server.url, tools=False)) as app:
            build = await app.builds.build(wish(tmp_path))
            spends = {one.group: one for one in await app.ledger.spend("scope", CallFilter())}
    stage = f"stage:{build.id}/generate"
    assert set(spends) == {"org:local", f"build:{build.id}", stage}
    assert spends[stage].cost_nano == spends["org:local"].cost_nano > 0


async def test_a_budget_of_a_stage_stops_it_before_anything_is_sent(
    tmp_path: Path, opened: Open
) -> None:
    with serving(ModelServer(text=BLOCK)) as server:
        async with opened(**_served(server.url, tools=False)) as app:
            submitted = await app.builds.submit(wish(tmp_path))
            stage = f"stage:{submitted.id}/generate"
            await app.ledger.set_budget(stage, NANO // 1_000, "total")
            build = await app.builds.run(submitted.id)
    assert build.outcome is Outcome.OVER_BUDGET
    assert server.requests == []


def _told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = exit_code_of(list(arguments))
    return code, capsys.readouterr().out


def test_the_command_line_records_replays_and_shows_costs(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUILDWRIGHT_TEMPLATES", json.dumps([str(TEMPLATES)]))
    tests = str(wish(tmp_path).tests)
    text = "Write functions add(a, b) and twice(a) in src/solution.py."
    command = ("build", "-q", text, "--tests", tests)
    with serving(ModelServer(text=BLOCK)) as server:
        row: Any = _served(server.url, tools=False)["models"]
        monkeypatch.setenv("BUILDWRIGHT_MODELS", json.dumps(row))
        assert _told(capsys, *command, "-o", "one", "--model", "mine", "--record", "tape")[0] == 0
    monkeypatch.delenv("BUILDWRIGHT_MODELS")
    assert _told(capsys, *command, "-o", "two", "--replay", "tape")[0] == 0
    assert Path("two/src/solution.py").read_text() == RIGHT
    replayed, recorded = json.loads(_told(capsys, "builds", "list", "--json")[1])
    assert (replayed["cost_usd"], replayed["model_calls"]) == ("0", 1)
    assert (recorded["cost_usd"], recorded["model_calls"]) == ("0.00018", 1)
    assert "0.0002 USD" in _told(capsys, "builds", "list")[1]
    shown = _told(capsys, "builds", "show", recorded["id"])[1]
    assert "model calls: 1, 11 tokens in (0 cached), 7 out, 0.0002 USD" in shown
