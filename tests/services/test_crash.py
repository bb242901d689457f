"""Nothing is lost: `kill -9` after any event, then resume, ends like a build that ran through."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.services.conftest import TEMPLATES, TEXT, Open

from buildwright.core.build import Outcome, StageName

pytestmark = [pytest.mark.build, pytest.mark.sandbox]
SUICIDE = """
import os, signal, sys
from buildwright.cli import progress

def die(event):
    if event.kind.value == sys.argv[1] and (event.stage or "-") == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

progress._print_line = die
from buildwright.cli.main import exit_code_of
sys.exit(exit_code_of(["build", "-t", "tiny", "--out", sys.argv[3], sys.argv[4]]))
"""
INSTANTS = [("build.queued", "-"), ("build.started", "-")] + [
    (kind, stage.value) for stage in StageName for kind in ("stage.started", "stage.done")
]


@pytest.mark.parametrize(("kind", "stage"), INSTANTS)
async def test_a_build_killed_at_any_event_is_resumed_to_the_same_end(
    tmp_path: Path, home: Path, opened: Open, kind: str, stage: str
) -> None:
    out = tmp_path / "out"
    env = {
        **os.environ,
        "BUILDWRIGHT_HOME": str(home),
        "BUILDWRIGHT_TEMPLATES": json.dumps([str(TEMPLATES)]),
    }
    killed = subprocess.run(
        [sys.executable, "-c", SUICIDE, kind, stage, str(out), TEXT], env=env, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL
    async with opened() as app:
        (build,) = await app.builds.store.list()
        before = dict(await app.builds.store.updates(build.id))
        done = await app.builds.resume(build.id)
        after = dict(await app.builds.store.updates(build.id))
    assert done.outcome is Outcome.PASSED, done.reason
    assert {record: after[record] for record in before} == before
    assert Counter(record.stage for record in after) == Counter(StageName)
    assert (out / ".buildwright/build-id").read_text().strip() == build.id
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_database_is_whole_after_a_kill(home: Path, tmp_path: Path) -> None:
    env = {
        **os.environ,
        "BUILDWRIGHT_HOME": str(home),
        "BUILDWRIGHT_TEMPLATES": json.dumps([str(TEMPLATES)]),
    }
    arguments = [sys.executable, "-c", SUICIDE, "stage.done", "test", str(tmp_path / "o"), TEXT]
    subprocess.run(arguments, env=env, capture_output=True)
    with sqlite3.connect(home / "buildwright.db") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    raw.close()
