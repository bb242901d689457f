"""Every visible thing is an event, numbered per build and stored with the commit that caused it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from buildwright.core.build import StageName


class EventKind(StrEnum):
    """What happened."""

    BUILD_QUEUED = "build.queued"
    BUILD_STARTED = "build.started"
    BUILD_RESUMED = "build.resumed"
    BUILD_REOPENED = "build.reopened"
    BUILD_INTERRUPTED = "build.interrupted"
    BUILD_DONE = "build.done"
    CANCEL_REQUESTED = "build.cancel_requested"
    STAGE_STARTED = "stage.started"
    STAGE_NOTE = "stage.note"
    STAGE_DONE = "stage.done"
    STAGE_FAILED = "stage.failed"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `seq` counts from 1 within a build, `at` is seconds since the epoch (UTC)."""

    build_id: str
    seq: int
    at: float
    kind: EventKind
    stage: StageName | None = None
    attempt: int = 0
    data: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


Listener = Callable[[Event], None]
