"""The cap of a build: set when it is asked for, kept on resume, changed by who says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.model_server import ModelServer, serving
from tests.services.conftest import TEMPLATES, Open
from tests.services.test_models import played, wish
from tests.services.test_replay import BLOCK, _served

from buildwright.app import App
from buildwright.cli.main import exit_code_of
from buildwright.core.build import Build
from buildwright.core.ledger import nano_of
from buildwright.services.calls import caps_of, set_cap

pytestmark = [pytest.mark.build, pytest.mark.sandbox]


async def stopped(app: App, tmp_path: Path) -> Build:
    """Return a build that was cancelled before its end."""
    return await app.builds.cancel((await app.builds.submit(wish(tmp_path))).id)


async def total_of(app: App, build: Build) -> int:
    (cap,) = await caps_of(app.ledger, build.id)
    assert cap.period == "total"
    return cap.cap_nano


async def test_the_cap_of_the_settings_holds_before_the_first_run(
    tmp_path: Path, opened: Open
) -> None:
    flags = played(tmp_path, "oracle")
    async with opened(**{**flags, "agent": {"max_usd": 0.07}}) as app:
        build = await app.builds.submit(wish(tmp_path))
        assert await total_of(app, build) == nano_of("0.07")
    async with opened(**{**flags, "agent": {"max_usd": 3.0}}) as app:
        await app.builds.run(build.id)
        assert await total_of(app, build) == nano_of("0.07")


async def test_a_build_without_a_model_has_no_cap(tmp_path: Path, opened: Open) -> None:
    async with opened() as app:
        build = await app.builds.submit(wish(tmp_path))
        assert await caps_of(app.ledger, build.id) == ()


@pytest.mark.parametrize(
    ("since", "given", "holds"),
    [(None, None, "1"), ("5", None, "5"), ("0.2", None, "0.2"), ("5", 0.3, "0.3"), ("0", 2.0, "2")],
)
async def test_on_resume_the_cap_stays_unless_a_new_one_is_given(
    *,
    tmp_path: Path,
    opened: Open,
    since: str | None,
    given: float | None,
    holds: str,
) -> None:
    async with opened(**played(tmp_path, "oracle")) as app:
        build = await stopped(app, tmp_path)
        if since is not None:
            await set_cap(app.ledger, build.id, float(since))
        await app.builds.resume(build.id, max_usd=given)
        assert await total_of(app, build) == nano_of(holds)


async def test_a_cap_that_was_removed_or_is_for_a_day_only_is_made_whole_again(
    tmp_path: Path, opened: Open
) -> None:
    async with opened(**played(tmp_path, "oracle")) as app:
        build = await stopped(app, tmp_path)
        await app.ledger.set_budget(f"build:{build.id}", None, "total")
        await app.ledger.set_budget(f"build:{build.id}", nano_of("9"), "day")
        await app.builds.resume(build.id)
        caps = {cap.period: cap.cap_nano for cap in await caps_of(app.ledger, build.id)}
    assert caps == {"day": nano_of("9"), "total": nano_of("1")}


def test_the_command_line_tells_the_cap_that_holds(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUILDWRIGHT_TEMPLATES", json.dumps([str(TEMPLATES)]))
    command = ["build", "-q", wish(tmp_path).text, "--tests", "acceptance", "--model", "mine"]
    with serving(ModelServer(text=BLOCK)) as server:
        row: Any = _served(server.url, tools=False)["models"]
        monkeypatch.setenv("BUILDWRIGHT_MODELS", json.dumps(row))
        assert exit_code_of([*command, "--max-usd", "0.5"]) == 0
    said = capsys.readouterr().out
    build_id = said.partition("budget build:")[2].partition(":")[0]
    assert f"budget build:{build_id}: 0.00018 of 0.5 USD (total)" in said
    assert exit_code_of(["budgets", "set", f"build:{build_id}", "--usd", "5"]) == 0
    assert exit_code_of(["builds", "show", build_id]) == 0
    assert f"budget build:{build_id}: 0.00018 of 5 USD (total)" in capsys.readouterr().out


@pytest.mark.parametrize("amount", ["nan", "inf", "-1", "much"])
def test_a_cap_that_is_no_amount_is_refused_on_resume(
    amount: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(["builds", "resume", "0abc", "--max-usd", amount]) == 2
    assert "max" in capsys.readouterr().err
