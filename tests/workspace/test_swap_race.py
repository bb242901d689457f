"""T36: nothing outside changes, and nothing of it is read, while links come and go."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildwright.core.errors import DiskError
from buildwright.core.tree import RenderedFile
from buildwright.sandbox.selftest import Outcome
from buildwright.services.swap_race import swap_race
from buildwright.workspace import delivery


def test_no_race_of_links_is_won() -> None:
    answer = swap_race(rounds=400, seconds=3.0)
    assert answer.outcome is Outcome.HELD, answer
    assert "copies" in answer.reason


@pytest.mark.parametrize("planted", ["sub", "sub/deep"])
def test_a_link_in_the_users_folder_is_not_written_through(tmp_path: Path, planted: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    (outside / "deep").mkdir(parents=True)
    (folder / planted).parent.mkdir(parents=True)
    (folder / planted).symlink_to(outside)
    with pytest.raises(DiskError):
        delivery.write_pages([RenderedFile("sub/deep/x", b"x", "user")], folder)
    assert [path.name for path in outside.rglob("*")] == ["deep"]
