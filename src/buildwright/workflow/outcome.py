"""What the evidence adds up to."""

from __future__ import annotations

from collections.abc import Sequence

from buildwright.core.build import Outcome
from buildwright.core.report import ItemTrace
from buildwright.core.verdict import TestRun, Verdict
from buildwright.workflow.repair import OVER_BUDGET


def judge(run: TestRun, items: Sequence[ItemTrace], ended: str = "") -> tuple[Outcome, str]:
    """Return the outcome of a build and the reason in one sentence.

    `passed` needs green tests and every must item traced to a passing test; a `flaky` run is at
    most `partial`; a run the machine broke is `error` and says nothing of the code. `ended` says
    why the model stopped, if one worked.
    """
    if run.verdict in (Verdict.INFRA, Verdict.NOT_RUN):
        return Outcome.ERROR, f"the tests gave no verdict: {run.reason}"
    note = f"; the model stopped: {ended}" if ended not in ("", "done") else ""
    if run.verdict is Verdict.FAILED:
        outcome = Outcome.OVER_BUDGET if ended == OVER_BUDGET else Outcome.FAILED
        return outcome, f"tests failed: {run.reason}{note}"
    open_items = [item for item in items if item.status in ("uncovered", "failing")]
    if run.verdict is Verdict.FLAKY:
        return Outcome.PARTIAL, f"some tests are flaky: {run.reason}"
    if any(item.priority == "must" for item in open_items):
        ids = ", ".join(item.id for item in open_items)
        return Outcome.PARTIAL, f"tests passed; not covered: {ids}{note}"
    return Outcome.PASSED, "tests passed and every must-have item has a passing test"
