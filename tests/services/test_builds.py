"""Builds from wish to outcome: what is delivered, what is kept, and what each mood comes to."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.services.conftest import TEXT, Open

from buildwright.core.build import Outcome, StageName, Status
from buildwright.core.errors import LeaseLostError, OutputError, UsageError
from buildwright.core.events import Event, EventKind
from buildwright.core.verdict import Verdict
from buildwright.services.request import Wish

pytestmark = [pytest.mark.build, pytest.mark.sandbox]


def wish(tmp_path: Path, mood: str = "green", text: str = TEXT) -> Wish:
    return Wish(text, tmp_path, template="tiny", answers={"mood": mood})


async def test_a_green_project_is_delivered_with_its_evidence(tmp_path: Path, opened: Open) -> None:
    async with opened() as app:
        build = await app.builds.build(wish(tmp_path))
        report = await app.builds.report(build.id)
    assert build.outcome is Outcome.PASSED
    out = tmp_path / "books-cli"
    assert build.request.out == str(out)
    names = {path.name for path in (out / ".buildwright").iterdir()}
    assert names >= {"report.md", "report.html", "report.json", "design.md", "answers.yaml"}
    written = json.loads((out / ".buildwright/report.json").read_text())
    assert report is not None
    assert (written["outcome"], written["tests_passed"]) == ("passed", report.tests_passed)
    assert written["items"][0]["tests"] == ["tests/test_tiny.py::test_adding"]
    assert written["items"][0]["files"] == ["src/tiny/__init__.py"]
    assert {row["path"] for row in written["provenance"]} >= {"src/tiny/__init__.py"}


async def test_test_assess_and_document_run_at_the_same_time(
    tmp_path: Path, opened: Open, seen: list[Event]
) -> None:
    async with opened(seen.append) as app:
        await app.builds.build(wish(tmp_path))
    parallel = {StageName.TEST, StageName.ASSESS, StageName.DOCUMENT}
    begun = {e.stage: e.seq for e in seen if e.kind is EventKind.STAGE_STARTED}
    ended = {e.stage: e.seq for e in seen if e.kind is EventKind.STAGE_DONE}
    assert max(begun[stage] for stage in parallel) < ended[StageName.TEST]
    assert max(begun[stage] for stage in parallel) < ended[StageName.ASSESS]
    assert max(ended[stage] for stage in parallel) < begun[StageName.FINALIZE]


async def test_what_listeners_hear_is_what_is_stored(
    tmp_path: Path, opened: Open, seen: list[Event]
) -> None:
    async with opened(seen.append) as app:
        build = await app.builds.build(wish(tmp_path))
        assert tuple(seen) == await app.builds.store.events(build.id)


async def test_a_listener_that_fails_is_passed_over(tmp_path: Path, opened: Open) -> None:
    def broken(event: Event) -> None:
        raise ValueError(event.kind)

    async with opened(broken) as app:
        build = await app.builds.build(wish(tmp_path))
    assert build.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("mood", "outcome", "verdict"),
    [
        ("red", Outcome.FAILED, Verdict.FAILED),
        ("exit", Outcome.FAILED, Verdict.FAILED),
        ("flaky", Outcome.PARTIAL, Verdict.FLAKY),
    ],
)
async def test_each_mood_of_the_tests_is_called_what_it_is(
    tmp_path: Path, opened: Open, mood: str, outcome: Outcome, verdict: Verdict
) -> None:
    async with opened() as app:
        build = await app.builds.build(wish(tmp_path, mood))
        report = await app.builds.report(build.id)
    assert build.outcome is outcome
    assert report is not None
    assert report.verdict is verdict
    assert Path(build.request.out, ".buildwright/report.html").is_file()


async def test_tests_that_never_end_fail_within_their_time(tmp_path: Path, opened: Open) -> None:
    async with opened(sandbox={"wall_s": 4}) as app:
        build = await app.builds.build(wish(tmp_path, "slow"))
    assert build.outcome is Outcome.FAILED
    assert "tests failed" in build.reason


async def test_items_that_rules_cannot_cover_make_it_partial(tmp_path: Path, opened: Open) -> None:
    text = f"{TEXT}. Searching 40,000 books takes at most 50 ms."
    async with opened() as app:
        build = await app.builds.build(wish(tmp_path, text=text))
        report = await app.builds.report(build.id)
    assert build.outcome is Outcome.PARTIAL
    assert report is not None
    assert [item.status for item in report.items] == ["covered", "uncovered"]
    assert report.items[1].id in build.reason


async def test_four_builds_at_once_get_four_folders(tmp_path: Path, opened: Open) -> None:
    async with opened() as app:
        many = await asyncio.gather(*(app.builds.build(wish(tmp_path)) for _ in range(4)))
    assert {build.outcome for build in many} == {Outcome.PASSED}
    assert len({build.request.out for build in many}) == 4


async def test_a_running_build_is_refused_to_others_and_can_be_cancelled(
    tmp_path: Path, opened: Open, seen: list[Event]
) -> None:
    testing = asyncio.Event()

    def listen(event: Event) -> None:
        if event.kind is EventKind.STAGE_NOTE:
            testing.set()

    async with opened(listen) as app, opened() as other:
        build = await app.builds.submit(wish(tmp_path, "slow"))
        running = asyncio.create_task(app.builds.run(build.id))
        await testing.wait()
        with pytest.raises(LeaseLostError):
            await other.builds.store.claim(build.id, "another", app.builds.clock.now())
        assert (await other.builds.cancel(build.id)).outcome is None
        done = await running
    assert (done.outcome, done.reason) == (Outcome.CANCELLED, "cancelled by request")
    assert not Path(build.request.out).exists()


async def test_a_cancelled_build_goes_on_from_where_it_was(
    tmp_path: Path, opened: Open, seen: list[Event]
) -> None:
    async with opened() as app:
        build = await app.builds.submit(wish(tmp_path))
        assert (await app.builds.cancel(build.id)).outcome is Outcome.CANCELLED
        assert (await app.builds.resume(build.id)).outcome is Outcome.PASSED


async def test_an_interrupted_task_gives_the_build_back(tmp_path: Path, opened: Open) -> None:
    generated = asyncio.Event()

    def listen(event: Event) -> None:
        if event.stage is StageName.GENERATE and event.kind is EventKind.STAGE_DONE:
            generated.set()

    async with opened(listen) as app:
        build = await app.builds.submit(wish(tmp_path, "slow"))
        running = asyncio.create_task(app.builds.run(build.id))
        await generated.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await app.builds.store.get(build.id)).status is Status.INTERRUPTED


async def test_a_finished_build_is_neither_resumed_nor_cancelled(
    tmp_path: Path, opened: Open
) -> None:
    async with opened() as app:
        build = await app.builds.build(wish(tmp_path))
        with pytest.raises(UsageError, match="nothing to resume"):
            await app.builds.resume(build.id)
        with pytest.raises(UsageError, match="is finished"):
            await app.builds.cancel(build.id)
        with pytest.raises(LeaseLostError):
            await app.builds.run(build.id)


async def test_an_export_equals_what_was_delivered(tmp_path: Path, opened: Open) -> None:
    async with opened() as app:
        build = await app.builds.build(wish(tmp_path))
        copy = await app.builds.export(build.id, tmp_path / "copy")
        with pytest.raises(OutputError):
            await app.builds.export(build.id, tmp_path)

    def contents(folder: Path) -> dict[Path, bytes]:
        return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert contents(copy) == contents(Path(build.request.out))


async def test_a_build_without_files_cannot_be_exported(tmp_path: Path, opened: Open) -> None:
    async with opened() as app:
        build = await app.builds.submit(wish(tmp_path))
        with pytest.raises(UsageError, match="no files yet"):
            await app.builds.export(build.id, tmp_path / "copy")


async def test_a_plan_forecasts_from_the_builds_before_it(tmp_path: Path, opened: Open) -> None:
    async with opened() as app:
        first = await app.builds.build(wish(tmp_path))
        second = await app.builds.build(wish(tmp_path))
        plans = [
            next(u.plan for _, u in await app.builds.store.updates(b.id) if u.plan)
            for b in (first, second)
        ]
    assert "no earlier build" in plans[0].forecast.basis
    assert "median stage times" in plans[1].forecast.basis


async def test_the_work_folder_is_gone_at_the_end(tmp_path: Path, opened: Open, home: Path) -> None:
    async with opened() as app:
        await app.builds.build(wish(tmp_path))
    assert list((home / "work").iterdir()) == []
