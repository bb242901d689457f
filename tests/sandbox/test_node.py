"""Verdicts of `node --test`: the same rules as for pytest."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from buildwright.core.verdict import CaseOutcome, TestRun, Verdict
from buildwright.sandbox import Limits, Sandbox, TestJob, expected_node_tests, run_tests

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no node on this machine")
LIMITS = Limits(wall_s=10.0, cpu_s=10, memory_bytes=512 << 20)
PATH = "test/app.test.mjs"
TEST = """
import { test, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { add } from '../src/app.mjs';

test('adds [small] numbers', () => { assert.equal(add(1, 2), 3); });
describe('more', () => {
  it("it's async", async () => { assert.deepEqual({ sum: add(2, 2) }, { sum: 4 }); });
});
"""
IDS = (f"{PATH}::adds (small) numbers", f"{PATH}::more > it's async")
GOOD = "export const add = (a, b) => a + b;\n"
BAD = "export const add = (a, b) => 7;\n"


async def judge(box: Sandbox, tree: Path, code: str, test: str = TEST, **fields: object) -> TestRun:
    for name, text in (("src/app.mjs", code), (PATH, test)):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text)
    job = TestJob(
        tree=tree,
        python=Path(NODE or ""),
        locked={PATH: hashlib.sha256(test.encode()).hexdigest()},
        expected=expected_node_tests({PATH: test.encode()}),
        limits=LIMITS,
        reruns=0,
        runner="node",
    )
    values = {name: getattr(job, name) for name in TestJob.__slots__}
    return await run_tests(box, TestJob(**{**values, **fields}))


def test_ids_are_read_from_the_text() -> None:
    assert expected_node_tests({PATH: TEST.encode(), "src/app.mjs": TEST.encode()}) == IDS


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("// test('a', f)\n/* it('b', f) */ test('c', f)", ["c"]),
        ("test(`plain`, f); test(`with ${x}`, f)", ["plain"]),
        ("for (const x of y) { test('made in a loop', f) }", []),
        ("const s = \"test('a', f)\"; test(s, f)", []),
        (
            "it.only('a', f); test.skip('b', f); describe.skip('c', () => { it('d', f) })",
            ["a", "b", "c > d"],
        ),
        ("test('a', () => { const r = /[)}'\"]/; }); test('b', f)", ["a", "b"]),
        ("test('tab\\t \\u0041\\x42', f)", ["tab\t AB"]),
        (
            "suite('s', () => { describe('t', () => { test('u', f) }); test('v', f) });"
            "test('w', f)",
            ["s > t > u", "s > v", "w"],
        ),
        ("test('outer', async (t) => { await t.test('inner', f) })", ["outer"]),
    ],
)
def test_names_are_told_from_what_looks_like_them(text: str, names: list[str]) -> None:
    wanted = tuple(f"a.test.js::{name}" for name in names) or ("a.test.js",)
    assert expected_node_tests({"a.test.js": text.encode()}) == wanted


@needs_node
@pytest.mark.sandbox
async def test_right_code_passes(box: Sandbox, tmp_path: Path) -> None:
    run = await judge(box, tmp_path, GOOD)
    assert (run.verdict, run.reason) == (Verdict.PASSED, "2 of 2 tests passed")
    assert tuple(case.id for case in run.cases) == IDS


SYMPTOMS = {
    "wrong": (BAD, "assertion: AssertionError: Expected values to be strictly equal"),
    "exception": ("export const add = () => { throw new TypeError('x') };", "exception: TypeError"),
    "recursion": ("export const add = (a, b) => add(a, b);", "stack overflow: RangeError"),
    "exit": ("export const add = () => process.exit(0);", "crash: the process left with exit"),
    "abort": ("export const add = () => process.abort();", "crash: SIGABRT"),
    "import": ("throw new Error('broken'); export const add = 1;", "collection: Error: broken"),
    "missing": ("export const sub = 1;", "collection: SyntaxError: The requested module"),
}


@needs_node
@pytest.mark.sandbox
@pytest.mark.parametrize("name", SYMPTOMS)
async def test_symptoms_are_told_apart(best: Sandbox, tmp_path: Path, name: str) -> None:
    code, message = SYMPTOMS[name]
    run = await judge(best, tmp_path, code)
    assert run.verdict is Verdict.FAILED
    assert run.cases[0].message.startswith(message), run


@needs_node
@pytest.mark.sandbox
async def test_a_hang_names_its_test(best: Sandbox, tmp_path: Path) -> None:
    code = "export const add = (a, b) => { if (a === 1) return 3; for (;;) {} };"
    run = await judge(best, tmp_path, code, limits=replace(LIMITS, wall_s=1.5))
    assert run.cases[1].outcome is CaseOutcome.FAILED
    assert run.cases[1].message.startswith("timeout:")


CHEATS = {
    "exit at import": "process.exit(0); export const add = 1;",
    "exit code": "process.on('exit', () => { process.exitCode = 0; });" + BAD,
    "patched assert": (
        "import assert from 'node:assert'; assert.strict.equal = () => {};"
        "assert.strict.deepEqual = () => {}; assert.strictEqual = () => {};" + BAD
    ),
    "patched test": (
        "import test from 'node:test'; import { syncBuiltinESMExports } from 'node:module';"
        "test.test = () => {}; test.it = () => {}; syncBuiltinESMExports();" + BAD
    ),
    "patched stream": (
        "import { Readable } from 'node:stream'; const old = Readable.prototype.push;"
        "Readable.prototype.push = function (row) {"
        " if (row?.type === 'test:fail') row.type = 'test:pass'; return old.call(this, row); };"
        + BAD
    ),
    "patched shift": (
        "const old = Array.prototype.shift; Array.prototype.shift = function () {"
        " const row = old.call(this); if (row?.type === 'test:fail') row.type = 'test:pass';"
        " return row; };" + BAD
    ),
    "patched json": "JSON.stringify = () => '{}'; Object.prototype.toJSON = () => 'passed';" + BAD,
    "patched hash": (
        "import { Hmac } from 'node:crypto'; const old = Hmac.prototype.update;"
        "Hmac.prototype.update = function (row) {"
        " return old.call(this, row.replace('failed', 'passed')); };" + BAD
    ),
    "unsigned events": (
        "import fs from 'node:fs'; for (let n = 3; n < 30; n += 1) try {"
        ' fs.writeSync(n, \'{"n":1,"e":"done"}\\t00\\n\'); } catch {}' + BAD
    ),
    "calls the reporter": (
        "const side = process.execArgv.find((word) => word.endsWith('nodeside.mjs'));"
        "const { default: report } = await import(side);"
        "const rows = [{ type: 'test:pass', data: { name: 'adds [small] numbers', nesting: 0 } }];"
        "for await (const row of report(rows)) void row; process.exit(0);" + BAD
    ),
    "kills its parent": "try { process.kill(process.ppid, 9); } catch {}" + BAD,
    "edits the tests": (
        "import fs from 'node:fs'; try { fs.writeFileSync(new URL('../test/app.test.mjs',"
        " import.meta.url), ''); } catch {}" + BAD
    ),
    "summary": "console.log('# pass 2\\n# fail 0'); process.exit(0);" + BAD,
}


@needs_node
@pytest.mark.sandbox
@pytest.mark.parametrize("name", CHEATS)
async def test_a_cheat_never_passes(box: Sandbox, tmp_path: Path, name: str) -> None:
    run = await judge(box, tmp_path, CHEATS[name])
    assert run.verdict is Verdict.FAILED, run


MOMENTS = {
    "assert": "assert.equal = assert.strict.equal = () => {}",
    "language": "Object.is = () => true",
    "promise": "Promise.prototype.then = () => {}",
}


@needs_node
@pytest.mark.sandbox
@pytest.mark.parametrize("name", MOMENTS)
async def test_what_is_changed_and_put_back_in_time_does_not_pass(
    best: Sandbox, tmp_path: Path, name: str
) -> None:
    code = (
        "import assert from 'node:assert'; const kept = [assert.equal, assert.strict.equal,"
        " Object.is, Promise.prototype.then];"
        f"export const add = (a, b) => {{ if (a === 1) {{ try {{ {MOMENTS[name]}; }} catch {{}}"
        " setTimeout(() => { try { [assert.equal, assert.strict.equal, Object.is,"
        " Promise.prototype.then] = kept; } catch {} }); return 3; } return 7; };"
    )
    test = (
        "import { test } from 'node:test'; import assert from 'node:assert/strict';"
        "import { add } from '../src/app.mjs'; test('x', async () => { assert.equal(add(1, 2), 3);"
        " assert.equal(add(2, 2), 4); await new Promise((go) => setTimeout(go, 10)); });"
    )
    run = await judge(best, tmp_path, code, test)
    assert run.verdict is Verdict.FAILED, run


@needs_node
@pytest.mark.sandbox
async def test_a_changed_test_fails_before_anything_runs(best: Sandbox, tmp_path: Path) -> None:
    run = await judge(best, tmp_path, GOOD, locked={PATH: "0" * 64})
    assert run.reason == f"changed after locking: {PATH}"


@pytest.mark.sandbox
async def test_a_node_that_cannot_load_our_side_is_infra(best: Sandbox, tmp_path: Path) -> None:
    run = await judge(best, tmp_path, GOOD, python=Path("/bin/false"))
    assert run.verdict is Verdict.INFRA
    assert "before any test was loaded" in run.reason


@needs_node
@pytest.mark.sandbox
async def test_a_skip_counts_where_the_locked_text_has_it(best: Sandbox, tmp_path: Path) -> None:
    run = await judge(best, tmp_path, GOOD, TEST + "test.skip('later', () => {});\n")
    assert run.verdict is Verdict.PASSED
    assert run.cases[-1].outcome is CaseOutcome.SKIPPED


@needs_node
@pytest.mark.sandbox
async def test_two_tests_of_one_name_both_count(best: Sandbox, tmp_path: Path) -> None:
    twice = TEST + "test('adds [small] numbers', () => { assert.equal(add(3, 3), 6); });\n"
    assert (await judge(best, tmp_path, GOOD, twice)).verdict is Verdict.PASSED
    code = "export const add = (a, b) => (a === 3 ? 0 : a + b);"
    run = await judge(best, tmp_path, code, twice)
    assert run.cases[0].outcome is CaseOutcome.FAILED
