"""The words of the self-test: a threat, what was seen when it was tried, and the result."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from buildwright.sandbox.box import Exit, Health, Limits, Sandbox

QUICK = Limits(
    wall_s=6.0,
    cpu_s=5,
    memory_bytes=200 << 20,
    processes=24,
    file_bytes=4 << 20,
    open_files=64,
    output_bytes=64 << 10,
    tmp_bytes=8 << 20,
    tmp_files=1000,
)
"""Limits of a hostile program, small so that meeting them is quick."""


class Outcome(StrEnum):
    """UNPROVEN could not be tried and counts like NOT_HELD."""

    HELD = "held"
    NOT_HELD = "not held"
    UNPROVEN = "unproven"
    NOT_APPLICABLE = "not applicable here"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one attempt left: `said` is the program's report, empty when it gave none.

    `leaks` are signs outside the box: a listener that heard something, a file that changed, a
    process that is still there.
    """

    backend: str
    layers: tuple[str, ...]
    ended: Exit
    said: Mapping[str, Any]
    leaks: tuple[str, ...]
    limits: Limits

    @property
    def tries(self) -> list[tuple[str, str]]:
        """(attempt, name of the error that refused it or nothing)."""
        return [(str(name), str(error)) for name, error in self.said.get("tries", ())]


@dataclass(frozen=True, slots=True)
class Answer:
    """`layer` is what stopped it; `reason` says what was seen, in a few words."""

    outcome: Outcome
    layer: str
    reason: str


Check = Callable[[Seen], Answer]


@dataclass(frozen=True, slots=True)
class Attack:
    """A Python program for the box (after `PRELUDE`) and how to judge what it did."""

    program: str
    check: Check
    limits: Limits = QUICK


@dataclass(frozen=True, slots=True)
class Cheat:
    """A project that must not pass; `wanted` words must be in one of its messages or reasons.

    `verdict` is the one verdict that is right for it. `wall_s` bounds a hang.
    """

    code: str
    verdict: str
    wanted: str = ""
    test: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    wall_s: float = 20.0
    reruns: int = 0


Trial = Callable[[Sandbox], Awaitable[Answer]]
"""A threat that is a function of the backend."""

Trick = Callable[[Sandbox, Path], Awaitable[Answer]]
"""A threat to the verdict: a function of the backend and of an interpreter with pytest."""


@dataclass(frozen=True, slots=True)
class Threat:
    """One row of the threat list. `layers` may answer it; `tried` are the ways it is tried.

    `required`: a build must not start on a backend where it does not hold.
    """

    id: str
    title: str
    layers: tuple[str, ...]
    tried: tuple[Attack | Cheat | Trial | Trick, ...]
    required: bool = True
    short: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table; `backend` is `host` for what is answered outside of any box."""

    threat: str
    title: str
    backend: str
    outcome: Outcome
    layer: str
    required: bool
    seconds: float
    reason: str

    @property
    def counts_against(self) -> bool:
        """True when a build must not start because of it."""
        bad = (Outcome.NOT_HELD, Outcome.UNPROVEN)
        return self.required and self.outcome in bad


@dataclass(frozen=True, slots=True)
class Ground:
    """What the trials need: the interpreter for verdicts (None: none could be made) and why."""

    python: Path | None
    why_not: str = ""


def report_of(ended: Exit) -> Mapping[str, Any]:
    """The last JSON object of the program's report, or nothing."""
    for line in reversed(ended.report.splitlines()):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            return row
    return {}


def is_sound(ended: Exit) -> bool:
    """The box itself did its work; a lack of memory was not its own where the program reported."""
    starved_elsewhere = ended.health is Health.STARVED and bool(report_of(ended))
    return ended.health is Health.OK or starved_elsewhere
