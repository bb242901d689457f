"""What honest vitest suites use, and how a verdict counts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildwright.core.verdict import CaseOutcome, Verdict
from buildwright.sandbox import Sandbox, expected_vitest_tests

from .vitest_projects import GOOD, PATH, JudgeVitest

HEAD = (
    "import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';\n"
    "import { add } from '../src/app';\n"
)
SUITES = Path(__file__).with_name("honest_suites.ts").read_text()
HONEST = {
    part.partition("\n")[0]: part.partition("\n")[2] for part in SUITES.split("// suite: ")[1:]
}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", HONEST)
async def test_an_honest_suite_passes(best: Sandbox, judge_vitest: JudgeVitest, name: str) -> None:
    run = await judge_vitest(best, GOOD, HEAD + HONEST[name])
    assert run.verdict is Verdict.PASSED, run
    assert "not expected" not in run.reason


WRONG = ("soft", "must fail", "assertion count", "poll", "retries", "hooks", "table", "chai")


@pytest.mark.sandbox
@pytest.mark.parametrize("name", WRONG)
async def test_wrong_code_fails_it(best: Sandbox, judge_vitest: JudgeVitest, name: str) -> None:
    wrong = "export const add = (a, b) => (a === 1 && b === 2 ? 4 : 99);"
    if name == "assertion count":
        wrong = "export const add = (a, b) => { throw new Error('x'); };"
    run = await judge_vitest(best, wrong, HEAD + HONEST[name])
    assert run.verdict is Verdict.FAILED, run


SOURCES = {
    "jsx": {
        "src/app.ts": "export { add } from './view.jsx';",
        "src/view.jsx": "const h = (a) => a; export const add = (a, b) => h(a) + b;",
    },
    "json and files": {
        "src/app.ts": "import data from './data.json'; import fs from 'node:fs';\n"
        "const zero = Number(fs.readFileSync(new URL('./zero.txt', import.meta.url), 'utf8'));\n"
        "export const add = (a: number, b: number) => a + b + data.zero + zero;",
        "src/data.json": '{"zero": 0}',
        "src/zero.txt": "0",
    },
    "commonjs": {
        "src/app.ts": "import { sum } from './old.cjs'; export const add = sum;",
        "src/old.cjs": "exports.sum = (a, b) => a + b;",
    },
    "late import": {
        "src/app.ts": "const late = await import('./late'); export const add = late.add;",
        "src/late.ts": "export const add = (a: number, b: number) => a + b;",
    },
    "old inheritance": {
        "src/app.ts": "function P(this: any) {} P.prototype.toString = () => 'p';\n"
        "P.prototype.constructor = P; export const add = (a: number, b: number) => a + b;",
    },
    "longer prototypes": {
        "src/app.ts": "(Array.prototype as any).sum = function () { let n = 0;"
        " for (const one of this) n += one; return n; };\n"
        "export const add = (a: number, b: number) => ([a, b] as any).sum();",
    },
}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", SOURCES)
async def test_sources_of_all_kinds_are_taken(
    best: Sandbox, judge_vitest: JudgeVitest, name: str
) -> None:
    files = dict(SOURCES[name])
    run = await judge_vitest(best, files.pop("src/app.ts"), more=files)
    assert run.verdict is Verdict.PASSED, run


@pytest.mark.sandbox
async def test_a_module_mock_is_refused_with_what_to_do(
    best: Sandbox, judge_vitest: JudgeVitest
) -> None:
    run = await judge_vitest(best, GOOD, HEAD + "vi.mock('../src/app'); test('x', () => {});")
    assert run.verdict is Verdict.FAILED
    assert "vi.mock" in run.cases[0].message
    assert "vi.spyOn" in run.cases[0].message


@pytest.mark.sandbox
async def test_an_emptied_table_is_not_passed(best: Sandbox, judge_vitest: JudgeVitest) -> None:
    test = (
        "import { expect, test } from 'vitest'; import { add, rows } from '../src/app';"
        "test.each(rows)('%i is right', (a) => { expect(add(a, 0)).toBe(a); });"
    )
    run = await judge_vitest(best, GOOD + "export const rows = [];", test)
    assert run.cases[0].outcome is CaseOutcome.MISSING


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("test.each([['(', 1]])('a %s', f); test('b', f)", ["a %s", "b"]),
        ("describe.each`a|b\n${1}|${2}`('with $a', () => { it('c', f) })", ["with $a > c"]),
        ("it.skipIf(x(1))('a', f); test.runIf(y).concurrent('b', f)", ["a"]),
        ("test.concurrent.only('a', { retry: 1 }, f)", ["a"]),
        ("test.for([1])('a', f); bench('b', f)", ["a"]),
        ("rows.forEach((r) => test(`a ${r}`, f))", []),
    ],
)
def test_names_are_read_from_the_text(text: str, names: list[str]) -> None:
    wanted = tuple(f"{PATH}::{name}" for name in names) or (PATH,)
    assert expected_vitest_tests({PATH: text.encode(), "src/a.ts": b""}) == wanted
