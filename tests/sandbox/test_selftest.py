"""Each threat of the list against each backend; and a self-test that cannot be talked into it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from buildwright.cli.selftest import self_test as command
from buildwright.core.errors import SandboxUnavailableError
from buildwright.core.settings import load_settings
from buildwright.sandbox import Environment, Exit, Health, Job, Sandbox, open_sandbox
from buildwright.sandbox.selftest import (
    SHORT,
    THREATS,
    Ground,
    Outcome,
    Result,
    Threat,
    proven,
    proving,
    recalled,
    remember,
    self_test,
)
from buildwright.services import selftest as service
from buildwright.services.hostile_trees import MARKUP, hostile_report_page
from buildwright.services.pipeline_threats import TRIES, Try

pytestmark = pytest.mark.sandbox

BY_ID = {threat.id: threat for threat in THREATS}
EXPOSED = ("T24", "T26", "T29", "T31", "T33", "T55")
"""Threats whose programs only look, and do no harm where nothing stops them."""


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.id)
async def test_a_threat_is_answered(box: Sandbox, environment: Environment, threat: Threat) -> None:
    (row,) = await self_test([box], Ground(environment.python), [threat])
    assert row.outcome is Outcome.HELD, row
    assert row.layer


@pytest.mark.parametrize("name", EXPOSED)
async def test_without_isolation_a_threat_does_not_hold(name: str) -> None:
    box = await open_sandbox("unsafe", allow_unsafe=True)
    (row,) = await self_test([box], threats=[BY_ID[name]])
    assert row.outcome is Outcome.NOT_HELD, row


class Pretending:
    """A sandbox that says it ran something and gives what it was told to give."""

    name = "bubblewrap"
    layers = ("everything",)

    def __init__(self, ended: Exit) -> None:
        self.ended = ended

    async def execute(self, job: Job) -> Exit:
        return self.ended


@pytest.mark.parametrize(
    "ended",
    [
        Exit(0, None),
        Exit(0, None, stdout=b"passed", report=b"{}"),
        Exit(0, None, report=b'{"tries": []}'),
        Exit(None, None, health=Health.NOT_STARTED, health_reason="no namespace"),
        Exit(None, 9, health=Health.LOST),
    ],
    ids=["silent", "empty", "nothing-tried", "not-started", "lost"],
)
async def test_a_box_that_proves_nothing_holds_nothing(ended: Exit) -> None:
    rows = await self_test([Pretending(ended)], threats=SHORT)
    assert {row.outcome for row in rows} <= {Outcome.UNPROVEN, Outcome.NOT_HELD}
    assert all(row.counts_against and row.reason for row in rows)


async def test_without_pytest_a_threat_to_the_verdict_is_unproven(best: Sandbox) -> None:
    rows = await self_test([best], Ground(None, "no index"), [BY_ID["T47"], BY_ID["T58"]])
    assert [(row.outcome, row.reason) for row in rows] == [(Outcome.UNPROVEN, "no index")] * 2


async def test_the_first_build_proves_the_box_and_the_next_remembers(
    best: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "results.json"
    assert (await proven("auto", cache)).name == best.name
    rows = recalled(cache, best.name)
    assert rows is not None
    assert {row.threat for row in rows} == {threat.id for threat in SHORT}
    monkeypatch.delattr(proving, "self_test")
    assert (await proven("auto", cache)).layers == best.layers
    monkeypatch.setattr(proving, "__version__", "0.0.0+other")
    assert recalled(cache, best.name) is None


def failing(backend: str) -> tuple[Result, ...]:
    held = [
        Result(threat.id, threat.title, backend, Outcome.HELD, "x", True, 0.1, "")
        for threat in THREATS
    ]
    broken = replace(held[3], outcome=Outcome.NOT_HELD, reason="allowed: segments")
    return (*held[:3], broken, *held[4:])


async def test_a_threat_that_does_not_hold_refuses_builds_and_says_which(
    best: Sandbox, tmp_path: Path
) -> None:
    cache = tmp_path / "results.json"
    remember(cache, failing(best.name))
    with pytest.raises(SandboxUnavailableError, match=r"T4 .*allowed: segments") as caught:
        await proven(best.name, cache)
    assert "buildwright sandbox self-test" in caught.value.next_step


async def test_damaged_results_are_no_proof(best: Sandbox, tmp_path: Path) -> None:
    cache = tmp_path / "results.json"
    for text in ("", "[]", "{", '{"x": 1}'):
        cache.write_text(text)
        assert recalled(cache, best.name) is None
    assert (await proven(best.name, cache)).name == best.name


def test_a_short_list_that_fails_is_tried_again(tmp_path: Path) -> None:
    cache = tmp_path / "results.json"
    row = replace(failing("bubblewrap")[3], threat=SHORT[0].id)
    remember(cache, [row])
    assert recalled(cache, "bubblewrap") is None


@pytest.mark.parametrize("check", service.CHECKS)
def test_what_is_answered_outside_a_box_holds(check: tuple[str, str, service.Check]) -> None:
    answer = check[2]()
    assert answer.outcome is Outcome.HELD, answer


def test_the_page_with_markup_really_shows_it() -> None:
    page = hostile_report_page(MARKUP[0])
    assert MARKUP[0] not in page
    assert page.count("&lt;script&gt;") > 10


@pytest.mark.parametrize("attempt", TRIES)
async def test_what_the_pipeline_answers_holds(
    attempt: tuple[str, str, Try], best: Sandbox, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "environments").symlink_to(environment.path.parent)
    answer = await attempt[2](best, load_settings({"home": tmp_path}))
    assert answer.outcome is Outcome.HELD, answer


async def test_every_threat_of_the_list_is_on_the_table(tmp_path: Path) -> None:
    rows = await service.outside((), load_settings({"home": tmp_path}))
    assert {row.outcome for row in rows if row.threat in ("T28", "T57")} == {Outcome.UNPROVEN}
    listed = {threat.id for threat in THREATS} | {row.threat for row in rows}
    assert listed == {f"T{number}" for number in range(1, 59)}


@pytest.mark.parametrize("broken", [False, True])
def test_the_command_tells_by_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, broken: bool
) -> None:
    async def quick(boxes: tuple[Sandbox, ...], ground: object) -> tuple[Result, ...]:
        rows = tuple(row for box in boxes for row in failing(box.name))
        return rows if broken else tuple(replace(row, outcome=Outcome.HELD) for row in rows)

    async def none(root: Path) -> Ground:
        return Ground(None)

    monkeypatch.setattr(service, "self_test", quick)
    monkeypatch.setattr(service, "make_ground", none)
    monkeypatch.setattr(service, "CHECKS", ())
    monkeypatch.setattr(service, "TRIES", ())
    ran = CliRunner().invoke(command, obj={"home": str(tmp_path)})
    assert ran.exit_code == int(broken)
    assert ("builds cannot start" in ran.output) == broken
