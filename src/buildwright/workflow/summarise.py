"""The report of a build, and one line for each finished stage; every figure is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from buildwright.core.build import BuildState, StageName, Update
from buildwright.core.errors import StoreError
from buildwright.core.report import AttemptTrace, Provenance, Report, Timing
from buildwright.core.requirements import Priority
from buildwright.core.tree import RenderedFile
from buildwright.core.verdict import CaseOutcome, TestRun
from buildwright.workflow.outcome import judge
from buildwright.workflow.trace import evidence_of, trace_items
from buildwright.workspace.snapshots import tree_of


def build_report(
    state: BuildState,
    tests: Mapping[str, bytes],
    files: Sequence[RenderedFile],
    version: str,
    now: float,
) -> Report:
    """Return the report of a build whose stages before finalize are done."""
    got = state.products
    if not (got.analysis and got.plan and got.run and got.assessment):
        raise StoreError("the build is not complete", next_step="resume it")
    given = [entry.path for entry in state.request.tests.files] if state.request.tests else []
    evidence = evidence_of(got.plan, got.run, tests, hollow=got.hollow or (), acceptance=given)
    items = trace_items(got.analysis.items, evidence)
    outcome, reason = judge(got.run, items, _ended(state))
    passed = sum(1 for case in got.run.cases if case.outcome is CaseOutcome.PASSED)
    return Report(
        build_id=state.build_id,
        version=version,
        name=got.analysis.name,
        title=got.analysis.title,
        requirement=got.analysis.text,
        outcome=outcome.value,
        reason=reason,
        verdict=got.run.verdict,
        verdict_reason=got.run.reason,
        tests_passed=passed,
        tests_total=len(got.run.cases),
        failures=got.run.failures,
        coverage=got.run.coverage,
        backend=got.run.backend,
        layers=got.run.layers,
        unsafe=got.run.unsafe,
        items=items,
        questions=got.analysis.questions,
        scores=got.assessment.scores,
        timings=_timings(state),
        cost_usd=_cost(state),
        attempts=_attempts(state),
        model=state.request.model,
        template=f"{got.plan.template}@{got.plan.template_version}",
        provenance=tuple(Provenance(e.path, e.sha256, e.source) for e in tree_of(files).files),
        out=state.request.out,
        created_at=now - sum(state.timings.values()),
        finished_at=now,
    )


def _ended(state: BuildState) -> str:
    work = state.attempts[-1].work if state.attempts else None
    return work.ended if work else ""


def _cost(state: BuildState) -> float:
    return round(sum(a.work.cost_usd for a in state.attempts if a.work), 6)


def _timings(state: BuildState) -> tuple[Timing, ...]:
    return tuple(
        Timing(
            stage.value,
            round(state.timings[stage], 3),
            _cost(state) if stage is StageName.GENERATE else 0.0,
        )
        for stage in StageName
        if stage in state.timings
    )


def _attempts(state: BuildState) -> tuple[AttemptTrace, ...]:
    best = state.best
    return tuple(
        AttemptTrace(
            attempt.number,
            attempt.run.verdict,
            len(attempt.run.failures),
            attempt.work.calls if attempt.work else 0,
            attempt.work.cost_usd if attempt.work else 0.0,
            attempt.work.ended if attempt.work else "by rules",
            attempt is best,
        )
        for attempt in state.attempts
    )


def one_line(stage: StageName, update: Update) -> str:
    """Return what a stage came to, for progress lines and logs."""
    lines: dict[StageName, Callable[[Update], str]] = {
        StageName.ANALYZE: _analysis_line,
        StageName.PLAN: _plan_line,
        StageName.GENERATE: lambda u: f"{len(u.tree.files)} files" if u.tree else "",
        StageName.TEST: lambda u: _run_line(u.run) if u.run else "",
        StageName.ASSESS: _scores_line,
        StageName.DOCUMENT: lambda u: f"{len(u.documents.files)} documents" if u.documents else "",
        StageName.FINALIZE: lambda u: f"{u.report.outcome}: {u.report.reason}" if u.report else "",
    }
    return lines[stage](update)


def _analysis_line(update: Update) -> str:
    if update.analysis is None:
        return ""
    found = update.analysis
    wanted = sum(1 for item in found.items if item.priority is not Priority.WONT)
    names = ", ".join(entity.name for entity in found.entities)
    return f"{found.kind}, {wanted} item{'s' * (wanted != 1)}, entities: {names or 'none'}"


def _plan_line(update: Update) -> str:
    if update.plan is None:
        return ""
    found = update.plan
    left = f", {len(found.uncovered)} items only for a model" if found.uncovered else ""
    return f"{found.template}@{found.template_version}, {len(found.files)} files{left}"


def _run_line(run: TestRun) -> str:
    passed = sum(1 for case in run.cases if case.outcome is CaseOutcome.PASSED)
    cover = "" if run.coverage is None else f", coverage {run.coverage:.0%}"
    reason = "" if passed == len(run.cases) and run.cases else f" ({run.reason})"
    return f"{run.verdict.value}: {passed} of {len(run.cases)} tests{cover}{reason}"


def _scores_line(update: Update) -> str:
    scores = update.assessment.scores if update.assessment else ()
    return ", ".join(f"{score.kind} {score.value:.0f}" for score in scores)
