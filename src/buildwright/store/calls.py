"""One row for each model call of a build: the intent before it is sent, the answer after.

A call is `sent` until its answer is stored. One that is still `sent` when a build resumes is in
doubt: it may have been paid, so its bound counts as spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from buildwright.core import codec
from buildwright.core.chat import ChatReply, ChatRequest
from buildwright.store.engine import reading, transaction
from buildwright.store.rows import Claim, fence
from buildwright.store.tables import calls

CallStatus = Literal["sent", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Call:
    """A stored call; `bound_usd` is the most it could have cost."""

    key: str
    status: CallStatus
    request: ChatRequest
    reply: ChatReply | None
    error: str
    bound_usd: float
    cost_usd: float
    started_at: float
    finished_at: float | None


class CallStore:
    """Reads and writes the calls of builds; every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, build_id: str, key: str) -> Call | None:
        """Return a call by its key."""
        query = select(calls).where(calls.c.build_id == build_id, calls.c.key == key)
        async with reading(self._engine) as tx:
            row = (await tx.execute(query)).first()
        return None if row is None else _call(row)

    async def list(self, build_id: str) -> tuple[Call, ...]:
        """Return the calls of a build, oldest first."""
        query = select(calls).where(calls.c.build_id == build_id).order_by(calls.c.position)
        async with reading(self._engine) as tx:
            return tuple(_call(row) for row in (await tx.execute(query)).all())

    async def intend(
        self, claim: Claim, request: ChatRequest, bound_usd: float, now: float
    ) -> None:
        """Store that a call is about to be sent; a repeat of one in doubt keeps its row."""
        async with transaction(self._engine) as tx:
            await fence(tx, claim, now)
            mine = (calls.c.build_id == claim.build_id, calls.c.key == request.key)
            again = update(calls).where(*mine).values(status="sent", started_at=now, error="")
            if (await tx.execute(again)).rowcount:
                return
            count = select(func.count()).where(calls.c.build_id == claim.build_id)
            await tx.execute(
                insert(calls).values(
                    build_id=claim.build_id,
                    key=request.key,
                    position=count.scalar_subquery(),
                    status="sent",
                    request=codec.dump(request),
                    error="",
                    bound_usd=bound_usd,
                    cost_usd=0.0,
                    started_at=now,
                )
            )

    async def settle(self, claim: Claim, key: str, outcome: ChatReply | str, now: float) -> None:
        """Store the answer of a call, or the reason why it failed."""
        values: dict[str, object] = {"finished_at": now}
        if isinstance(outcome, str):
            values |= {"status": "failed", "error": outcome}
        else:
            values |= {
                "status": "done",
                "reply": codec.dump(outcome),
                "cost_usd": outcome.cost_usd,
            }
        async with transaction(self._engine) as tx:
            await fence(tx, claim, now)
            mine = (calls.c.build_id == claim.build_id, calls.c.key == key)
            await tx.execute(update(calls).where(*mine).values(**values))

    async def spent_usd(self, build_id: str) -> float:
        """Return what the calls of a build cost, with the bound of each one in doubt."""
        query = select(calls.c.status, calls.c.cost_usd, calls.c.bound_usd).where(
            calls.c.build_id == build_id
        )
        async with reading(self._engine) as tx:
            rows = (await tx.execute(query)).all()
        return float(sum(r.bound_usd if r.status == "sent" else r.cost_usd for r in rows))


def _call(row: Row[tuple[object, ...]]) -> Call:
    reply = codec.load(ChatReply, row.reply) if row.reply else None
    return Call(
        row.key,
        row.status,
        codec.load(ChatRequest, row.request),
        reply,
        row.error,
        row.bound_usd,
        row.cost_usd,
        row.started_at,
        row.finished_at,
    )
