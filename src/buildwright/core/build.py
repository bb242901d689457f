"""A build: what was asked, how far it is, and the state its stages add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType

from buildwright.core.assessment import Assessment
from buildwright.core.errors import StoreError
from buildwright.core.plan import Plan
from buildwright.core.report import Report
from buildwright.core.requirements import Analysis
from buildwright.core.tree import Tree
from buildwright.core.verdict import TestRun, Verdict


class StageName(StrEnum):
    """Stages in the order in which they may start."""

    ANALYZE = "analyze"
    PLAN = "plan"
    GENERATE = "generate"
    TEST = "test"
    ASSESS = "assess"
    DOCUMENT = "document"
    FINALIZE = "finalize"


class Status(StrEnum):
    """Where a build is; INTERRUPTED can be resumed, DONE has an outcome."""

    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    DONE = "done"


class Outcome(StrEnum):
    """How a build ended. ERROR is ours or the machine's fault, never counted as the code's."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    OVER_BUDGET = "over_budget"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def exit_code(self) -> int:
        """Exit code of `buildwright build` for this outcome."""
        codes = {"failed": 1, "error": 3, "over_budget": 4, "cancelled": 130}
        return codes.get(self.value, 0)


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What a user asked for; `out` is absolute, `template` and `answers` override the rules.

    `tests` are acceptance tests that the user brought, kept as a snapshot and locked. `into` is a
    project of the user's as it was when the build was asked for; `out` is its folder then, and
    `scope` are globs of what may change in it (all, when empty). `record` and `replay` are folders
    of a cassette that its model calls are written to or come from ("" = neither).
    """

    text: str
    out: str
    template: str | None = None
    model: str = "none"
    answers: dict[str, str] = field(default_factory=dict)
    sandbox: str = "auto"
    unsafe: bool = False
    tests: Tree | None = None
    into: Tree | None = None
    scope: tuple[str, ...] = ()
    record: str = ""
    replay: str = ""


@dataclass(frozen=True, slots=True)
class Build:
    """A build as the store knows it; times are seconds since the epoch (UTC)."""

    id: str
    name: str
    request: BuildRequest
    status: Status
    outcome: Outcome | None
    reason: str
    created_at: float
    updated_at: float
    owner: str = ""
    lease_until: float = 0.0
    epoch: int = 0
    cancel_requested: bool = False


@dataclass(frozen=True, slots=True)
class StageRecord:
    """A finished stage; `seconds` is its wall time."""

    stage: StageName
    attempt: int
    started_at: float
    finished_at: float

    @property
    def seconds(self) -> float:
        """Wall time of the stage."""
        return self.finished_at - self.started_at


@dataclass(frozen=True, slots=True)
class ModelWork:
    """What a model did in one attempt: calls made, dollars spent, and why it stopped."""

    calls: int
    cost_usd: float
    ended: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A tree that was generated, tested, assessed and documented."""

    number: int
    tree: Tree
    run: TestRun
    assessment: Assessment
    documents: Tree
    work: ModelWork | None = None

    @property
    def badness(self) -> tuple[bool, int, int]:
        """Sort key, best first: passed, then fewer failures, then the earlier one."""
        return self.run.verdict is not Verdict.PASSED, len(self.run.failures), self.number


@dataclass(frozen=True, slots=True)
class Update:
    """What one stage adds; a field left None was not touched.

    `hollow` are ids of a model's own tests that pass without its work: they prove nothing.
    """

    analysis: Analysis | None = None
    plan: Plan | None = None
    tree: Tree | None = None
    work: ModelWork | None = None
    run: TestRun | None = None
    assessment: Assessment | None = None
    documents: Tree | None = None
    hollow: tuple[str, ...] | None = None
    report: Report | None = None

    def over(self, base: Update) -> Update:
        """Return the base with what this update names in its place."""
        changed = {f.name: v for f in fields(self) if (v := getattr(self, f.name)) is not None}
        return replace(base, **changed)


OF_AN_ATTEMPT = frozenset({StageName.TEST, StageName.ASSESS, StageName.DOCUMENT})
"""Stages that judge a generated tree; a repair generates and runs them again."""


@dataclass(frozen=True, slots=True)
class BuildState:
    """The fold of all stored updates of one build.

    `done` are the finished stages of the current `attempt`; `attempts` are those that are whole.
    `reopened` is the attempt after which the build got more money to go on with (0 = never).
    """

    build_id: str
    request: BuildRequest
    done: frozenset[StageName] = frozenset()
    products: Update = field(default_factory=Update)
    timings: Mapping[StageName, float] = field(default_factory=lambda: MappingProxyType({}))
    attempt: int = 1
    attempts: tuple[Attempt, ...] = ()
    reopened: int = 0

    def after(self, record: StageRecord, update: Update) -> BuildState:
        """Return the state with one more finished stage folded in."""
        fresh = record.attempt > self.attempt
        done = (self.done - OF_AN_ATTEMPT if fresh else self.done) | {record.stage}
        spent = self.timings.get(record.stage, 0.0) + record.seconds
        state = replace(
            self,
            done=done,
            products=update.over(self.products),
            timings={**self.timings, record.stage: spent},
            attempt=max(self.attempt, record.attempt),
        )
        whole = record.stage in OF_AN_ATTEMPT and done >= OF_AN_ATTEMPT
        return replace(state, attempts=(*self.attempts, state._closed())) if whole else state

    @property
    def best(self) -> Attempt | None:
        """The best attempt so far, not just the last."""
        return min(self.attempts, key=lambda attempt: attempt.badness, default=None)

    def _closed(self) -> Attempt:
        got = self.products
        if not (got.tree and got.run and got.assessment and got.documents):
            raise StoreError("an attempt lacks a result", next_step="start the build again")
        return Attempt(self.attempt, got.tree, got.run, got.assessment, got.documents, got.work)


def fold(
    build: Build, updates: Iterable[tuple[StageRecord, Update]], reopened: int = 0
) -> BuildState:
    """Return the state a build is in after its stored updates, oldest first.

    What was concluded of attempts up to `reopened` counts no more.
    """
    state = BuildState(build.id, build.request, reopened=reopened)
    for record, update in updates:
        if record.stage is not StageName.FINALIZE or record.attempt > reopened:
            state = state.after(record, update)
    return state
