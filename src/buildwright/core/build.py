"""A build: what was asked, how far it is, and the state its stages add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType

from buildwright.core.assessment import Assessment
from buildwright.core.plan import Plan
from buildwright.core.report import Report
from buildwright.core.requirements import Analysis
from buildwright.core.tree import Tree
from buildwright.core.verdict import TestRun


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
    """What a user asked for; `out` is absolute, `template` and `answers` override the rules."""

    text: str
    out: str
    template: str | None = None
    model: str = "none"
    answers: dict[str, str] = field(default_factory=dict)
    sandbox: str = "auto"
    unsafe: bool = False


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
class Update:
    """What one stage adds; a field left None was not touched."""

    analysis: Analysis | None = None
    plan: Plan | None = None
    tree: Tree | None = None
    run: TestRun | None = None
    assessment: Assessment | None = None
    documents: Tree | None = None
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class BuildState:
    """The fold of all stored updates of one build; `done` are the finished stages."""

    build_id: str
    request: BuildRequest
    done: frozenset[StageName] = frozenset()
    products: Update = field(default_factory=Update)
    timings: Mapping[StageName, float] = field(default_factory=lambda: MappingProxyType({}))

    def after(self, stage: StageName, update: Update, seconds: float = 0.0) -> BuildState:
        """Return the state with one more finished stage folded in."""
        changed = {f.name: v for f in fields(update) if (v := getattr(update, f.name)) is not None}
        return replace(
            self,
            done=self.done | {stage},
            products=replace(self.products, **changed),
            timings={**self.timings, stage: seconds},
        )


def fold(build: Build, updates: Iterable[tuple[StageRecord, Update]]) -> BuildState:
    """Return the state a build is in after its stored updates, oldest first."""
    state = BuildState(build.id, build.request)
    for record, update in updates:
        state = state.after(record.stage, update, record.seconds)
    return state
