"""Scores of a tree and the findings they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ScoreKind = Literal["security", "quality", "maintainability"]
Severity = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of an analyser; `line` is 1-based, 0 for the whole file."""

    tool: str
    rule: str
    severity: Severity
    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Score:
    """A score from 0 to 100; `basis` says how it was computed, `findings` what it rests on."""

    kind: ScoreKind
    value: float
    tool: str
    basis: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """One score of each kind."""

    scores: tuple[Score, ...]

    def value(self, kind: ScoreKind) -> float | None:
        """Return the score of that kind, or None when it was not measured."""
        return next((score.value for score in self.scores if score.kind == kind), None)
