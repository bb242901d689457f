"""Which backend is taken, what proves it, and what is said when none holds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from buildwright.core.errors import SandboxUnavailableError, SettingsError, UnknownNameError
from buildwright.sandbox import Exit, Health, Job, Sandbox, open_sandbox, opening
from buildwright.sandbox.cgroup import parents
from buildwright.sandbox.leftovers import own_folder, sweep
from buildwright.sandbox.probe import REQUIRED, prove
from buildwright.sandbox.seccomp import DENIED, seccomp_program


@pytest.mark.sandbox
async def test_a_proven_backend_names_its_layers(box: Sandbox) -> None:
    opened = await open_sandbox(box.name)
    assert set(REQUIRED) <= set(opened.layers)


def test_what_a_killed_process_left_is_swept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gone = next(n for n in range(4_000_000, 5_000_000) if not Path(f"/proc/{n}").exists())
    stale, alive = tmp_path / f"buildwright-tree-{gone}-00ff", own_folder("box")
    (stale / "below").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    sweep(())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alive.name, "other"])


@pytest.mark.sandbox
async def test_auto_takes_the_first_that_holds(best: Sandbox) -> None:
    assert (await open_sandbox()).name == best.name


async def test_unsafe_needs_leave_and_proves_nothing() -> None:
    with pytest.raises(SettingsError, match="was not allowed"):
        await open_sandbox("unsafe")
    box = await open_sandbox("unsafe", allow_unsafe=True)
    assert box.layers == ()
    assert "files" in (await prove(box)).reason


async def test_an_unknown_backend_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'bubblewrap'"):
        await open_sandbox("bublewrap")


async def test_no_backend_is_refused_with_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_bubblewrap", lambda: None)
    monkeypatch.setattr(opening, "find_sandlock", lambda: None)
    with pytest.raises(SandboxUnavailableError) as caught:
        await open_sandbox()
    assert "bubblewrap: not installed; sandlock: not installed" in caught.value.message
    assert "install bubblewrap" in caught.value.next_step


async def test_a_tool_that_only_pretends_is_not_a_sandbox(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setattr(opening, "find_bubblewrap", lambda: str(fake))
    with pytest.raises(SandboxUnavailableError, match="bubblewrap: "):
        await open_sandbox("bubblewrap")


@pytest.mark.sandbox
async def test_a_proof_is_kept_on_disk_until_something_changes(
    best: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = tmp_path / "proofs.json"
    monkeypatch.setattr(opening, "_proven", {})
    await open_sandbox(cache=cache)
    rows = json.loads(cache.read_text())
    assert [len(rows), str(os.geteuid()) in next(iter(rows))] == [1, True]

    async def fails(box: Sandbox) -> None:
        raise AssertionError("the cached proof was not used")

    monkeypatch.setattr(opening, "_proven", {})
    monkeypatch.setattr(opening, "prove", fails)
    assert (await open_sandbox(cache=cache)).layers == best.layers


class Silent:
    """A sandbox that says it worked and did nothing."""

    name = "silent"
    layers: tuple[str, ...] = ()

    async def execute(self, job: Job) -> Exit:
        return Exit(0, None, health=Health.OK)


async def test_no_answer_from_the_probe_is_no_proof() -> None:
    assert (await prove(Silent())).reason == "the probe did not answer"


def test_filters_are_whole_programs_for_both_architectures() -> None:
    for machine in ("x86_64", "aarch64"):
        program = seccomp_program(machine)
        assert len(program) % 8 == 0
        assert len(program) // 8 > 2 * sum(numbers[1] >= 0 for numbers in DENIED.values())
    with pytest.raises(KeyError):
        seccomp_program("riscv64")


def test_a_control_group_parent_is_one_where_a_folder_can_be_made() -> None:
    for parent in parents():
        (parent / "buildwright-test").mkdir()
        (parent / "buildwright-test").rmdir()
