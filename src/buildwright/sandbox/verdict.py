"""The verdict on a tree: what the locked tests say, told so that the code cannot say it itself.

Rules
- Locked files are hashed as they are copied; the box sees the copy, read-only. A difference fails.
- Every expected id must report exactly one final outcome, `test_x[a]` under `test_x`. One that
  does not is MISSING and fails the run. Unexpected tests are counted, never to the good.
- A skip or xfail counts as SKIPPED only where the locked text of that test allows it (a mark on
  it or around it, or a call to skip in it); otherwise it fails: code must not skip its tests.
  A run in which nothing passed is never PASSED.
- Conftest files, pytest settings and plugins count only if they are locked or named in the job.
- INFRA is the box's failure (tool, kernel, machine), never something the code did inside it. Being
  ended for its own memory or process limit, crashing, hanging and leaving early fail the run.
- Decoys that pass, signed events that do not verify and a changed pytest fail the run.
- A test that fails and then passes over the same tree makes the run FLAKY.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from buildwright.core.errors import DiskError
from buildwright.core.verdict import CaseOutcome, CaseResult, TestRun, Verdict
from buildwright.sandbox.box import Sandbox
from buildwright.sandbox.cases import function_id, judge_cases, tampering
from buildwright.sandbox.expected import skippable_tests
from buildwright.sandbox.expected_node import skippable_node_tests
from buildwright.sandbox.expected_vitest import skippable_vitest_tests
from buildwright.sandbox.snapshot import Snapshot, take_snapshot
from buildwright.sandbox.testing import Facts, Runner, TestJob, is_broken, run_once

TAIL_CHARS = 8000
LISTED = 5
CONTROL = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[P^_X][^\x1b]*(?:\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b.?|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
SKIPPABLE: Mapping[Runner, Callable[[Mapping[str, bytes]], frozenset[str]]] = {
    "pytest": skippable_tests,
    "node": skippable_node_tests,
    "vitest": skippable_vitest_tests,
}
PART_OF_WORD = re.compile(r"\A\S+\s")
GOOD = (CaseOutcome.PASSED, CaseOutcome.SKIPPED)


async def run_tests(box: Sandbox, job: TestJob) -> TestRun:
    """Run the expected tests of `job` in `box` and judge them; see the rules above."""
    started = time.monotonic()
    run = await _judged(box, job)
    return replace(
        run,
        duration_s=time.monotonic() - started,
        backend=box.name,
        layers=box.layers,
        unsafe=box.name == "unsafe",
    )


async def _judged(box: Sandbox, job: TestJob) -> TestRun:
    if not job.expected:
        return TestRun(Verdict.NOT_RUN, "no test is expected, so nothing was run")
    try:
        snapshot = await asyncio.to_thread(take_snapshot, job.tree, job.locked)
    except DiskError as error:
        return TestRun(Verdict.INFRA, error.message)
    try:
        if snapshot.changed:
            return TestRun(Verdict.FAILED, f"changed after locking: {_list(snapshot.changed)}")
        return await _run_and_rerun(box, job, snapshot)
    finally:
        await asyncio.shield(asyncio.to_thread(snapshot.remove))


async def _run_and_rerun(box: Sandbox, job: TestJob, snapshot: Snapshot) -> TestRun:
    files = tuple(sorted({name.partition("::")[0] for name in job.expected}))
    skippable = SKIPPABLE[job.runner](snapshot.locked)
    facts = await run_once(box, job, snapshot, files)
    first = _verdict(facts, judge_cases(job.expected, skippable, facts))
    again = _worth_another_try(first)
    if job.reruns < 1 or not again:
        return first
    facts = await run_once(box, job, snapshot, again)
    second = judge_cases(again, skippable, facts)
    if is_broken(facts) or tampering(facts):
        return first
    return _compared(first, {case.id: case for case in second})


def _verdict(facts: Facts, cases: tuple[CaseResult, ...]) -> TestRun:
    tail = clean_output(facts.ended.stdout, facts.ended.stderr)
    broken = is_broken(facts)
    if broken:
        return TestRun(Verdict.INFRA, broken, output_tail=tail)
    cheated = tampering(facts)
    bad = [case for case in cases if case.outcome not in GOOD]
    passed = sum(case.outcome is CaseOutcome.PASSED for case in cases)
    verdict, reason = Verdict.PASSED, f"{passed} of {len(cases)} tests passed"
    if cheated:
        verdict, reason = Verdict.FAILED, f"the run cannot be trusted: {cheated}"
    elif bad:
        ids = _list(case.id for case in bad)
        verdict, reason = Verdict.FAILED, f"{len(bad)} of {len(cases)} tests did not pass: {ids}"
    elif not passed:
        verdict, reason = Verdict.NOT_RUN, "every test skips itself"
    extra = _unexpected(facts, cases)
    if extra:
        reason += f"; not expected and not counted: {_list(extra)}"
    return TestRun(verdict, reason, cases, _coverage(facts), output_tail=tail)


def _worth_another_try(run: TestRun) -> tuple[str, ...]:
    """Failing ids, if all of them ran to their end; hangs and crashes are not tried again."""
    ran = (CaseOutcome.FAILED, CaseOutcome.ERROR)
    if run.verdict is not Verdict.FAILED or "cannot be trusted" in run.reason:
        return ()
    if any(case.outcome not in ran or _cut_short(case) for case in run.failures):
        return ()
    return tuple(case.id for case in run.failures)


def _cut_short(case: CaseResult) -> bool:
    return case.message.startswith(("timeout:", "crash:"))


def _compared(first: TestRun, second: Mapping[str, CaseResult]) -> TestRun:
    cases = []
    for case in first.cases:
        other = second.get(case.id)
        if other is not None and other.outcome is CaseOutcome.PASSED:
            case = replace(case, message=f"flaky: passed when run again; first {case.message}")
        cases.append(case)
    flaky = [case.id for case in cases if case.message.startswith("flaky:")]
    verdict, reason = first.verdict, first.reason
    if len(flaky) == len(first.failures):
        verdict = Verdict.FLAKY
        reason = f"passed only when run again over the same tree: {_list(flaky)}"
    return replace(first, verdict=verdict, reason=reason, cases=tuple(cases))


def _unexpected(facts: Facts, cases: Iterable[CaseResult]) -> list[str]:
    known = {case.id for case in cases}
    reported = {function_id(str(e["id"])) for e in facts.events if e["e"] == "done"}
    return sorted(reported - known - facts.decoys)


def _coverage(facts: Facts) -> float | None:
    end = next((event for event in facts.events if event["e"] == "end"), {})
    ratio = end.get("coverage")
    return min(max(float(ratio), 0.0), 1.0) if isinstance(ratio, float | int) else None


def _list(names: Iterable[str]) -> str:
    rows = list(names)
    more = f" and {len(rows) - LISTED} more" if len(rows) > LISTED else ""
    return ", ".join(rows[:LISTED]) + more


def clean_output(stdout: bytes, stderr: bytes) -> str:
    """The ends of both streams as text without escape sequences, controls or bidi marks."""
    parts = []
    for stream in (stdout, stderr):
        text = CONTROL.sub("", stream.decode("utf-8", errors="replace").replace("\r\n", "\n"))
        end = text[-TAIL_CHARS // 2 :]
        # from a whole word on: half a key could not be told from a word, and so not be redacted
        parts.append((end if len(end) == len(text) else PART_OF_WORD.sub("", end)).strip())
    return "\n".join(part for part in parts if part)
