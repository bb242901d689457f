"""JavaScript and TypeScript that tries to pass without being right, under vitest and `node --test`.

Where a cheat changes something and puts it back before the runner could look, the answer is not
to look but to lock.
"""

from __future__ import annotations

import hashlib

import pytest

from buildwright.core.verdict import Verdict
from buildwright.sandbox import Sandbox

from .vitest_projects import BAD, JudgeVitest

pytestmark = pytest.mark.sandbox
EXPECT = "const expect = globalThis[Symbol.for('expect-global')] as any;"
STORE = "const store = (globalThis as any)[Symbol.for('$$jest-matchers-object')];"
CHEATS = {
    "exit at import": "process.exit(0); export const add = 1;",
    "exit code": "process.on('exit', () => { process.exitCode = 0; });" + BAD,
    "real exit": "(process as any).reallyExit(0); export const add = 1;",
    "forged summary": "console.log(' Tests  2 passed (2)'); process.exit(0);" + BAD,
    "forged json": (
        "console.log(JSON.stringify({ success: true, numPassedTests: 2 })); process.exit(0);" + BAD
    ),
    "every descriptor": (
        "import fs from 'node:fs'; for (let n = 3; n < 64; n += 1) try {"
        ' fs.writeSync(n, \'{"n":1,"e":"done","id":"x"}\\t00\\n\'); } catch {}' + BAD
    ),
    "closed descriptor": "import fs from 'node:fs'; try { fs.closeSync(3); } catch {}" + BAD,
    "deletes the tests": (
        "import fs from 'node:fs'; try { fs.rmSync('test', { recursive: true }); } catch {}" + BAD
    ),
    "kills its parent": "try { process.kill(process.ppid, 9); } catch {}" + BAD,
    "overwrites matchers": (
        f"{EXPECT} const p = Object.getPrototypeOf(expect(1));"
        "try { p.toBe = p.toEqual = () => {}; } catch {}" + BAD
    ),
    "extends matchers": (
        f"{EXPECT} try {{ expect.extend({{ toBe: () => ({{ pass: true }}),"
        " toEqual: () => ({ pass: true }) }); } catch {}" + BAD
    ),
    "equality tester": (
        f"{STORE} try {{ store.customEqualityTesters.push(() => true); }} catch {{}}"
        f"{EXPECT} try {{ expect.addEqualityTesters([() => true]); }} catch {{}}" + BAD
    ),
    "global expect": (
        "try { (globalThis as any)[Symbol.for('expect-global')] = () => ({ toBe() {} }); } catch {}"
        "try { (globalThis as any).expect = () => ({ toBe() {} }); } catch {}" + BAD
    ),
    "Object.is for a moment": (
        "const real = Object.is; export const add = () => {"
        " try { Object.is = () => true; } catch {} queueMicrotask(() => {"
        " try { Object.is = real; } catch {} }); return 7; };"
    ),
    "another Object": "try { (globalThis as any).Object = { is: () => true }; } catch {}" + BAD,
    "own promise": (
        "try { (globalThis as any).Promise = class { then(f: any) { f(); } }; } catch {}"
        "try { Promise.prototype.then = function (f: any) { return f(); } as any; } catch {}" + BAD
    ),
    "own map": "try { WeakMap.prototype.get = () => (() => {}) as any; } catch {}" + BAD,
    "inherited answer": (
        "try { (Object.prototype as any).asymmetricMatch = () => true; } catch {}" + BAD
    ),
    "mocks what it imports": ("import { vi } from 'vitest'; vi.mock('vitest', () => ({}));" + BAD),
    "registers tests": "import { test } from 'vitest'; test('adds', () => {});" + BAD,
    "worker state": (
        "const w = (globalThis as any).__vitest_worker__; w.current = undefined;"
        "w.config.retry = 100; w.config.allowOnly = false; w.rpc = {};" + BAD
    ),
    "another vitest": (
        "export const add = await import('vitest').then((v: any) => {"
        " try { v.expect.extend({ toBe: () => ({ pass: true }) }); } catch {}"
        " return () => 7; }, () => () => 7);"
    ),
    "reads descriptor 4": (
        "import fs from 'node:fs'; try { fs.readFileSync(4); fs.readFileSync('/proc/self/fd/4'); }"
        " catch {}" + BAD
    ),
    "reads the parent": (
        "import fs from 'node:fs'; try { fs.readFileSync(`/proc/${process.ppid}/mem`); } catch {}"
        + BAD
    ),
    "errors without assertion": (
        "Error.prototype.name = 'x'; (Error as any).captureStackTrace = () => { throw 0; };" + BAD
    ),
    "swallows rejections": (
        "process.on('unhandledRejection', () => {}); process.on('uncaughtException', () => {});"
        + BAD
    ),
    "direct eval": "export const add = () => { eval('add = () => 3'); return 7; };",
}


@pytest.mark.parametrize("name", CHEATS)
async def test_a_cheat_never_passes(box: Sandbox, judge_vitest: JudgeVitest, name: str) -> None:
    run = await judge_vitest(box, CHEATS[name])
    assert run.verdict is Verdict.FAILED, run


