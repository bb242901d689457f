"""A batch on a real folder: beneath it, through no link, whole or not at all."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.workspace.edits.samples import hashes

from buildwright.core.errors import BuildwrightError, DiskError
from buildwright.workspace.edits import Batch, Edit, EditKind, EditRefused, apply, parse, resolve
from buildwright.workspace.edits.beneath import has_openat2, open_beneath, opened_root
from buildwright.workspace.edits.forms import sha256


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src/a.py").write_text("x = 1\n")
    (folder / "run.sh").write_text("ls\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "gone.py").write_text("gone\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret\n")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def batch(root: Path, *calls: dict[str, object]) -> Batch:
    files = tree(root)
    made = resolve(parse(list(calls)), files, hashes(files))
    assert isinstance(made, Batch), made.text
    return made


def write(path: str, content: str = "new\n") -> Batch:
    return Batch((Edit(path, None, None, content, EditKind.CREATE),))


CALLS: tuple[dict[str, object], ...] = (
    {"path": "src/a.py", "content": "x = 2\n"},
    {"path": "src/new/deep/b.py", "content": "b\n"},
    {"path": "gone.py", "delete": True},
    {"path": "run.sh", "new_path": "bin/run.sh"},
)
AFTER = {"bin/run.sh": b"ls\n", "src/a.py": b"x = 2\n", "src/new/deep/b.py": b"b\n"}


def test_a_batch_lands_and_keeps_modes(root: Path) -> None:
    changed = apply(batch(root, *CALLS), root)
    assert changed == ("bin/run.sh", "gone.py", "run.sh", "src/a.py", "src/new/deep/b.py")
    assert tree(root) == AFTER
    assert (root / "bin/run.sh").stat().st_mode & 0o777 == 0o755
    assert sorted(p.name for p in root.parent.iterdir()) == ["outside", "project"]


def test_the_same_batch_again_changes_nothing(root: Path) -> None:
    made = batch(root, *CALLS)
    apply(made, root)
    assert apply(made, root) == ()
    assert tree(root) == AFTER


def test_a_file_that_changed_meanwhile_keeps_everything_as_it_is(root: Path) -> None:
    made = batch(root, *CALLS)
    (root / "src/a.py").write_text("mine\n")
    before = tree(root)
    with pytest.raises(EditRefused, match=r"'src/a\.py' has changed"):
        apply(made, root)
    assert tree(root) == before


def test_a_new_file_never_replaces_one_that_came_up(root: Path) -> None:
    (root / "src/b.py").write_text("mine\n")
    with pytest.raises(EditRefused, match="is there"):
        apply(write("src/b.py"), root)
    assert (root / "src/b.py").read_text() == "mine\n"


@pytest.mark.parametrize("kind", ["link", "folder link", "hard link", "fifo", "socket", "folder"])
def test_what_is_no_plain_file_is_refused(
    root: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, planted = root.parent / "outside/secret", root / "planted"
    path = "planted/secret" if kind == "folder link" else "planted"
    if kind == "link":
        planted.symlink_to(secret)
    elif kind == "folder link":
        planted.symlink_to(secret.parent)
    elif kind == "hard link":
        os.link(secret, planted)
    elif kind == "fifo":
        os.mkfifo(planted)
    elif kind == "folder":
        planted.mkdir()
    else:
        monkeypatch.chdir(root)
        with socket.socket(socket.AF_UNIX) as plug:
            plug.bind("planted")
    for base in (None, sha256(b"secret\n")):
        span = None if base is None else (0, 6)
        edit = Edit(path, base, span, "stolen", EditKind.MODIFY if base else EditKind.CREATE)
        with pytest.raises(EditRefused, match="is not edited"):
            apply(Batch((edit,)), root)
    assert secret.read_text() == "secret\n"
    assert tree(root).keys() - {"planted"} == {"gone.py", "run.sh", "src/a.py"}


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("path", ["../outside/secret", "/etc/passwd", "up/secret", "src/up",
                                  "src/../../outside/secret", "", ".", "src//a.py"])  # fmt: skip
def test_nothing_outside_can_be_opened(root: Path, path: str, *, kernel: bool) -> None:
    (root / "up").symlink_to("../outside")
    (root / "src/up").symlink_to("../../outside/secret")
    with opened_root(root) as folder, pytest.raises(OSError, match=r"."):
        os.close(open_beneath(folder, path, os.O_RDONLY, kernel=kernel))


@pytest.mark.parametrize("kernel", [True, False])
def test_a_plain_file_is_opened_either_way(root: Path, *, kernel: bool) -> None:
    assert isinstance(has_openat2(), bool)
    with opened_root(root) as folder:
        descriptor = open_beneath(folder, "src/a.py", os.O_RDONLY, kernel=kernel)
        assert os.read(descriptor, 100) == b"x = 1\n"
        os.close(descriptor)


@given(st.text(max_size=30) | st.lists(st.sampled_from(["..", "up", "src", "x", ""])).map("/".join))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_is_ever_written_outside_the_folder(root: Path, path: str) -> None:
    if not (root / "up").is_symlink():
        (root / "up").symlink_to("../outside")
    with suppress(BuildwrightError):
        apply(write(path), root)
    assert tree(root.parent / "outside") == {"secret": b"secret\n"}
    assert sorted(p.name for p in root.parent.iterdir()) == ["outside", "project"]


def test_a_failure_in_the_middle_puts_everything_back(root: Path) -> None:
    made = batch(root, *CALLS, {"path": "zz/last.py", "content": "x\n"})
    (root / "zz").write_text("a file where a folder is to be\n")
    before = tree(root)
    with pytest.raises(EditRefused):
        apply(made, root)
    assert tree(root) == before
    assert not (root / "src/new").exists()


def test_a_folder_that_is_none_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot be opened"):
        apply(write("a.py"), tmp_path / "nowhere")


def test_two_batches_never_land_at_once(root: Path) -> None:
    import fcntl

    with opened_root(root) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(DiskError, match="by another process"):
            apply(write("a.py"), root)
    assert apply(write("a.py"), root) == ("a.py",)


def test_a_journal_that_cannot_be_written_leaves_the_folder_alone(root: Path) -> None:
    before = tree(root)
    with pytest.raises(DiskError, match="journal"):
        apply(batch(root, *CALLS), root, journal=root.parent / "nowhere/journal")
    assert tree(root) == before
