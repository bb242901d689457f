"""The workspace: nothing leaves its root, snapshots are checked, delivery is all or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buildwright.core.errors import DiskError, OutputError, StoreError
from buildwright.core.tree import RenderedFile
from buildwright.workspace import delivery, snapshots
from buildwright.workspace.paths import checked_path, refuse_collisions

FILES = (
    RenderedFile("b/run.sh", b"#!/bin/sh\n", "user", executable=True),
    RenderedFile("a.py", b"x = 1\n", "template t@1"),
)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "path",
    ["", ".", "/etc/passwd", "../x", "a/../../x", "a\nb", "a\x00b", "a\x1b[31m", "C:\\x", "a\\b",
     "x" * 256, "/".join("a" * 40), ".git/config", "a\u202eb",
     "vendor/.GIT/hooks/post-checkout", ".hg/hgrc", ".vscode/tasks.json"],
)  # fmt: skip
def test_a_path_that_is_unsafe_anywhere_is_refused(path: str) -> None:
    with pytest.raises(OutputError, match="is refused"):
        checked_path(path)


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_whatever_is_let_through_stays_beneath_its_root(path: str) -> None:
    try:
        checked = checked_path(path)
    except OutputError:
        return
    root = Path("/root-of-tree")
    assert os.path.commonpath([root, os.path.normpath(root / checked)]) == str(root)


@pytest.mark.parametrize("paths", [["A.py", "a.py"], ["a", "a/b"], ["x/Y/z", "x/y"]])
def test_paths_that_collide_on_some_systems_are_refused(paths: list[str]) -> None:
    with pytest.raises(OutputError):
        refuse_collisions(paths)


def test_a_snapshot_gives_back_what_was_saved(tmp_path: Path) -> None:
    tree = snapshots.save(tmp_path, FILES)
    assert set(snapshots.load(tmp_path, tree)) == set(FILES)
    assert snapshots.save(tmp_path, tuple(reversed(FILES))) == tree


def test_an_altered_or_missing_snapshot_is_found_out(tmp_path: Path) -> None:
    tree = snapshots.save(tmp_path, FILES)
    other = snapshots.save(tmp_path, (RenderedFile("a.py", b"x = 2\n", "user"), FILES[0]))
    (tmp_path / f"{other.id}.zip").replace(tmp_path / f"{tree.id}.zip")
    with pytest.raises(StoreError, match="altered"):
        snapshots.load(tmp_path, tree)
    (tmp_path / f"{tree.id}.zip").write_bytes(b"garbage")
    with pytest.raises(StoreError, match="cannot be read"):
        snapshots.load(tmp_path, tree)


def test_a_snapshot_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DiskError, match="cannot be written"):
        snapshots.save(blocked / "below", FILES)


def test_materialising_writes_modes_and_replaces_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    delivery.materialise((RenderedFile("old", b"", "user"),), folder)
    delivery.materialise(FILES, folder)
    assert contents(folder) == {"a.py": b"x = 1\n", "b/run.sh": b"#!/bin/sh\n"}
    assert os.access(folder / "b/run.sh", os.X_OK)
    assert not os.access(folder / "a.py", os.X_OK)


def test_a_tree_that_cannot_be_written_to_its_end_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    deep = RenderedFile("/".join(["d" * 250] * 20), b"", "user")
    with pytest.raises(DiskError, match="cannot be written"):
        delivery.materialise((*FILES, deep), folder)
    assert not folder.exists()


def test_a_project_appears_whole_with_the_mark_of_its_build(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "project"
    delivery.reserve_output(out, "b1")
    delivery.deliver(FILES, out, "b1")
    assert contents(out) == {
        ".buildwright/build-id": b"b1\n",
        "a.py": b"x = 1\n",
        "b/run.sh": b"#!/bin/sh\n",
    }
    assert [p.name for p in out.parent.iterdir()] == ["project"]


def test_the_same_build_may_deliver_again_and_another_may_not(tmp_path: Path) -> None:
    out = tmp_path / "project"
    delivery.deliver(FILES, out, "b1")
    delivery.deliver(FILES[:1], out, "b1")
    assert set(contents(out)) == {".buildwright/build-id", "b/run.sh"}
    with pytest.raises(OutputError, match="not an empty folder"):
        delivery.reserve_output(out, "b2")
    with pytest.raises(OutputError, match="cannot be replaced"):
        delivery.deliver(FILES, out, "b2")
    assert set(contents(out)) == {".buildwright/build-id", "b/run.sh"}
    assert [p.name for p in tmp_path.iterdir()] == ["project"]


@pytest.mark.parametrize("kind", ["file", "full", "nul"])
def test_an_output_that_cannot_take_a_project_is_refused_untouched(
    tmp_path: Path, kind: str
) -> None:
    out = tmp_path / ("nul\0" if kind == "nul" else "out")
    if kind == "file":
        out.write_text("mine")
    elif kind == "full":
        out.mkdir()
        (out / "mine").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(OutputError):
        delivery.reserve_output(out, "b1")
    assert contents(tmp_path) == before


def test_an_output_below_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="not writable"):
        delivery.reserve_output(tmp_path / "file" / "out", "b1")
    with pytest.raises(OutputError, match="not writable"):
        delivery.reserve_free_name(tmp_path / "file", "name", "b1")


def test_a_taken_name_gets_the_next_number(tmp_path: Path) -> None:
    names = [delivery.reserve_free_name(tmp_path, "api", f"b{i}").name for i in range(3)]
    assert names == ["api", "api-2", "api-3"]


def test_a_reserved_folder_that_got_nothing_is_given_back(tmp_path: Path) -> None:
    out = delivery.reserve_free_name(tmp_path, "api", "b1")
    delivery.release_output(out)
    assert not out.exists()
    delivery.deliver(FILES, out, "b1")
    delivery.release_output(out)
    assert out.exists()
