"""From signed events to one outcome for each expected test."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable

from buildwright.core.verdict import CaseOutcome, CaseResult
from buildwright.sandbox.testing import Facts

SYMPTOMS = ("assertion", "exception", "stack overflow", "out of memory")
WORST_FIRST = (
    CaseOutcome.MISSING,
    CaseOutcome.ERROR,
    CaseOutcome.FAILED,
    CaseOutcome.SKIPPED,
    CaseOutcome.PASSED,
)
MESSAGE_CHARS = 1500


def function_id(node: str) -> str:
    """The id without its parameters: `t.py::test_x[a::b]` gives `t.py::test_x`."""
    return node.partition("[")[0]


def judge_cases(
    expected: Iterable[str], skippable: frozenset[str], facts: Facts
) -> tuple[CaseResult, ...]:
    """One result for each expected id; parameters count under their function, the worst wins."""
    done: dict[str, list[CaseResult]] = {}
    started: list[str] = []
    for event in facts.events:
        if event["e"] == "start":
            started.append(str(event["id"]))
        elif event["e"] == "done":
            case = _case(event, skippable)
            done.setdefault(case.id, []).append(case)
            started.remove(str(event["id"]))
    hanging = function_id(started[-1]) if started else ""
    why = _cut_short(facts)
    return tuple(
        _missing(name, hanging, why, facts)
        if name == hanging or name not in done
        else _aggregated(done[name])
        for name in expected
    )


def tampering(facts: Facts) -> str:
    """What shows that the code meddled with the verdict; empty when nothing does."""
    if facts.forged:
        return "the report holds events that the runner did not sign"
    told = [str(event["what"]) for event in facts.events if event["e"] == "tampered"]
    if told:
        return told[0]
    outcomes = {str(e["id"]): e["outcome"] for e in facts.events if e["e"] == "done"}
    doubled = [name for name, count in Counter(_finished(facts)).items() if count > 1]
    if doubled:
        return f"{doubled[0]} reported more than one outcome"
    if any(outcomes.get(name, "failed") == "passed" for name in facts.decoys):
        return "a test that must fail was reported as passed"
    return _lost_decoy(facts, outcomes)


def _finished(facts: Facts) -> list[str]:
    return [str(event["id"]) for event in facts.events if event["e"] == "done"]


def _lost_decoy(facts: Facts, outcomes: dict[str, object]) -> str:
    """Where a run came to its end, each file that ran tests has run its decoy too."""
    if not any(event["e"] == "end" for event in facts.events):
        return ""
    files = {name.partition("::")[0] for name in outcomes}
    lost = [d for d in facts.decoys if d.partition("::")[0] in files and d not in outcomes]
    return "a test that was added by the runner did not run" if lost else ""


def _case(event: dict[str, object], skippable: frozenset[str]) -> CaseResult:
    name, message = function_id(str(event["id"])), str(event["message"])[:MESSAGE_CHARS]
    outcome = CaseOutcome(str(event["outcome"] or "error"))
    if outcome is CaseOutcome.SKIPPED and name not in skippable:
        outcome = CaseOutcome.FAILED
        message = f"skipped by the code, which its locked text does not allow: {message}"
    elif outcome in (CaseOutcome.FAILED, CaseOutcome.ERROR):
        message = f"{event['kind']}: {message}"
    seconds = event["seconds"]
    return CaseResult(name, outcome, message, float(str(seconds)))


def _aggregated(cases: list[CaseResult]) -> CaseResult:
    worst = min(cases, key=lambda case: WORST_FIRST.index(case.outcome))
    seconds = sum(case.duration_s for case in cases)
    return CaseResult(worst.id, worst.outcome, worst.message, seconds)


def _missing(name: str, hanging: str, why: str, facts: Facts) -> CaseResult:
    if name == hanging:
        return CaseResult(name, CaseOutcome.FAILED, why)
    path = name.partition("::")[0]
    for event in facts.events:
        if event["e"] == "collect" and str(event["id"]) in (path, name):
            return CaseResult(name, CaseOutcome.ERROR, f"collection: {event['message']}")
    return CaseResult(name, CaseOutcome.MISSING, f"not reported: {why}")


def _cut_short(facts: Facts) -> str:
    """How the pytest process ended, when it did not come to its end."""
    ended = facts.ended
    if ended.exceeded:
        return f"crash: used more {ended.exceeded} than the box allows"
    if facts.late or ended.timed_out:
        return "timeout: it was still running when the time was up"
    if facts.status is not None and facts.status < 0:
        number = -facts.status
        if number == signal.SIGXCPU:
            return "timeout: it used up its processor time"
        return f"crash: {signal.Signals(number).name}"
    if not any(event["e"] == "end" for event in facts.events):
        return f"crash: the process left with exit code {facts.status} in the middle of the run"
    return "the run came to its end without it"
