"""The self-test: every threat against every backend, a few at a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Iterable, Sequence
from typing import cast

from buildwright.sandbox.box import Sandbox
from buildwright.sandbox.selftest.kernel import KERNEL
from buildwright.sandbox.selftest.model import (
    Answer,
    Attack,
    Cheat,
    Ground,
    Outcome,
    Result,
    Threat,
    Trial,
    Trick,
)
from buildwright.sandbox.selftest.processes import PROCESSES
from buildwright.sandbox.selftest.projects import judge_cheat
from buildwright.sandbox.selftest.resources import RESOURCES
from buildwright.sandbox.selftest.secrets import SECRETS
from buildwright.sandbox.selftest.stage import let_loose
from buildwright.sandbox.selftest.verdicts import VERDICTS

THREATS: tuple[Threat, ...] = tuple(
    sorted((*RESOURCES, *PROCESSES, *SECRETS, *KERNEL, *VERDICTS), key=lambda row: int(row.id[1:]))
)
"""Every threat that a box or a verdict has to answer."""

SHORT: tuple[Threat, ...] = tuple(threat for threat in THREATS if threat.short)
"""Those that are proven before the first build: required, quick, and without a test runner."""

AT_ONCE = 2
NO_GROUND = Ground(None, "no interpreter with pytest was given")
WORST_FIRST = (
    Outcome.NOT_HELD,
    Outcome.UNPROVEN,
    Outcome.NOT_APPLICABLE,
    Outcome.HELD,
)


async def self_test(
    boxes: Sequence[Sandbox],
    ground: Ground = NO_GROUND,
    threats: Iterable[Threat] = THREATS,
) -> tuple[Result, ...]:
    """Try `threats` on each of `boxes`, two at a time; one result for each pair, in their order.

    `ground` names the interpreter with pytest that threats to the verdict need; without one these
    are UNPROVEN. A threat that is tried in several ways gets the worst of their answers.
    """
    lanes = asyncio.Semaphore(AT_ONCE)
    pairs = [(threat, box) for box in boxes for threat in threats]

    async def one(threat: Threat, box: Sandbox) -> Result:
        async with lanes:
            return await try_threat(threat, box, ground)

    return tuple(await asyncio.gather(*(one(threat, box) for threat, box in pairs)))


async def try_threat(threat: Threat, box: Sandbox, ground: Ground) -> Result:
    """Try one threat on one backend, in each of its ways."""
    started = time.monotonic()
    answers = [await _answer(way, box, ground) for way in threat.tried]
    worst = min(answers, key=lambda answer: WORST_FIRST.index(answer.outcome))
    layers = dict.fromkeys(name for a in answers for name in a.layer.split(", ") if name)
    seconds = round(time.monotonic() - started, 3)
    layer = ", ".join(layers) if worst.outcome is Outcome.HELD else worst.layer
    return Result(
        threat.id,
        threat.title,
        box.name,
        worst.outcome,
        layer,
        threat.required,
        seconds,
        worst.reason,
    )


async def _answer(way: Attack | Cheat | Trial | Trick, box: Sandbox, ground: Ground) -> Answer:
    try:
        if isinstance(way, Attack):
            return await let_loose(box, way)
        if not isinstance(way, Cheat) and len(inspect.signature(way).parameters) == 1:
            return await cast("Trial", way)(box)
        if ground.python is None:
            return Answer(Outcome.UNPROVEN, "", ground.why_not)
        if isinstance(way, Cheat):
            return await judge_cheat(box, ground.python, way)
        return await cast("Trick", way)(box, ground.python)
    except Exception as error:  # noqa: BLE001 - whatever breaks here, it is no proof
        return Answer(Outcome.UNPROVEN, "", f"{type(error).__name__}: {error}"[:200])
