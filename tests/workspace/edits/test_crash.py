"""Killed at any step, a batch is whole or not there after the next start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.workspace.edits.test_disk import AFTER, CALLS, batch, root, tree

from buildwright.core.errors import DiskError
from buildwright.workspace.edits import EditRefused, apply, recover
from buildwright.workspace.edits.journal import (
    Change,
    Journal,
    Phase,
    journal_beside,
    write_journal,
)

__all__ = ["root"]

# Kills itself with SIGKILL right before the n-th call that changes the disk, for n = 1, 2, ...
# each in a folder of its own; prints how many there were.
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from buildwright.workspace.edits import apply, parse, resolve
from buildwright.workspace.edits.forms import sha256

base, calls = Path(sys.argv[1]), eval(sys.argv[2])
CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir"}

def attempt(folder, limit):
    found = [p for p in folder.rglob("*") if p.is_file()]
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}
    batch = resolve(parse(calls), files, {path: sha256(data) for path, data in files.items()})
    seen = 0
    def watch(event, arguments):
        nonlocal seen
        if event in CHANGES or (event == "open" and arguments[2] & os.O_CREAT):
            seen += 1
            if seen == limit:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    apply(batch, folder)

limit = 0
while True:
    limit += 1
    folder = base.parent / f"killed-{limit}"
    shutil.copytree(base, folder)
    child = os.fork()
    if child == 0:
        attempt(folder, limit)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
print(limit - 1)
"""


def test_a_batch_killed_at_any_step_is_whole_or_undone_after_the_next_start(root: Path) -> None:
    before = tree(root)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(root), repr(list(CALLS))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    kills = int(done.stdout)
    assert kills > 15
    outcomes = set()
    for number in range(1, kills + 1):
        folder = root.parent / f"killed-{number}"
        recover(folder)
        now = tree(folder)
        assert now in (before, AFTER), number
        outcomes.add(now == AFTER)
        assert not recover(folder)
    assert outcomes == {True, False}
    left = [p.name for p in root.parent.iterdir() if p.name.startswith(".")]
    assert left == []


def test_a_later_batch_first_ends_the_broken_one(root: Path) -> None:
    journal_beside(root).write_text('{"phase": "staging", "folders": ["x"], "changes": []}')
    (root / "x").mkdir()
    assert apply(batch(root, *CALLS), root)
    assert tree(root) == AFTER
    assert not (root / "x").exists()


def test_a_file_changed_after_the_crash_is_never_overwritten(root: Path) -> None:
    change = Change("src/a.py", "0" * 64, "1" * 64, 0o644, ".t", ".b")
    write_journal(journal_beside(root), Journal(Phase.LANDING, (change,), ()))
    with pytest.raises(DiskError, match="was changed after"):
        recover(root)
    assert (root / "src/a.py").read_text() == "x = 1\n"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"phase": "x", "changes": [], "folders": []}'])
def test_a_journal_that_cannot_be_read_stops_the_next_batch(root: Path, text: str) -> None:
    journal_beside(root).write_text(text)
    with pytest.raises(DiskError, match="cannot be read") as error:
        apply(batch(root, *CALLS), root)
    assert "delete the journal" in error.value.next_step
    assert not isinstance(error.value, EditRefused)
