"""When a tree is worth another attempt, and how the approach changes when nothing moves.

A (tree, failures) state never repeats; no progress leads to a wider context, then to a fresh
start, then to the end with the best tree so far.
"""

from __future__ import annotations

import hashlib
import re
from enum import IntEnum
from itertools import takewhile

from buildwright.core.build import Attempt, BuildState
from buildwright.core.verdict import TestRun, Verdict
from buildwright.workflow.kit import Kit

OVER_BUDGET = "over_budget"
"""How an attempt ends whose next call its budgets do not allow."""
_VARIABLE = re.compile(r"0x[0-9a-f]+|\d+(\.\d+)?|/[\w./-]+")


class Approach(IntEnum):
    """How the next attempt is briefed; higher after each attempt without progress."""

    FEEDBACK = 0
    WIDER = 1
    AFRESH = 2
    STOP = 3


HOW_STUCK = (
    Approach.FEEDBACK,
    Approach.WIDER,
    Approach.AFRESH,
    Approach.AFRESH,
    Approach.STOP,
)
"""Approach by the number of attempts since the last progress."""


def wants_repair(state: BuildState, kit: Kit) -> bool:
    """Tell whether `generate` runs once more; depends on stored results only."""
    if kit.gateway is None or not state.attempts:
        return False
    last = state.attempts[-1]
    if last.run.verdict is not Verdict.FAILED:
        return False
    if was_cut_off(last):
        return last.number <= state.reopened
    attempts = uncut(state.attempts)
    if len(attempts) >= kit.agent.max_attempts:
        return False
    if last.work is not None and last.work.ended.startswith("model_failed"):
        return False
    return approach(attempts) is not Approach.STOP


def was_cut_off(attempt: Attempt) -> bool:
    """Tell whether the money ended an attempt; with more of it the next one carries it on."""
    return attempt.work is not None and attempt.work.ended == OVER_BUDGET


def uncut(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Return the attempts that came to an end of their own.

    What carries on one that was cut off is briefed and keyed as that one was, so that its calls are
    answered from the ledger and not bought again.
    """
    return tuple(attempt for attempt in attempts if not was_cut_off(attempt))


def carried_on(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Return the attempts whose conversation the next one carries on: those cut off last."""
    return tuple(takewhile(was_cut_off, reversed(attempts)))


def approach(attempts: tuple[Attempt, ...]) -> Approach:
    """Return how to go on: one step wider for each attempt since the last progress."""
    stuck = 0
    best = None
    seen: set[tuple[str, str]] = set()
    for attempt in attempts:
        mark = (attempt.tree.id, fingerprint(attempt.run))
        better = best is None or attempt.badness[:2] < best
        stuck = 0 if better and mark not in seen else stuck + 1
        best = attempt.badness[:2] if better else best
        seen.add(mark)
    return HOW_STUCK[min(stuck, len(HOW_STUCK) - 1)]


def fingerprint(run: TestRun) -> str:
    """Return a hash of which tests fail and how; numbers, addresses and paths are left out."""
    lines = sorted(f"{case.id} {_VARIABLE.sub('#', case.message)[:200]}" for case in run.failures)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
