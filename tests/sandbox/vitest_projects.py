"""A small project of vitest, and judging it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from buildwright.core.verdict import TestRun
from buildwright.sandbox import (
    Limits,
    NodeEnvironment,
    Sandbox,
    TestJob,
    expected_vitest_tests,
    run_tests,
)

LIMITS = Limits(wall_s=15.0, cpu_s=15, memory_bytes=768 << 20)
PATH = "test/app.test.ts"
TEST = """
import { describe, expect, it, test, vi } from 'vitest';
import { add } from '../src/app';

test('adds [small] numbers', () => { expect(add(1, 2)).toBe(3); });
describe('more', () => {
  it("it's async", async () => { expect({ sum: add(2, 2) }).toEqual({ sum: 4 }); });
});
"""
IDS = (f"{PATH}::adds (small) numbers", f"{PATH}::more > it's async")
GOOD = "export const add = (a: number, b: number): number => a + b;\n"
BAD = "export const add = (a, b) => 7;\n"
JudgeVitest = Callable[..., Awaitable[TestRun]]


def make_judge(vitest: NodeEnvironment, tree: Path) -> JudgeVitest:
    """Return `await judge(box, code, test, more={path: text}, **job_fields)`."""

    async def run(
        box: Sandbox,
        code: str,
        test: str = TEST,
        more: dict[str, str] | None = None,
        **fields: object,
    ) -> TestRun:
        for name, text in {"src/app.ts": code, PATH: test, **(more or {})}.items():
            (tree / name).parent.mkdir(exist_ok=True, parents=True)
            (tree / name).write_text(text)
        held = {PATH: test.encode()}
        held |= {n: t.encode() for n, t in (more or {}).items() if n.startswith("test/")}
        job = TestJob(
            tree=tree,
            python=vitest.node,
            locked={name: hashlib.sha256(text).hexdigest() for name, text in held.items()},
            expected=expected_vitest_tests(held),
            limits=LIMITS,
            reruns=0,
            runner="vitest",
            tools=vitest.path,
        )
        values = {name: getattr(job, name) for name in TestJob.__slots__}
        return await run_tests(box, TestJob(**{**values, **fields}))

    return run
