"""What a build says of itself at the end; every figure in it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from buildwright.core.assessment import Score
from buildwright.core.requirements import Question
from buildwright.core.verdict import CaseResult, Verdict

ItemStatus = Literal["covered", "uncovered", "failing", "out_of_scope"]


@dataclass(frozen=True, slots=True)
class ItemTrace:
    """An item and what covers it.

    `covered`: every need is provided and each has at least one passing test and no failing one.
    `failing`: provided, but a test of it did not pass. `uncovered`: rules cannot cover it.
    `out_of_scope`: the text itself rules it out or puts it off.
    """

    id: str
    text: str
    priority: str
    scenario: str
    status: ItemStatus
    needs: tuple[str, ...]
    decisions: tuple[str, ...]
    files: tuple[str, ...]
    tests: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a delivered file came from."""

    path: str
    sha256: str
    source: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds and dollars of one stage."""

    stage: str
    seconds: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class AttemptTrace:
    """One attempt: what the tests said, what the model did, and whether it was delivered."""

    number: int
    verdict: Verdict
    failing: int
    calls: int
    cost_usd: float
    ended: str
    delivered: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a build; `coverage` is a ratio from 0 to 1, costs are US dollars."""

    build_id: str
    version: str
    name: str
    title: str
    requirement: str
    outcome: str
    reason: str
    verdict: Verdict
    verdict_reason: str
    tests_passed: int
    tests_total: int
    failures: tuple[CaseResult, ...]
    coverage: float | None
    backend: str
    layers: tuple[str, ...]
    unsafe: bool
    items: tuple[ItemTrace, ...]
    questions: tuple[Question, ...]
    scores: tuple[Score, ...]
    timings: tuple[Timing, ...]
    cost_usd: float
    attempts: tuple[AttemptTrace, ...]
    model: str
    template: str
    provenance: tuple[Provenance, ...]
    out: str
    created_at: float
    finished_at: float
