"""Builds, their finished stages and their events.

A build is claimed with a lease and an epoch. Every commit names the epoch it was claimed with;
a worker that lost its lease finds a newer epoch and its commit is rejected.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncEngine

from buildwright.core import codec
from buildwright.core.build import (
    Build,
    BuildRequest,
    Outcome,
    StageName,
    StageRecord,
    Status,
    Update,
)
from buildwright.core.errors import LeaseLostError, UnknownNameError
from buildwright.core.events import Event, EventKind
from buildwright.store.engine import reading, transaction
from buildwright.store.rows import Claim, Data, Note, append, build_of, event_of, fence, lost
from buildwright.store.tables import builds, events, stages

LEASE_S = 30.0


class BuildStore:
    """Reads and writes builds; every method is one transaction.

    New builds, finished stages and outcomes go through the `durable` engine; events in between,
    leases and reads through the quick one.
    """

    def __init__(self, durable: AsyncEngine, quick: AsyncEngine | None = None) -> None:
        self._durable, self._engine = durable, quick or durable

    async def add(self, build_id: str, name: str, request: BuildRequest, now: float) -> Event:
        """Store a new build as queued."""
        async with transaction(self._durable) as tx:
            await tx.execute(
                insert(builds).values(
                    id=build_id,
                    name=name,
                    request=codec.dump(request),
                    status=Status.QUEUED.value,
                    reason="",
                    created_at=now,
                    updated_at=now,
                    owner="",
                )
            )
            return (await append(tx, build_id, now, [Note(EventKind.BUILD_QUEUED)]))[0]

    async def get(self, build_id: str) -> Build:
        """Return a build by id or unique prefix; UnknownNameError suggests the nearest."""
        async with reading(self._engine) as tx:
            found = select(builds).where(builds.c.id.startswith(build_id, autoescape=True))
            rows = (await tx.execute(found.limit(2))).all()
            exact = [row for row in rows if row.id == build_id]
            if len(exact or rows) == 1 and build_id:
                return build_of((exact or rows)[0])
            ids = (await tx.execute(select(builds.c.id))).scalars().all()
        raise UnknownNameError("build", build_id, ids, next_step="see `buildwright builds list`")

    async def list(self, limit: int = 50, status: Status | None = None) -> tuple[Build, ...]:
        """Return the newest builds first."""
        query = select(builds).order_by(builds.c.created_at.desc(), builds.c.id.desc()).limit(limit)
        if status is not None:
            query = query.where(builds.c.status == status.value)
        async with reading(self._engine) as tx:
            return tuple(build_of(row) for row in (await tx.execute(query)).all())

    async def claim(self, build_id: str, owner: str, now: float, *, steal: bool = False) -> Claim:
        """Take a build that is not done and not leased; `steal` when its owner is known dead.

        Raises LeaseLostError when it is done or another worker holds it.
        """
        free = (builds.c.lease_until <= now) | (builds.c.owner == owner)
        wanted = (
            update(builds)
            .where(builds.c.id == build_id, builds.c.outcome.is_(None), true() if steal else free)
            .values(
                owner=owner,
                lease_until=now + LEASE_S,
                epoch=builds.c.epoch + 1,
                status=Status.RUNNING.value,
                updated_at=now,
            )
            .returning(builds.c.epoch)
        )
        async with transaction(self._engine) as tx:
            row = (await tx.execute(wanted)).first()
        if row is None:
            raise LeaseLostError(
                f"build {build_id} is finished or runs in another process",
                next_step=f"buildwright builds show {build_id}",
            )
        return Claim(build_id, int(row.epoch))

    async def renew(self, claim: Claim, now: float) -> bool:
        """Extend the lease; return True when somebody asked to cancel the build."""
        changed = (
            update(builds)
            .where(builds.c.id == claim.build_id, builds.c.epoch == claim.epoch)
            .values(lease_until=now + LEASE_S)
            .returning(builds.c.cancel_requested)
        )
        async with transaction(self._engine) as tx:
            row = (await tx.execute(changed)).first()
        if row is None:
            raise lost(claim)
        return bool(row.cancel_requested)

    async def note(self, claim: Claim, now: float, *notes: Note) -> tuple[Event, ...]:
        """Store events under a claim."""
        async with transaction(self._engine) as tx:
            await fence(tx, claim, now)
            return await append(tx, claim.build_id, now, notes)

    async def record(
        self, claim: Claim, record: StageRecord, products: Update, data: Data
    ) -> tuple[Event, ...]:
        """Store a stage's update, that it is done, and its event, all in one transaction."""
        async with transaction(self._durable) as tx:
            await fence(tx, claim, record.finished_at)
            count = select(func.count()).where(stages.c.build_id == claim.build_id)
            await tx.execute(
                insert(stages).values(
                    build_id=claim.build_id,
                    stage=record.stage.value,
                    attempt=record.attempt,
                    started_at=record.started_at,
                    finished_at=record.finished_at,
                    position=count.scalar_subquery(),
                    products=codec.dump(products),
                )
            )
            done = Note(EventKind.STAGE_DONE, record.stage, record.attempt, data)
            return await append(tx, claim.build_id, record.finished_at, [done])

    async def updates(self, build_id: str) -> tuple[tuple[StageRecord, Update], ...]:
        """Return the finished stages with what they added, in the order of their commits."""
        query = select(stages).where(stages.c.build_id == build_id).order_by(stages.c.position)
        async with reading(self._engine) as tx:
            rows = (await tx.execute(query)).all()
        return tuple(
            (
                StageRecord(StageName(r.stage), r.attempt, r.started_at, r.finished_at),
                codec.load(Update, r.products),
            )
            for r in rows
        )

    async def finish(
        self, claim: Claim, outcome: Outcome, reason: str, now: float, data: Data
    ) -> tuple[Event, ...]:
        """Give a build its outcome."""
        async with transaction(self._durable) as tx:
            await fence(tx, claim, now)
            await tx.execute(
                update(builds)
                .where(builds.c.id == claim.build_id)
                .values(
                    status=Status.DONE.value, outcome=outcome.value, reason=reason, lease_until=0.0
                )
            )
            note = Note(EventKind.BUILD_DONE, data={"outcome": outcome.value, **data})
            return await append(tx, claim.build_id, now, [note])

    async def release(self, claim: Claim, reason: str, now: float) -> tuple[Event, ...]:
        """Give a build back so that it can be resumed at once."""
        async with transaction(self._engine) as tx:
            await fence(tx, claim, now)
            await tx.execute(
                update(builds)
                .where(builds.c.id == claim.build_id)
                .values(status=Status.INTERRUPTED.value, reason=reason, lease_until=0.0, owner="")
            )
            note = Note(EventKind.BUILD_INTERRUPTED, data={"reason": reason})
            return await append(tx, claim.build_id, now, [note])

    async def request_cancel(self, build_id: str, now: float) -> Event:
        """Ask whoever runs the build to stop it."""
        async with transaction(self._engine) as tx:
            await tx.execute(
                update(builds).where(builds.c.id == build_id).values(cancel_requested=True)
            )
            return (await append(tx, build_id, now, [Note(EventKind.CANCEL_REQUESTED)]))[0]

    async def reopen(self, build_id: str, now: float) -> None:
        """Make a build that ended by error or over budget, or was cancelled, resumable again."""
        again = (Outcome.ERROR.value, Outcome.CANCELLED.value, Outcome.OVER_BUDGET.value)
        async with transaction(self._engine) as tx:
            await tx.execute(
                update(builds)
                .where(builds.c.id == build_id, builds.c.outcome.in_(again))
                .values(
                    status=Status.INTERRUPTED.value,
                    outcome=None,
                    cancel_requested=False,
                    updated_at=now,
                )
            )

    async def reopened(self, build_id: str) -> int:
        """Return the attempt after which a build last got more money; 0 when it never did."""
        last = select(func.coalesce(func.max(events.c.attempt), 0)).where(
            events.c.build_id == build_id, events.c.kind == EventKind.BUILD_REOPENED.value
        )
        async with reading(self._engine) as tx:
            return int((await tx.execute(last)).scalar_one())

    async def events(self, build_id: str, after: int = 0) -> tuple[Event, ...]:
        """Return the events with a sequence number above `after`."""
        query = (
            select(events)
            .where(events.c.build_id == build_id, events.c.seq > after)
            .order_by(events.c.seq)
        )
        async with reading(self._engine) as tx:
            return tuple(event_of(row) for row in (await tx.execute(query)).all())

    async def stage_medians(self, last: int = 20) -> dict[StageName, float]:
        """Return the median seconds of each stage over its newest `last` runs."""
        spent = (stages.c.finished_at - stages.c.started_at).label("spent")
        medians: dict[StageName, float] = {}
        async with reading(self._engine) as tx:
            for stage in StageName:
                query = (
                    select(spent)
                    .where(stages.c.stage == stage.value)
                    .order_by(stages.c.finished_at.desc())
                    .limit(last)
                )
                values: Sequence[float] = sorted((await tx.execute(query)).scalars().all())
                if values:
                    medians[stage] = values[len(values) // 2]
        return medians
