"""Dependency environments: once, whole, and from hashes only."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from buildwright.core.errors import EnvironmentBuildError
from buildwright.sandbox import Environment, ensure_environment
from buildwright.sandbox.environment import explained

from .conftest import LOCK

EMPTY = b"# nothing is needed\n"


async def test_an_environment_has_what_the_lock_says(environment: Environment) -> None:
    code = "import pytest, coverage; print('ok')"
    process = await asyncio.create_subprocess_exec(
        str(environment.python), "-I", "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert (await process.communicate())[0] == b"ok\n"


async def test_the_second_time_nothing_is_installed(environment: Environment) -> None:
    again = await ensure_environment(LOCK.read_bytes(), root=environment.path.parent)
    assert (again.cached, again.python) == (True, environment.python)


async def test_four_at_once_install_once(tmp_path: Path) -> None:
    made = await asyncio.gather(*(ensure_environment(EMPTY, root=tmp_path) for _ in range(4)))
    assert sorted(one.cached for one in made) == [False, True, True, True]
    assert {one.python.is_file() for one in made} == {True}


async def test_what_a_killed_build_left_does_not_count(tmp_path: Path) -> None:
    first = await ensure_environment(EMPTY, root=tmp_path)
    partial = first.path.with_name(f"{first.path.name}.partial")
    first.path.rename(partial)
    (partial / "half").write_text("written")
    again = await ensure_environment(EMPTY, root=tmp_path)
    assert not again.cached
    assert not partial.exists()
    assert not (again.path / "half").exists()


async def test_a_cancelled_build_leaves_nothing_that_counts(tmp_path: Path) -> None:
    building = asyncio.create_task(ensure_environment(LOCK.read_bytes(), root=tmp_path))
    while not list(tmp_path.glob("*.partial")):
        await asyncio.sleep(0.005)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


async def test_another_lock_is_another_environment(tmp_path: Path) -> None:
    one = await ensure_environment(EMPTY, root=tmp_path)
    other = await ensure_environment(EMPTY + b"# more\n", root=tmp_path)
    assert one.path != other.path


@pytest.mark.parametrize("row", ["-r other.txt", "--index-url http://x", "-e .", "--pre"])
async def test_options_in_a_lock_are_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(EnvironmentBuildError, match="expected only pinned names with hashes"):
        await ensure_environment(row.encode(), root=tmp_path)


async def test_a_lock_without_hashes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBuildError) as caught:
        await ensure_environment(b"iniconfig==2.3.1\n", root=tmp_path)
    assert caught.value.next_step
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


async def test_an_interpreter_that_does_not_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBuildError, match=r"interpreter .*false does not start"):
        await ensure_environment(EMPTY, root=tmp_path, python=Path("/bin/false"))


async def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentBuildError, match="could not be written"):
        await ensure_environment(EMPTY, root=tmp_path / "file" / "below")


async def test_an_interpreter_can_be_named(tmp_path: Path) -> None:
    named = await ensure_environment(EMPTY, root=tmp_path, python=Path(sys.executable).resolve())
    assert named.python.is_file()


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("error: Hash mismatch for `x`", "does not match the hash"),
        ("os error 28: No space left on device", "the disk is full"),
        ("error: Failed to fetch: `x`\n dns error", "the package index cannot be reached"),
        ("x==1 has no usable wheels", "has no wheel for this machine"),
        ("something else", "something else"),
    ],
)
def test_each_cause_has_its_message_and_next_step(output: str, cause: str) -> None:
    error = explained(output)
    assert cause in error.message
    assert error.next_step