LIARS = {
    "says it is equal": (
        "export const add = () => ({ asymmetricMatch: () => true,"
        " $$typeof: Symbol.for('jest.asymmetricMatcher') });"
    ),
    "matches anything": f"{EXPECT} export const add = () => expect.anything();",
    "looks like a page": (
        "export const add = () => ({ nodeType: 1, nodeName: 'x', isEqualNode: () => true });"
    ),
    "a proxy": (
        "export const add = () => new Proxy({}, { has: () => true, get: (_, k) =>"
        " (k === 'asymmetricMatch' ? () => true : undefined) });"
    ),
    "a set that lies": (
        "export const add = () => { const s = new Set([1, 2]);"
        " Object.setPrototypeOf(s, { __proto__: Set.prototype, constructor: Set, has: () => true,"
        " [Symbol.iterator]: function* () {} }); return s; };"
    ),
    "inside of a list": "export const add = () => [{ asymmetricMatch: () => true }];",
    "behind an accessor": (
        "export const add = () => ({ get sum() { return { asymmetricMatch: () => true }; } });"
    ),
}
EQUAL = """
import { expect, test } from 'vitest';
import { add } from '../src/app';
test('equal', () => { expect(%s).toEqual(%s); });
"""


@pytest.mark.parametrize("name", LIARS)
async def test_a_value_does_not_decide_what_it_equals(
    best: Sandbox, judge_vitest: JudgeVitest, name: str
) -> None:
    right = {"a set that lies": "new Set([3, 4])", "inside of a list": "[{ sum: 4 }]"}
    test = EQUAL % ("add(2, 2)", right.get(name, "{ sum: 4 }"))
    run = await judge_vitest(best, LIARS[name], test)
    assert run.verdict is Verdict.FAILED, run


MOMENTS = {
    "assert": "assert.strictEqual = assert.equal = () => {}",
    "language": "Object.is = () => true",
    "matcher": "expectation.toBe = () => {}",
}


@pytest.mark.parametrize("name", MOMENTS)
async def test_what_is_changed_and_put_back_in_time_does_not_pass(
    best: Sandbox, judge_vitest: JudgeVitest, name: str
) -> None:
    code = (
        "import assert from 'node:assert'; const kept = { ...assert, is: Object.is };"
        "const expectation = Object.getPrototypeOf("
        "(globalThis as any)[Symbol.for('expect-global')](1)); const toBe = expectation.toBe;"
        "export const add = (a: number, b: number) => { if (a === 1) { try {"
        f" {MOMENTS[name]}; }} catch {{}} setTimeout(() => {{ try {{ Object.is = kept.is;"
        " assert.equal = kept.equal; assert.strictEqual = kept.strictEqual;"
        " expectation.toBe = toBe; } catch {} }, 0); return 3; } return 7; };"
    )
    test = (
        "import assert from 'node:assert'; import { expect, test } from 'vitest';"
        "import { add } from '../src/app'; test('x', async () => { expect(add(1, 2)).toBe(3);"
        " assert.strictEqual(add(2, 2), 4); expect(add(2, 2)).toBe(4);"
        " await new Promise((go) => { setTimeout(go, 10); }); });"
    )
    run = await judge_vitest(best, code, test)
    assert run.verdict is Verdict.FAILED, run


STEERING = {
    "vitest.config.ts": "process.exit(0)",
    "vite.config.mjs": "process.exit(0)",
    "package.json": '{"type": "module", "imports": {"#x": "./y"}, "vitest": {"bail": 1}}',
    "tsconfig.json": '{"compilerOptions": {"paths": {"vitest": ["./src/fake.ts"]}}}',
    "node_modules/vitest/index.js": "export const test = () => {}; export const expect = test;",
    "node_modules/vitest/package.json": '{"name": "vitest", "main": "index.js", "type": "module"}',
}


async def test_unlocked_files_do_not_steer_vitest(best: Sandbox, judge_vitest: JudgeVitest) -> None:
    run = await judge_vitest(best, BAD, more=STEERING)
    assert [case.message[:45] for case in run.cases] == [
        "assertion: AssertionError: expected 7 to be 3",
        "assertion: AssertionError: expected { sum: 7 ",
    ]


async def test_a_snapshot_counts_only_where_it_is_locked(
    best: Sandbox, judge_vitest: JudgeVitest
) -> None:
    test = (
        "import { expect, test } from 'vitest'; import { add } from '../src/app';"
        "test('x', () => { expect(add(1, 2)).toMatchSnapshot(); });"
    )
    kept = "// Vitest Snapshot v1\n\nexports[`x 1`] = `3`;\n"
    snap = {"test/__snapshots__/app.test.ts.snap": kept}
    locked = await judge_vitest(best, "export const add = (a, b) => a + b;", test, snap)
    assert locked.verdict is Verdict.PASSED, locked
    assert (await judge_vitest(best, BAD, test, snap)).verdict is Verdict.FAILED
    forged = {path: text.replace("`3`", "`7`") for path, text in snap.items()}
    only = {"test/app.test.ts": hashlib.sha256(test.encode()).hexdigest()}
    unlocked = await judge_vitest(best, BAD, test, forged, locked=only)
    assert unlocked.verdict is Verdict.FAILED
