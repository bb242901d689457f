"""Builds with scripted models: what is solved, what is not, and that every one ends in bounds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.gateway.model_server import ModelServer, serving
from tests.services.conftest import Open

from buildwright.core.build import Outcome
from buildwright.core.chat import ChatRequest, Message
from buildwright.core.errors import UsageError
from buildwright.core.verdict import Verdict
from buildwright.gateway.providers.scripted import Reference
from buildwright.gateway.providers.scripted.adversaries import Mute, Saboteur, cheats_for
from buildwright.services.kits import make_kit
from buildwright.services.request import Wish

pytestmark = [pytest.mark.build, pytest.mark.sandbox]
RIGHT = "def add(a, b):\n    return a + b\n\n\ndef twice(a):\n    return add(a, a)\n"
WRONG = "def add(a, b):\n    return a - b\n\n\ndef twice(a):\n    return add(a, a)\n"
TESTS = (
    "from solution import add, twice\n\n\ndef test_add():\n    assert add(2, 3) == 5\n\n\n"
    "def test_twice():\n    assert twice(4) == 8\n"
)
REFERENCE = Reference({"src/solution.py": RIGHT}, {"src/solution.py": WRONG})
CHEATS = sorted(cheats_for(REFERENCE))
SABOTAGES = sorted(Saboteur(REFERENCE)._kinds())


def wish(tmp_path: Path) -> Wish:
    tests = tmp_path / "acceptance"
    tests.mkdir(exist_ok=True)
    (tests / "test_solution.py").write_text(TESTS)
    text = "Write functions add(a, b) and twice(a) in src/solution.py."
    return Wish(text, tmp_path, tmp_path / "out", tests=tests)


def played(tmp_path: Path, script: str, attempts: int = 2, **more: object) -> dict[str, object]:
    reference = tmp_path / "reference.json"
    reference.write_text(json.dumps({"right": REFERENCE.right, "wrong": REFERENCE.wrong}))
    row = {"script": script, "reference": reference, "free": True, **more}
    agent = {"max_attempts": attempts, "max_steps": 5, "call_timeout_s": 5}
    return {"model": "played", "models": {"played": row}, "agent": agent, "sandbox": {"wall_s": 10}}


@pytest.mark.parametrize("tools", [True, False], ids=["by tools", "by text"])
async def test_the_oracle_passes_in_one_attempt(
    *, tmp_path: Path, opened: Open, tools: bool
) -> None:
    async with opened(**played(tmp_path, "oracle", tools=tools)) as app:
        build = await app.builds.build(wish(tmp_path))
        report = await app.builds.report(build.id)
    assert (build.outcome, build.reason) == (
        Outcome.PASSED,
        "tests passed and every must-have item has a passing test",
    )
    assert report is not None
    assert [attempt.ended for attempt in report.attempts] == ["done"]
    assert (tmp_path / "out/src/solution.py").read_text() == RIGHT
    sources = {row.path: row.source for row in report.provenance}
    assert sources["src/solution.py"] == "model played"
    assert sources["tests/acceptance/test_solution.py"] == "user"


async def test_without_a_model_nothing_pretends(tmp_path: Path, opened: Open) -> None:
    async with opened() as app:
        build = await app.builds.build(wish(tmp_path))
    assert build.outcome is Outcome.FAILED


async def test_a_flaky_model_gets_there_by_repair(tmp_path: Path, opened: Open) -> None:
    async with opened(**played(tmp_path, "flaky-oracle:0.5", 4, tools=False)) as app:
        build = await app.builds.build(wish(tmp_path))
        report = await app.builds.report(build.id)
    assert report is not None
    assert build.outcome is (
        Outcome.PASSED if report.attempts[-1].verdict is Verdict.PASSED else Outcome.FAILED
    )
    delivered = [attempt for attempt in report.attempts if attempt.delivered]
    assert len(delivered) == 1
    assert delivered[0].failing == min(attempt.failing for attempt in report.attempts)


@pytest.mark.parametrize("cheat", CHEATS)
async def test_no_cheat_is_ever_passed(tmp_path: Path, opened: Open, cheat: str) -> None:
    async with opened(**played(tmp_path, f"cheater:{cheat}")) as app:
        build = await app.builds.build(wish(tmp_path))
        report = await app.builds.report(build.id)
    assert build.outcome is Outcome.FAILED
    assert report is not None
    assert len(report.attempts) <= 4
    assert (tmp_path / "out/tests/acceptance/test_solution.py").read_text() == TESTS


@pytest.mark.parametrize("kind", SABOTAGES)
async def test_an_unusable_answer_ends_within_bounds_with_its_reason(
    tmp_path: Path, opened: Open, kind: str
) -> None:
    async with opened(**played(tmp_path, f"saboteur:{kind}", tools=False)) as app:
        build = await app.builds.build(wish(tmp_path))
        report = await app.builds.report(build.id)
    assert build.outcome is Outcome.FAILED
    assert report is not None
    assert report.attempts
    assert all(attempt.calls <= 5 for attempt in report.attempts)
    outside = {path.name for path in tmp_path.iterdir()}
    assert outside == {"acceptance", "home", "out", "reference.json"}


async def test_a_spender_is_stopped_before_the_cap_is_broken(tmp_path: Path, opened: Open) -> None:
    flags = played(
        tmp_path, "spender", input_usd_per_mtok=100.0, output_usd_per_mtok=100.0, free=False
    )
    async with opened(**{**flags, "agent": {"max_usd": 1.0, "max_steps": 50}}) as app:
        build = await app.builds.build(wish(tmp_path))
        report = await app.builds.report(build.id)
        spent = await app.builds.calls.spent_usd(build.id)
    assert build.outcome is Outcome.OVER_BUDGET
    assert build.outcome.exit_code == 4
    assert report is not None
    assert 0 < spent <= 1.0
    assert report.cost_usd == pytest.approx(spent)


async def test_a_spender_stays_within_every_cap_it_is_given(tmp_path: Path, opened: Open) -> None:
    flags = played(
        tmp_path, "spender", input_usd_per_mtok=100.0, output_usd_per_mtok=100.0, free=False
    )
    async with opened(**{**flags, "agent": {"max_usd": 1.0, "max_steps": 50}}) as app:
        build = await app.builds.build(wish(tmp_path))
        for cap in (1.6, 2.9):
            build = await app.builds.resume(build.id, max_usd=cap)
            assert build.outcome is Outcome.OVER_BUDGET
            assert await app.builds.calls.spent_usd(build.id) <= cap
        keys = [call.key for call in await app.builds.calls.list(build.id)]
        report = await app.builds.report(build.id)
    assert keys == [f"generate.1.{step}" for step in range(1, len(keys) + 1)]
    assert len(keys) >= 2
    assert report is not None
    assert sum(attempt.calls for attempt in report.attempts) == len(keys)


@pytest.mark.parametrize("kind", sorted(Mute.KINDS))
async def test_a_provider_that_fails_ends_the_build_with_its_words(
    tmp_path: Path, opened: Open, kind: str
) -> None:
    async with opened(**played(tmp_path, f"mute:{kind}")) as app:
        build = await app.builds.build(wish(tmp_path))
    assert build.outcome is Outcome.FAILED
    assert "model_failed: scripted/mute" in build.reason


async def test_a_model_over_http_solves_the_task_and_its_prompts_can_be_read(
    tmp_path: Path, opened: Open
) -> None:
    answer = f"src/solution.py\n```\n{RIGHT}```\n"
    with serving(ModelServer(text=answer, faults=["503"])) as server:
        row = {"url": server.url, "model": "small", "free": True, "tools": False}
        async with opened(model="mine", models={"mine": row}) as app:
            build = await app.builds.build(wish(tmp_path))
            calls = await app.builds.calls.list(build.id)
    assert build.outcome is Outcome.PASSED
    assert [call.status for call in calls] == ["done"]
    said = "\n".join(message.content for message in calls[0].request.messages)
    assert "> Write functions add(a, b)" in said
    assert "tests/acceptance/test_solution.py" in said
    assert len(server.requests) == 2


async def test_a_finished_call_is_not_bought_twice(tmp_path: Path, opened: Open) -> None:
    answer = f"src/solution.py\n```\n{RIGHT}```\n"
    with serving(ModelServer(text=answer)) as server:
        row = {"url": server.url, "model": "small", "free": True, "tools": False}
        flags = {"model": "mine", "models": {"mine": row}}
        async with opened(**flags) as app:
            build = await app.builds.submit(wish(tmp_path))
            claim = await app.builds.store.claim(build.id, "a worker that dies", 1.0)
            sandbox = await app.builds.open_sandbox(build.request)
            kit = await make_kit(app.builds, claim, sandbox, "mine", app.builds.gateway)
            assert kit.gateway is not None
            asked = ChatRequest("mine", (Message("user", "x"),), key="generate.1.1")
            await kit.gateway.complete(asked)
            done = await app.builds.run(build.id)
            calls = await app.builds.calls.list(build.id)
    assert done.outcome is Outcome.PASSED
    assert len(server.requests) == len(calls) == 1


def test_tests_that_are_none_are_refused(tmp_path: Path) -> None:
    from buildwright.services.request import read_tests

    with pytest.raises(UsageError, match="is no folder"):
        read_tests(tmp_path / "missing")
    (tmp_path / "readme.md").write_text("")
    with pytest.raises(UsageError, match="holds no test"):
        read_tests(tmp_path)


async def test_a_models_own_tests_count_only_when_they_fail_without_its_work(
    tmp_path: Path, opened: Open
) -> None:
    marked = "import pytest\n\n\n@pytest.mark.covers('FR-1')\ndef test_it():\n"
    real = f"from solution import add\n{marked}    assert add(2, 3) == 5\n"
    hollow = f"{marked}    assert True\n"
    outcomes = []
    for number, own in enumerate((real, hollow)):
        place = tmp_path / str(number)
        place.mkdir()
        reference = place / "reference.json"
        files = {"src/solution.py": RIGHT, "tests/test_item_1.py": own}
        reference.write_text(json.dumps({"right": files}))
        row = {"script": "oracle", "reference": reference, "free": True}
        async with opened(model="m", models={"m": row}) as app:
            asked = Wish("Provide add(a, b) in src/solution.py.", place, template="python-package")
            outcomes.append((await app.builds.build(asked)).outcome)
    assert outcomes == [Outcome.PASSED, Outcome.PARTIAL]


async def test_another_attempt_is_never_given_the_answer_that_failed(
    tmp_path: Path, opened: Open
) -> None:
    answer = f"src/solution.py\n```\n{WRONG}```\n"
    with serving(ModelServer(text=answer)) as server:
        row = {"url": server.url, "model": "small", "free": True, "tools": False}
        async with opened(model="mine", models={"mine": row}, agent={"max_attempts": 5}) as app:
            build = await app.builds.build(wish(tmp_path))
            report = await app.builds.report(build.id)
    assert report is not None
    assert len(server.requests) == sum(attempt.calls for attempt in report.attempts)
