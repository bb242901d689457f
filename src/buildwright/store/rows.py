"""Rows to nouns and back, and the two steps every commit shares: the fence and the events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import CursorResult, Row, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buildwright.core import codec
from buildwright.core.build import Build, BuildRequest, Outcome, StageName, Status
from buildwright.core.errors import LeaseLostError
from buildwright.core.events import Event, EventKind
from buildwright.store.tables import builds, events

Data = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to commit for a build until a newer epoch exists."""

    build_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Note:
    """An event that is still to be numbered and stored."""

    kind: EventKind
    stage: StageName | None = None
    attempt: int = 0
    data: Data | None = None


async def fence(tx: AsyncConnection, claim: Claim, now: float) -> None:
    """Refuse to go on when a newer claim exists; raises LeaseLostError."""
    held = (
        update(builds)
        .where(builds.c.id == claim.build_id, builds.c.epoch == claim.epoch)
        .values(updated_at=case((builds.c.updated_at > now, builds.c.updated_at), else_=now))
    )
    result: CursorResult[tuple[()]] = await tx.execute(held)
    if result.rowcount != 1:
        raise lost(claim)


def lost(claim: Claim) -> LeaseLostError:
    """Return the error of a claim that is no longer the newest."""
    return LeaseLostError(
        f"build {claim.build_id} was taken over by another process",
        next_step=f"buildwright builds show {claim.build_id}",
    )


async def append(
    tx: AsyncConnection, build_id: str, now: float, notes: Sequence[Note]
) -> tuple[Event, ...]:
    """Number and store events; returns them as stored."""
    last = select(func.coalesce(func.max(events.c.seq), 0)).where(events.c.build_id == build_id)
    start = int((await tx.execute(last)).scalar_one()) + 1
    made = tuple(
        Event(build_id, start + i, now, note.kind, note.stage, note.attempt, dict(note.data or {}))
        for i, note in enumerate(notes)
    )
    rows = [
        {
            "build_id": e.build_id,
            "seq": e.seq,
            "at": e.at,
            "kind": e.kind.value,
            "stage": e.stage.value if e.stage else None,
            "attempt": e.attempt,
            "data": json.dumps(e.data, ensure_ascii=False),
        }
        for e in made
    ]
    await tx.execute(insert(events), rows)
    return made


def build_of(row: Row[tuple[object, ...]]) -> Build:
    """Return the build of a row."""
    return Build(
        id=row.id,
        name=row.name,
        request=codec.load(BuildRequest, row.request),
        status=Status(row.status),
        outcome=Outcome(row.outcome) if row.outcome else None,
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
        owner=row.owner,
        lease_until=row.lease_until,
        epoch=row.epoch,
        cancel_requested=row.cancel_requested,
    )


def event_of(row: Row[tuple[object, ...]]) -> Event:
    """Return the event of a row."""
    stage = StageName(row.stage) if row.stage else None
    data = json.loads(row.data)
    return Event(row.build_id, row.seq, row.at, EventKind(row.kind), stage, row.attempt, data)
