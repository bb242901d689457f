"""Dependency folders of Node projects: what a lock must hold, and what is said otherwise."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from buildwright.core.errors import EnvironmentBuildError
from buildwright.core.verdict import Verdict
from buildwright.sandbox import (
    NodeEnvironment,
    Sandbox,
    ensure_node_environment,
    ensure_vitest,
)
from buildwright.sandbox.node_environment import PINNED, check_package_lock

from .vitest_projects import JudgeVitest

MANIFEST = b'{"name": "x", "version": "1.0.0", "dependencies": {"picocolors": "*"}}'


def lock_with(**row: object) -> bytes:
    root = {"name": "x", "version": "1.0.0", "dependencies": {"picocolors": "*"}}
    packages = {"": root, "node_modules/picocolors": row}
    text = {"name": "x", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
    return json.dumps(text).encode()


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        (b"not json", "cannot be read"),
        (b'{"lockfileVersion": 1, "dependencies": {}}', "expected lockfileVersion 2 or 3"),
        (lock_with(version="1.1.1"), "no hash for 'node_modules/picocolors'"),
        (lock_with(version="1.1.1", integrity="sha1-abc"), "no hash"),
        (lock_with(version="1.1.1", integrity="sha512-abc", link=True), "no hash"),
    ],
)
async def test_a_lock_without_hashes_is_refused(lock: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBuildError, match=message) as caught:
        await ensure_node_environment(MANIFEST, lock, root=tmp_path)
    assert caught.value.next_step


def test_our_own_lock_holds_hashes_and_no_address() -> None:
    lock = (PINNED / "package-lock.json").read_bytes()
    check_package_lock(lock)
    assert b"://" not in lock
    assert b'"resolved"' not in lock


@pytest.mark.parametrize("there", [(), ("node",)])
async def test_a_missing_tool_is_named_with_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...]
) -> None:
    (tmp_path / "bin").mkdir()
    for name in there:
        (tmp_path / "bin" / name).write_text("#!/bin/sh\necho v20.1.0\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(EnvironmentBuildError, match="is not installed") as caught:
        await ensure_vitest(root=tmp_path / "root")
    assert "apt-get install nodejs npm" in caught.value.next_step
    assert caught.value.message.startswith("npm" if there else "node")


async def test_an_old_node_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "node").write_text("#!/bin/sh\necho v16.20.0\n")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentBuildError, match=r"says 'v16\.20\.0', expected version 20"):
        await ensure_vitest(root=tmp_path / "root")


async def test_a_wrong_hash_is_told_and_leaves_nothing(
    vitest: NodeEnvironment, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    wrong = lock_with(version="1.1.1", integrity=f"sha512-{'A' * 86}==")
    with pytest.raises(EnvironmentBuildError, match="could not be installed"):
        await ensure_node_environment(MANIFEST, wrong, root=root)
    assert [path.suffix for path in root.iterdir()] == [".lock"]


async def test_it_is_made_once_and_found_again(vitest: NodeEnvironment) -> None:
    root = vitest.path.parent
    again = await asyncio.gather(*(ensure_vitest(root=root) for _ in range(3)))
    assert all(one.cached and one.path == vitest.path for one in again)
    assert not (vitest.path / "node_modules" / ".bin" / "nowhere").exists()


@pytest.mark.sandbox
async def test_what_a_project_imports_comes_from_its_own_lock(
    best: Sandbox, vitest: NodeEnvironment, judge_vitest: JudgeVitest
) -> None:
    lock = json.loads((PINNED / "package-lock.json").read_bytes())
    row = lock["packages"]["node_modules/picocolors"]
    made = await ensure_node_environment(MANIFEST, lock_with(**row), root=vitest.path.parent)
    code = (
        "import colors from 'picocolors'; const { red } = colors.createColors(false);"
        "export const add = (a: number, b: number) => Number(red(a + b));"
    )
    assert (await judge_vitest(best, code, modules=made.path)).verdict is Verdict.PASSED
    without = await judge_vitest(best, code)
    assert "cannot find picocolors" in without.cases[0].message
