"""What a test run says, in words that cannot be confused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """FAILED is the code's fault, INFRA the machine's or ours, FLAKY changes without a change."""

    PASSED = "passed"
    FAILED = "failed"
    FLAKY = "flaky"
    INFRA = "infra"
    NOT_RUN = "not_run"


class CaseOutcome(StrEnum):
    """MISSING was expected and never reported."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One test; `id` is the pytest node id relative to the project root."""

    id: str
    outcome: CaseOutcome
    message: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TestRun:
    """A run of the locked tests in the sandbox; `coverage` is a ratio from 0 to 1."""

    __test__ = False

    verdict: Verdict
    reason: str
    cases: tuple[CaseResult, ...] = ()
    coverage: float | None = None
    duration_s: float = 0.0
    backend: str = ""
    layers: tuple[str, ...] = ()
    output_tail: str = ""
    unsafe: bool = False

    @property
    def failures(self) -> tuple[CaseResult, ...]:
        """Cases that did not pass and were not skipped."""
        good = (CaseOutcome.PASSED, CaseOutcome.SKIPPED)
        return tuple(case for case in self.cases if case.outcome not in good)

    @property
    def passed_ids(self) -> frozenset[str]:
        """Ids of the cases that passed."""
        return frozenset(case.id for case in self.cases if case.outcome is CaseOutcome.PASSED)
