"""Ways of JavaScript to look into its own process: where what signs the report is kept."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from buildwright.core.verdict import TestRun, Verdict
from buildwright.sandbox import (
    Limits,
    Sandbox,
    TestJob,
    expected_node_tests,
    run_tests,
)

from .vitest_projects import JudgeVitest

NODE = shutil.which("node")
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(NODE is None, reason="no node on this machine"),
]
LIMITS = Limits(wall_s=15.0, cpu_s=15, memory_bytes=768 << 20)
WAYS = {
    "inspector": "const i = require('node:inspector'); new i.Session().connect();",
    "inspector port": "require('node:inspector').open(9230);",
    "worker": "new (require('node:worker_threads').Worker)('1', { eval: true });",
    "binding": "process.binding('buffer');",
    "native code": "process.dlopen({ exports: {} }, '/tmp/x.node');",
    "own memory": "require('node:fs').openSync('/proc/self/mem', 'r+');",
    "memory of the parent": "require('node:fs').openSync(`/proc/${process.ppid}/mem`);",
    "environment of the parent": (
        "require('node:fs').readFileSync(`/proc/${process.ppid}/environ`);"
    ),
    "memory seen by a child": (
        "require('node:child_process').execFileSync('/bin/sh',"
        " ['-c', `exec 2>/dev/null; : < /proc/${process.pid}/mem`]);"
    ),
    "own layout": "require('node:fs').readFileSync('/proc/self/maps');",
    "heap snapshot": "require('node:v8').getHeapSnapshot();",
    "flags of the engine": "require('node:v8').setFlagsFromString('--allow-natives-syntax');",
    "the settings again": "if (!require('node:fs').readFileSync(4).length) throw new Error('x');",
}
CODE = """import {{ createRequire }} from 'node:module';
const require = createRequire(import.meta.url);
export const add = (a, b) => {{ {way} return a + b; }};
"""
TEST = (
    "import {{ test }} from '{runner}'; import assert from 'node:assert';"
    "import {{ add }} from '../src/app{ending}';"
    "test('is refused', () => {{ assert.throws(() => add(1, 2)); }});"
)


async def under_node(box: Sandbox, tree: Path, way: str) -> TestRun:
    path, test = "test/app.test.mjs", TEST.format(runner="node:test", ending=".mjs")
    for name, text in (("src/app.mjs", CODE.format(way=way)), (path, test)):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text)
    job = TestJob(
        tree=tree,
        python=Path(NODE or ""),
        locked={path: hashlib.sha256(test.encode()).hexdigest()},
        expected=expected_node_tests({path: test.encode()}),
        limits=LIMITS,
        reruns=0,
        runner="node",
    )
    return await run_tests(box, job)


@pytest.mark.parametrize("name", WAYS)
async def test_node_does_not_look_into_itself(box: Sandbox, tmp_path: Path, name: str) -> None:
    run = await under_node(box, tmp_path, WAYS[name])
    assert run.verdict is Verdict.PASSED, run


@pytest.mark.parametrize("name", WAYS)
async def test_vitest_does_not_look_into_itself(
    best: Sandbox, judge_vitest: JudgeVitest, name: str
) -> None:
    test = TEST.format(runner="vitest", ending="")
    run = await judge_vitest(best, CODE.format(way=WAYS[name]), test)
    assert run.verdict is Verdict.PASSED, run
