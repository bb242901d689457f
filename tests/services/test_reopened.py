"""A build that ended over budget goes on with more money, and nothing of it is bought twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.model_server import ModelServer, serving
from tests.services.conftest import TEMPLATES, Open
from tests.services.test_given_up import interrupted
from tests.services.test_models import RIGHT, WRONG, wish
from tests.services.test_replay import BLOCK, _served

from buildwright.app import App
from buildwright.cli.main import exit_code_of
from buildwright.core.build import Build, Outcome, StageName, Status
from buildwright.core.errors import OutputError, UsageError
from buildwright.core.events import Event, EventKind
from buildwright.core.ledger import NANO, nano_of
from buildwright.services.calls import caps_of
from buildwright.services.reopening import with_more
from buildwright.services.replay import Tape

pytestmark = [pytest.mark.build, pytest.mark.sandbox]
CALL_USD, CAP_USD, MORE_USD = 0.05, 0.1, 0.3
"""What one answer costs, a cap that has room for one call at most, and one with room for all."""
USAGE = {"prompt_tokens": 1000, "completion_tokens": 4000}
BROKEN = f"src/solution.py\n```python\n{WRONG}```\n"
TALK = "I would rather talk about it first."


@dataclass
class Stopped:
    """An open application, and its build that ended over budget after one paid answer."""

    app: App
    build: Build
    server: ModelServer

    async def money(self) -> tuple[float, float]:
        """Return what was spent and the cap, in US dollars."""
        (cap,) = await caps_of(self.app.ledger, self.build.id)
        return cap.spent_nano / NANO, cap.cap_nano / NANO

    async def keys(self) -> list[str]:
        return [call.key for call in await self.app.builds.calls.list(self.build.id)]

    async def costs(self) -> list[tuple[str, int, float]]:
        """Return how each attempt ended, with its calls and dollars, as the report has it."""
        report = await self.app.builds.report(self.build.id)
        assert report is not None
        assert report.cost_usd == pytest.approx(sum(one.cost_usd for one in report.attempts))
        return [(one.ended, one.calls, one.cost_usd) for one in report.attempts]


@asynccontextmanager
async def stopped(opened: Open, folder: Path, first: str) -> AsyncIterator[Stopped]:
    """Yield a build whose model said `first` and had no money to go on; now it would do it."""
    with serving(ModelServer(text=first, usage=USAGE)) as server:
        flags = _served(server.url, tools=False)
        agent = {"max_usd": CAP_USD, "max_attempts": 2, "max_steps": 5}
        async with opened(**{**flags, "agent": agent}) as app:
            build = await app.builds.build(wish(folder))
            assert (build.outcome, len(server.requests)) == (Outcome.OVER_BUDGET, 1)
            server.text = BLOCK
            yield Stopped(app, build, server)


async def test_an_attempt_that_was_cut_off_is_carried_on_with_its_answers(
    tmp_path: Path, opened: Open
) -> None:
    async with stopped(opened, tmp_path, TALK) as it:
        done = await it.app.builds.resume(it.build.id, max_usd=MORE_USD)
        assert (done.outcome, done.epoch) == (Outcome.PASSED, 2)
        assert await it.keys() == ["generate.1.1", "generate.1.2"]
        assert len(it.server.requests) == 2
        assert [message["content"] for message in it.server.requests[1]["messages"]][2] == TALK
        assert await it.costs() == [("over_budget", 1, CALL_USD), ("done", 1, CALL_USD)]
        assert await it.money() == (2 * CALL_USD, MORE_USD)
    assert (tmp_path / "out/src/solution.py").read_text() == RIGHT


async def test_a_repair_that_had_no_money_to_begin_is_begun(tmp_path: Path, opened: Open) -> None:
    async with stopped(opened, tmp_path, BROKEN) as it:
        done = await it.app.builds.resume(it.build.id, max_usd=MORE_USD)
        assert done.outcome is Outcome.PASSED
        assert await it.keys() == ["generate.1.1", "generate.2.1"]
        costs = [("done", 1, CALL_USD), ("over_budget", 0, 0.0), ("done", 1, CALL_USD)]
        assert await it.costs() == costs


async def test_what_was_stored_stays_and_the_log_tells_of_the_cap(
    tmp_path: Path, opened: Open
) -> None:
    async with stopped(opened, tmp_path, TALK) as it:
        before = await it.app.builds.store.updates(it.build.id)
        await it.app.builds.resume(it.build.id, max_usd=MORE_USD)
        after = await it.app.builds.store.updates(it.build.id)
        events = await it.app.builds.store.events(it.build.id)
    assert after[: len(before)] == before
    assert [record.attempt for record, _ in after[len(before) :]] == [2] * 5
    (reopened,) = [event for event in events if event.kind is EventKind.BUILD_REOPENED]
    assert (reopened.data["max_usd"], reopened.data["spent_usd"]) == (MORE_USD, "0.05")
    assert events[reopened.seq].kind is EventKind.BUILD_RESUMED


async def test_a_cap_that_is_too_small_again_can_be_raised_again(
    tmp_path: Path, opened: Open
) -> None:
    async with stopped(opened, tmp_path, TALK) as it:
        again = await it.app.builds.resume(it.build.id, max_usd=CAP_USD)
        assert (again.outcome, len(it.server.requests)) == (Outcome.OVER_BUDGET, 1)
        done = await it.app.builds.resume(it.build.id, max_usd=MORE_USD)
        assert (done.outcome, done.epoch) == (Outcome.PASSED, 3)
        assert await it.keys() == ["generate.1.1", "generate.1.2"]
        assert [calls for _, calls, _ in await it.costs()] == [1, 0, 1]


async def test_the_cap_holds_over_what_was_spent_before(tmp_path: Path, opened: Open) -> None:
    async with stopped(opened, tmp_path, TALK) as it:
        it.server.text = TALK
        done = await it.app.builds.resume(it.build.id, max_usd=0.18)
        assert done.outcome is Outcome.OVER_BUDGET
        assert await it.money() == (0.15, 0.18)


@pytest.mark.parametrize(
    ("max_usd", "given"), [(None, "missing"), (0.0, "0"), (0.04, "0.04"), (CALL_USD, "0.05")]
)
async def test_a_cap_that_buys_nothing_is_one_clear_error_and_changes_nothing(
    tmp_path: Path, opened: Open, max_usd: float | None, given: str
) -> None:
    async with stopped(opened, tmp_path, TALK) as it:
        before = (await it.app.builds.store.events(it.build.id), await it.money())
        with pytest.raises(UsageError) as caught:
            await it.app.builds.resume(it.build.id, max_usd=max_usd)
        assert await it.app.builds.store.get(it.build.id) == it.build
        assert (await it.app.builds.store.events(it.build.id), await it.money()) == before
    assert caught.value.message == (
        f"--max-usd is {given}, and build {it.build.id} ended over budget with 0.05 USD spent; "
        "expected an amount above that"
    )
    assert caught.value.next_step == f"buildwright builds resume {it.build.id} --max-usd 0.2"
    assert caught.value.exit_code == 2


async def test_work_of_the_users_in_the_delivered_folder_is_not_replaced(
    tmp_path: Path, opened: Open
) -> None:
    mine = tmp_path / "out/src/mine.py"
    async with stopped(opened, tmp_path, TALK) as it:
        mine.write_text("MINE = 1\n")
        with pytest.raises(OutputError, match=r"delivered it: src/mine\.py") as caught:
            await it.app.builds.resume(it.build.id, max_usd=MORE_USD)
        assert "move these files away" in caught.value.next_step
        assert (await it.money())[1] == CAP_USD
        mine.unlink()
        assert (await it.app.builds.resume(it.build.id, max_usd=MORE_USD)).outcome is Outcome.PASSED


async def test_a_reopened_build_that_is_interrupted_goes_on_by_a_plain_resume(
    tmp_path: Path, opened: Open
) -> None:
    async with stopped(opened, tmp_path, TALK) as it:
        it.server.faults.append("silent")
        it.server.requests.clear()
        running = asyncio.ensure_future(it.app.builds.resume(it.build.id, max_usd=MORE_USD))
        await interrupted(running, it.server.requests)
        assert (await it.app.builds.store.get(it.build.id)).status is Status.INTERRUPTED
        assert await it.app.builds.report(it.build.id) is None
        done = await it.app.builds.resume(it.build.id)
        assert done.outcome is Outcome.PASSED
        assert (await it.keys())[0] == "generate.1.1"
        assert len(it.server.requests) == 2


async def test_a_resume_that_died_before_it_was_claimed_bought_nothing_and_can_be_repeated(
    tmp_path: Path, opened: Open
) -> None:
    async with stopped(opened, tmp_path, TALK) as it:
        await it.app.builds.store.reopen(it.build.id, it.app.builds.clock.now())
        again = await it.app.builds.resume(it.build.id)
        assert (again.outcome, again.reason) == (Outcome.OVER_BUDGET, it.build.reason)
        assert len(it.server.requests) == 1
        assert (await it.app.builds.resume(it.build.id, max_usd=MORE_USD)).outcome is Outcome.PASSED


async def test_the_log_and_the_next_step_name_the_budget_that_had_too_little(
    tmp_path: Path, opened: Open
) -> None:
    async with stopped(opened, tmp_path, TALK) as it:
        await it.app.ledger.set_budget("org:local", nano_of("0.06"), "day")
        done = await it.app.builds.resume(it.build.id, max_usd=MORE_USD)
        events = await it.app.builds.store.events(it.build.id)
        command = with_more(it.build.id, await caps_of(it.app.ledger, it.build.id))
    assert (done.outcome, len(it.server.requests)) == (Outcome.OVER_BUDGET, 1)
    told = [str(event.data.get("text", "")) for event in events]
    assert [line.split(" (")[0] for line in told if line.startswith("budget ")] == [
        f"budget build:{it.build.id}",
        "budget org:local",
    ]
    assert command == (
        "buildwright budgets set org:local --usd 0.12 --period day && "
        f"buildwright builds resume {it.build.id} --max-usd 0.3"
    )


@pytest.mark.parametrize(("said", "attempt"), [(TALK, 1), (BROKEN, 2)])
async def test_a_build_interrupted_before_its_last_attempt_was_judged_goes_on_in_one_step(
    tmp_path: Path, opened: Open, said: str, attempt: int
) -> None:
    running: list[asyncio.Task[Build]] = []

    def stop(event: Event) -> None:
        where = (event.kind, event.stage, event.attempt)
        if where == (EventKind.STAGE_DONE, StageName.GENERATE, attempt):
            running.pop().cancel()

    with serving(ModelServer(text=said, usage=USAGE)) as server:
        flags = {**_served(server.url, tools=False), "agent": {"max_usd": CAP_USD}}
        async with opened(stop, **flags) as app:
            running.append(asyncio.ensure_future(app.builds.build(wish(tmp_path))))
            with pytest.raises(asyncio.CancelledError):
                await running[0]
            (build,) = await app.builds.store.list()
            assert (build.status, build.outcome) == (Status.INTERRUPTED, None)
            server.text = BLOCK
            done = await app.builds.resume(build.id, max_usd=MORE_USD)
            events = await app.builds.store.events(build.id)
    assert (done.outcome, len(server.requests)) == (Outcome.PASSED, 2)
    told = [event.data["max_usd"] for event in events if event.kind is EventKind.BUILD_REOPENED]
    assert told == [MORE_USD]


async def test_a_recorded_build_that_was_reopened_replays_as_one(
    tmp_path: Path, opened: Open
) -> None:
    tape = tmp_path / "tape"
    (tmp_path / "two").mkdir()
    with serving(ModelServer(text=BROKEN, usage=USAGE)) as server:
        flags = {**_served(server.url, tools=False), "agent": {"max_usd": CAP_USD}}
        async with opened(**flags) as app:
            build = await app.builds.build(wish(tmp_path), tape=Tape(record=tape))
            server.text = BLOCK
            build = await app.builds.resume(build.id, max_usd=MORE_USD)
            assert build.outcome is Outcome.PASSED
    async with opened() as app:
        again = await app.builds.build(wish(tmp_path / "two"), tape=Tape(replay=tape))
    assert (again.outcome, again.reason) == (build.outcome, build.reason)


def test_the_command_line_tells_how_to_go_on_and_does(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def told(*arguments: str) -> tuple[int, str]:
        code = exit_code_of(list(arguments))
        said = capsys.readouterr()
        return code, said.out + said.err

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUILDWRIGHT_TEMPLATES", json.dumps([str(TEMPLATES)]))
    asked = ("build", "-q", wish(tmp_path).text, "--tests", "acceptance", "--model", "mine")
    with serving(ModelServer(text=TALK, usage=USAGE)) as server:
        rows: Any = _served(server.url, tools=False)["models"]
        monkeypatch.setenv("BUILDWRIGHT_MODELS", json.dumps(rows))
        code, said = told(*asked, "--max-usd", str(CAP_USD))
        command = next(line for line in said.splitlines() if "builds resume" in line).split()[1:]
        assert (code, command[-2:]) == (4, ["--max-usd", "0.2"])
        code, shown = told("builds", "show", command[2], "--json")
        assert (code, json.loads(shown)["next_step"].split()[1:]) == (0, command)
        code, said = told("builds", "resume", command[2])
        assert (code, "--max-usd is missing" in said) == (2, True)
        server.text = BLOCK
        assert told(*command)[0] == 0
        code, shown = told("builds", "show", command[2])
    assert "0.10 USD (model: mine)" in shown
    assert "0.1 of 0.2 USD (total)" in shown
    assert "builds resume" not in shown
    assert (
        "reopened  with a cap of 0.2 USD, of which 0.05 are spent"
        in told("builds", "logs", command[2])[1]
    )
