"""What runs the tests of a tree: pytest, `node --test` or vitest, by what its locked tests are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from buildwright.core.tree import RenderedFile
from buildwright.design.catalog import Template
from buildwright.sandbox import (
    TestJob,
    ensure_environment,
    ensure_node_environment,
    ensure_vitest,
    expected_node_tests,
    expected_tests,
    expected_vitest_tests,
    find_node,
)
from buildwright.workflow.existing import lock_of
from buildwright.workflow.kit import Kit
from buildwright.workspace import snapshots

VITEST = re.compile(rb"""from\s+['"]vitest['"]|require\(['"]vitest['"]\)""")
NODE_LOCK = ("package.json", "package-lock.json")


async def job_of(
    kit: Kit, template: Template, files: Sequence[RenderedFile], folder: Path
) -> TestJob:
    """Return what tests a tree that lies in `folder`; environments are made or found first.

    A tree with Python tests is run by pytest. Raises EnvironmentBuildError.
    """
    chosen = [f for f in files if any(fnmatch(f.path, pattern) for pattern in template.tests)]
    locked = {entry.path: entry.sha256 for entry in snapshots.tree_of(chosen).files}
    tests = {file.path: file.content for file in chosen}
    whole = {file.path: file.content for file in files}
    python_tests = {path: text for path, text in tests.items() if path.endswith(".py")}
    if not python_tests and expected_vitest_tests(tests) and _speak_vitest(tests):
        return await _vitest(kit, folder, whole, locked, tests)
    if not python_tests and expected_node_tests(tests):
        node, modules = await find_node(), await _modules(kit, whole)
        return TestJob(
            tree=folder, python=node, locked=locked, expected=expected_node_tests(tests),
            limits=kit.limits, runner="node", modules=modules,
        )  # fmt: skip
    environment = await ensure_environment(lock_of(template, whole), root=kit.environments)
    return TestJob(
        tree=folder,
        python=environment.python,
        locked=locked,
        expected=await asyncio.to_thread(expected_tests, python_tests),
        source_dir=template.source_dir,
        limits=kit.limits,
    )


async def _vitest(
    kit: Kit,
    folder: Path,
    files: Mapping[str, bytes],
    locked: Mapping[str, str],
    tests: Mapping[str, bytes],
) -> TestJob:
    tools = await ensure_vitest(root=kit.environments)
    return TestJob(
        tree=folder,
        python=await find_node(),
        locked=locked,
        expected=expected_vitest_tests(tests),
        limits=kit.limits,
        runner="vitest",
        tools=tools.path,
        modules=await _modules(kit, files),
    )


async def _modules(kit: Kit, files: Mapping[str, bytes]) -> Path | None:
    """Return the installed packages of a project that has a lock, None for one without."""
    manifest, lock = (files.get(name) for name in NODE_LOCK)
    if manifest is None or lock is None:
        return None
    return (await ensure_node_environment(manifest, lock, root=kit.environments)).path


def _speak_vitest(tests: Mapping[str, bytes]) -> bool:
    return any(VITEST.search(text) for text in tests.values())
