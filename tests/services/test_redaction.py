"""T28: a secret that a test prints, a provider echoes or a user pastes is nowhere afterwards."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from tests.gateway.model_server import ModelServer, serving
from tests.services.conftest import Open

from buildwright.core import codec
from buildwright.core.build import Outcome
from buildwright.core.redact import MARK, redact_logs
from buildwright.services.redaction import redactor_of
from buildwright.services.request import Wish

pytestmark = [pytest.mark.build, pytest.mark.sandbox]
CANARY = "canary-of-the-environment-7Qx9Zt"
SHAPED = "sk-proj-C4naryKeyShaped0123456789abcd"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIcanaryCANARYcanary0123\n-----END PRIVATE KEY-----"
TRACES = (CANARY, "C4naryKeyShaped", "MIIcanaryCANARY")
PRINTS = f"""
import sys
from solution import add

SHAPED, PEM = {SHAPED!r}, {PEM!r}

def test_add():
    print(SHAPED, PEM, {CANARY!r}, file=sys.stderr)
    print(SHAPED, PEM, {CANARY!r})
    assert add(2, 3) == 5, f"leaks {{SHAPED}} and {{PEM}} and {{{CANARY!r}}}"

def test_other():
    raise ValueError({CANARY!r} + SHAPED)
"""
WRONG = "def add(a, b):\n    return a - b\n"


@pytest.fixture(autouse=True)
def _canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_API_KEY", CANARY)


def wish(tmp_path: Path, text: str = "Write add(a, b) in src/solution.py.") -> Wish:
    tests = tmp_path / "acceptance"
    tests.mkdir(exist_ok=True)
    (tests / "test_solution.py").write_text(PRINTS)
    return Wish(text, tmp_path, tmp_path / "out", tests=tests)


def traces_in(place: Path) -> list[str]:
    """Files below `place` that hold a trace of a secret, snapshots and caches aside."""
    return [
        f"{path.name}: {trace}"
        for path in sorted(place.rglob("*"))
        if path.is_file() and not {"environments", "snapshots"} & set(path.parts)
        for trace in TRACES
        if trace.encode() in path.read_bytes()
    ]


async def test_what_a_test_prints_is_not_kept_shown_or_sent(
    tmp_path: Path, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    answer = f"src/solution.py\n```\n{WRONG}```\n"
    caplog.set_level(logging.DEBUG)
    with serving(ModelServer(text=answer)) as server:
        row = {"url": server.url, "model": "small", "free": True, "tools": False}
        flags = {"model": "mine", "models": {"mine": row}, "agent": {"max_attempts": 2}}
        async with opened(**flags) as app:
            build = await app.builds.build(wish(tmp_path))
            report = await app.builds.report(build.id)
            events = await app.builds.store.events(build.id)
            calls = await app.builds.calls.list(build.id)
        sent = json.dumps(server.requests, default=str)
    assert build.outcome is Outcome.FAILED
    assert report is not None
    assert len(calls) == 2
    told = "".join(map(codec.dump, (report, *events, *calls))) + sent + caplog.text
    assert [trace for trace in TRACES if trace in told] == []
    assert MARK in codec.dump(report)
    assert MARK in sent
    assert traces_in(tmp_path / "home") == []
    assert traces_in(tmp_path / "out" / ".buildwright") == []
    delivered = tmp_path / "out" / "tests" / "acceptance" / "test_solution.py"
    assert delivered.read_text() == PRINTS


async def test_a_secret_in_the_requirement_goes_no_further(tmp_path: Path, opened: Open) -> None:
    text = f"Write add(a, b) in src/solution.py. The key is {SHAPED}, the other one {CANARY}."
    async with opened() as app:
        build = await app.builds.build(wish(tmp_path, text))
    assert MARK in build.request.text
    assert traces_in(tmp_path / "home") == []
    assert traces_in(tmp_path / "out" / ".buildwright") == []


async def test_an_edit_does_not_write_the_mark_over_a_secret(tmp_path: Path, opened: Open) -> None:
    answer = f'src/solution.py\n```\nKEY = "{MARK}"\n```\n'
    with serving(ModelServer(text=answer)) as server:
        row = {"url": server.url, "model": "small", "free": True, "tools": False}
        flags = {"model": "mine", "models": {"mine": row}, "agent": {"max_attempts": 1}}
        async with opened(**flags) as app:
            build = await app.builds.build(wish(tmp_path))
        sent = json.dumps(server.requests, default=str)
    assert build.outcome is Outcome.FAILED
    assert "stands for a hidden secret" in sent
    assert not (tmp_path / "out" / "src" / "solution.py").exists()


async def test_logs_are_redacted_at_their_handler(opened: Open, tmp_path: Path) -> None:
    root, target = logging.getLogger(), tmp_path / "log"
    handler = logging.FileHandler(target)
    root.addHandler(handler)
    try:
        async with opened() as app:
            redact_logs(redactor_of(app.settings))
        logging.getLogger("buildwright").warning("key %s and %s", CANARY, SHAPED)
    finally:
        root.removeHandler(handler)
        handler.close()
    assert target.read_text() == f"key {MARK} and {MARK}\n"


@pytest.mark.parametrize("status", ["401", "400", "500"])
async def test_a_provider_that_echoes_the_key_does_not_get_it_stored(
    tmp_path: Path, opened: Open, status: str
) -> None:
    with serving(ModelServer(faults=[status] * 9)) as server:
        row = {"url": server.url, "model": "small", "free": True, "key_variable": "CANARY_API_KEY"}
        async with opened(model="mine", models={"mine": row}) as app:
            build = await app.builds.build(wish(tmp_path))
            calls = await app.builds.calls.list(build.id)
    assert CANARY in server.keys[0]
    assert build.outcome is Outcome.FAILED
    assert CANARY not in build.reason + "".join(map(codec.dump, calls))
    assert traces_in(tmp_path / "home") == []
    assert traces_in(tmp_path / "out" / ".buildwright") == []
