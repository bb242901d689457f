"""A recorded build replays byte for byte with nobody there to answer; a miss is an error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.model_server import ModelServer, serving
from tests.services.conftest import Open
from tests.services.test_models import RIGHT, played, wish

from buildwright.core.build import Outcome
from buildwright.core.errors import UsageError
from buildwright.core.ledger import CallFilter
from buildwright.core.report import Report
from buildwright.gateway.cassette import PLACE
from buildwright.services.replay import Tape

pytestmark = [pytest.mark.build, pytest.mark.sandbox]
BLOCK = f"src/solution.py\n```python\n{RIGHT}```\n"


async def _built(
    opened: Open, folder: Path, tape: Tape, **flags: Any
) -> tuple[Report, dict[str, bytes]]:
    """Build in a folder of its own; return the report and the delivered files."""
    folder.mkdir()
    async with opened(**flags) as app:
        build = await app.builds.build(wish(folder), tape=tape)
        report = await app.builds.report(build.id)
    assert report is not None, build.reason
    out = folder / "out"
    files = {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and ".buildwright" not in path.parts
    }
    return report, files


def _same(report: Report) -> Report:
    """Return a report without what differs from build to build: times, ids and places."""
    failures = tuple(replace(case, message=PLACE.sub("", case.message)) for case in report.failures)
    report = replace(report, failures=failures)
    return replace(report, build_id="", out="", timings=(), created_at=0.0, finished_at=0.0)


def _bare(flags: dict[str, Any]) -> dict[str, Any]:
    """Return flags without the model: who replays needs no settings of it."""
    return {name: value for name, value in flags.items() if name not in ("model", "models")}


def _served(url: str, **more: object) -> dict[str, object]:
    row = {"model": "m", "url": url, "input_usd_per_mtok": 10, "output_usd_per_mtok": 10, **more}
    agent = {"max_attempts": 2, "max_steps": 5, "call_timeout_s": 20}
    return {"model": "mine", "models": {"mine": row}, "agent": agent, "sandbox": {"wall_s": 10}}


@pytest.mark.parametrize("script", ["oracle", "flaky-oracle:0.5", "mute"])
async def test_a_scripted_build_replays_to_the_same_tree_and_report(
    tmp_path: Path, opened: Open, script: str
) -> None:
    tape = tmp_path / "tape"
    flags = played(tmp_path, script, 3, tools=script == "oracle")
    first, files = await _built(opened, tmp_path / "one", Tape(record=tape), **flags)
    again, same_files = await _built(opened, tmp_path / "two", Tape(replay=tape), **_bare(flags))
    assert same_files == files
    assert _same(again) == _same(first)


async def test_a_build_replays_when_its_model_server_is_gone(tmp_path: Path, opened: Open) -> None:
    tape = tmp_path / "tape"
    with serving(ModelServer(text=BLOCK, faults=["cut"])) as server:
        flags = _served(server.url, tools=False)
        first, files = await _built(opened, tmp_path / "one", Tape(record=tape), **flags)
        asked = len(server.requests)
    assert asked >= 2
    assert first.cost_usd > 0
    again, same_files = await _built(opened, tmp_path / "two", Tape(replay=tape), **_bare(flags))
    assert same_files == files
    assert _same(again) == _same(first)
    assert len(server.requests) == asked


async def test_errors_replay_as_they_were(tmp_path: Path, opened: Open) -> None:
    tape = tmp_path / "tape"
    with serving(ModelServer(text=BLOCK, faults=["400", "broken off", "broken off"])) as server:
        flags = _served(server.url, tools=False)
        first, files = await _built(opened, tmp_path / "one", Tape(record=tape), **flags)
    assert "model_failed" in first.attempts[0].ended
    flags = _bare(flags)
    again, same_files = await _built(opened, tmp_path / "two", Tape(replay=tape), **flags)
    assert (same_files, _same(again)) == (files, _same(first))


async def test_a_replay_that_was_stopped_goes_on_as_a_replay(tmp_path: Path, opened: Open) -> None:
    tape = tmp_path / "tape"
    flags = played(tmp_path, "oracle")
    await _built(opened, tmp_path / "one", Tape(record=tape), **flags)
    folder = tmp_path / "two"
    folder.mkdir()
    async with opened() as app:
        waiting = await app.builds.submit(wish(folder), tape=Tape(replay=tape))
    async with opened(**_bare(flags)) as app:
        build = await app.builds.resume(waiting.id)
        spends = await app.ledger.spend("model", CallFilter(scope=f"build:{build.id}"))
    assert build.outcome is Outcome.PASSED
    assert [one.group for one in spends] == ["replay/played"]


async def test_a_repair_whose_prompt_names_folders_of_a_run_replays_too(
    tmp_path: Path, opened: Open
) -> None:
    tape = tmp_path / "tape"
    broken = BLOCK.replace("def add", "import nothing_there\n\n\ndef add")
    with serving(ModelServer(text=broken)) as server:
        flags = _served(server.url, tools=False)
        first, files = await _built(opened, tmp_path / "one", Tape(record=tape), **flags)
    assert first.outcome == "failed"
    assert len(first.attempts) == 2
    flags = _bare(flags)
    again, same_files = await _built(opened, tmp_path / "two", Tape(replay=tape), **flags)
    assert (same_files, _same(again)) == (files, _same(first))


async def test_a_replay_costs_nothing(tmp_path: Path, opened: Open) -> None:
    tape = tmp_path / "tape"
    with serving(ModelServer(text=BLOCK)) as server:
        await _built(opened, tmp_path / "one", Tape(record=tape), **_served(server.url))
    async with opened() as app:
        before = await app.ledger.spend("scope", CallFilter(scope="org:local"))
    await _built(opened, tmp_path / "two", Tape(replay=tape))
    async with opened() as app:
        after = await app.ledger.spend("scope", CallFilter(scope="org:local"))
        (local,) = [row for row in after if row.group == "org:local"]
    (was,) = [row for row in before if row.group == "org:local"]
    assert was.cost_nano == local.cost_nano > 0
    assert local.calls > was.calls


async def test_a_changed_request_is_an_error_that_names_key_and_part(
    tmp_path: Path, opened: Open
) -> None:
    tape = tmp_path / "tape"
    flags = played(tmp_path, "oracle")
    await _built(opened, tmp_path / "one", Tape(record=tape), **flags)
    path = tape / "generate.1.1.json"
    row = json.loads(path.read_text())
    row["request"]["messages"][1]["content"] += " And more."
    row["request"]["max_tokens"] = 7
    path.write_text(json.dumps(row))
    folder = tmp_path / "two"
    folder.mkdir()
    async with opened() as app:
        build = await app.builds.build(wish(folder), tape=Tape(replay=tape))
    assert build.outcome is Outcome.ERROR
    assert "call 'generate.1.1' is not in the cassette" in build.reason
    assert "messages[1], parameter max_tokens differs from the nearest" in build.reason


async def test_recording_again_changes_no_byte(tmp_path: Path, opened: Open) -> None:
    def written() -> dict[str, Any]:
        return {path.name: json.loads(path.read_text()) for path in tape.iterdir()}

    tape = tmp_path / "tape"
    flags = played(tmp_path, "oracle")
    await _built(opened, tmp_path / "one", Tape(record=tape), **flags)
    first = written()
    (tape / "note.txt").write_text('"mine"')
    await _built(opened, tmp_path / "two", Tape(record=tape), **flags)
    again = written()
    assert again.pop("note.txt") == "mine"
    assert {name: row.get("request") for name, row in again.items()} == {
        name: row.get("request") for name, row in first.items()
    }


async def test_a_cassette_holds_no_key(tmp_path: Path, opened: Open) -> None:
    secret = "sk-proj-1234567890abcdefghijklmnop"  # noqa: S105 - made up
    tape = tmp_path / "tape"
    reply = f"my key is {secret}\n{BLOCK}"
    with serving(ModelServer(text=reply)) as server:
        await _built(opened, tmp_path / "one", Tape(record=tape), **_served(server.url))
    assert (tape / "generate.1.1.json").is_file()
    assert [path.name for path in tape.iterdir() if secret in path.read_text()] == []


BAD: list[tuple[dict[str, object], Any, str]] = [
    ({}, lambda tape: Tape(tape, tape), "--record and --replay are both given"),
    ({}, lambda tape: Tape(record=tape), "the model is none"),
    ({}, lambda tape: Tape(replay=tape), "index.json' cannot be read"),
    ({"model": "ollama/x"}, lambda tape: Tape(record=tape.parent), "holds other files"),
]


@pytest.mark.parametrize(("flags", "tape", "message"), BAD)
async def test_a_tape_that_cannot_be_is_refused_before_anything_is_stored(
    tmp_path: Path, opened: Open, flags: dict[str, object], tape: Any, message: str
) -> None:
    async with opened(**flags) as app:
        with pytest.raises(UsageError, match=message):
            await app.builds.build(wish(tmp_path), tape=tape(tmp_path / "tape"))
        assert await app.builds.store.list() == ()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["[]", "{", '{"form": 9, "model": "x", "tools": true}', "{}"])
async def test_a_damaged_cassette_is_one_clear_error(
    tmp_path: Path, opened: Open, text: str
) -> None:
    tape = tmp_path / "tape"
    tape.mkdir()
    (tape / "index.json").write_text(text)
    async with opened() as app:
        with pytest.raises(UsageError, match="cassette"):
            await app.builds.build(wish(tmp_path), tape=Tape(replay=tape))
