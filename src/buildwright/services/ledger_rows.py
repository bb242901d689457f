"""Calls of the ledger for people: finding, showing, settling and exporting them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from buildwright.core.errors import UnknownNameError, UsageError
from buildwright.core.ledger import CallFilter, Ledger, LedgerRow, Settlement, TokenUsage, usd

SEARCHED = 5_000
"""Newest calls among which a shortened id is looked for."""

SUGGESTED = 3
"""Newest calls that are named when an id is unknown."""

STATUSES = ("intent", "sent", "done", "failed", "in_doubt")
KEEP = "set gateway.keep_bodies to all (BUILDWRIGHT_GATEWAY__KEEP_BODIES=all) for calls to come"


async def find_call(ledger: Ledger, call_id: str) -> LedgerRow:
    """Return a call by its id, which may be shortened while unique; raises UnknownNameError."""
    row = await ledger.get(call_id) if call_id else None
    if row is not None:
        return row
    newest = await ledger.calls(CallFilter(limit=SEARCHED))
    found = [one for one in newest if call_id and one.intent.id.startswith(call_id)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"call {call_id!r} is not unique: {', '.join(one.intent.id for one in found[:3])}, ...",
            next_step="give more of the id",
        )
    known = [one.intent.id for one in newest[:SUGGESTED]]
    raise UnknownNameError("call", call_id, known, next_step="buildwright calls list")


async def settle_by_hand(ledger: Ledger, call_id: str, cost_nano: int | None, at: float) -> Settled:
    """Decide what a call in doubt cost; None = it failed and cost nothing.

    Raises UsageError for a call that is not in doubt: its cost is known.
    """
    row = await find_call(ledger, call_id)
    if row.status != "in_doubt" or row.settlement is None:
        raise UsageError(
            f"call {row.intent.id} is {row.status}; only a call in doubt is settled by hand",
            next_step="buildwright calls list --status in_doubt",
        )
    decided = row.settlement._replace(
        at=at,
        status="failed" if cost_nano is None else "done",
        cost_nano=cost_nano or 0,
        uncertain_nano=0,
        answer=None,
    )
    await ledger.settle(decided)
    after = await find_call(ledger, row.intent.id)
    return Settled(row.reserved_nano, after)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a call in doubt had held of its budgets, and how it stands now."""

    held_nano: int
    row: LedgerRow


def call_row(row: LedgerRow) -> dict[str, Any]:
    """Return a call without bodies as JSON has it; amounts are exact decimal texts of dollars."""
    intent, settled = row.intent, row.settlement
    return {
        "id": intent.id,
        "at": intent.at,
        "status": row.status,
        "tenant": intent.tenant,
        "scopes": list(intent.scopes),
        "key": intent.call_key,
        "wire": intent.wire,
        "asked_model": intent.asked_model,
        "model": model_of(row),
        "cost_usd": usd(cost_nano(row)),
        "held_usd": usd(row.reserved_nano),
        "error": settled.error if settled else "",
    }


def call_details(row: LedgerRow) -> dict[str, Any]:
    """Return all that is known of a call, bodies included when they were kept."""
    intent, settled = row.intent, row.settlement
    known = call_row(row) | {
        "owner": row.owner,
        "price_version": intent.price_version,
        "reserved_usd": usd(intent.reserve_nano),
        "over_bound": row.over_bound,
        "request": json_of(intent.request),
    }
    return known | _settled(settled) if settled else known


def model_of(row: LedgerRow) -> str:
    """Return "provider/model": who answered, or who would have been asked."""
    settled, intent = row.settlement, row.intent
    provider = (settled and settled.provider) or intent.provider
    return f"{provider}/{(settled and settled.model) or intent.model}"


def cost_nano(row: LedgerRow) -> int:
    """Return what a call cost, with what broken-off attempts may have cost."""
    settled = row.settlement
    return settled.cost_nano + settled.uncertain_nano if settled else 0


def exported(rows: Sequence[LedgerRow]) -> Iterator[dict[str, Any]]:
    """Yield {"request", "answer"} of finished calls whose bodies were kept, as `warm` reads it."""
    for row in rows:
        answer = row.settlement.answer if row.settlement else None
        if row.status == "done" and row.intent.request is not None and answer is not None:
            yield {
                "wire": row.intent.wire,
                "request": json_of(row.intent.request),
                "answer": json_of(answer),
            }


def json_of(raw: bytes | None) -> Any:
    """Return a kept body: its JSON, the text of a stream, or None when it was not kept."""
    if raw is None:
        return None
    try:
        return orjson.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def event_of(answer: bytes) -> bytes:
    """Return a kept answer as events of a stream; a whole one may have come on many lines."""
    if answer.startswith(b"data:"):
        return answer
    return b"data: " + orjson.dumps(json_of(answer)) + b"\n\n"


def _settled(settled: Settlement) -> dict[str, Any]:
    return {
        "settled_at": settled.at,
        "usage": _usage(settled.usage),
        "uncertain_usd": usd(settled.uncertain_nano),
        "http_status": settled.http_status,
        "attempts": settled.attempts,
        "fallbacks": settled.fallbacks,
        "first_byte_s": settled.first_byte_s,
        "answer": json_of(settled.answer),
    }


def _usage(usage: TokenUsage) -> dict[str, Any]:
    buckets = ("fresh_input", "cache_read", "cache_write", "output", "reasoning")
    told = {name: getattr(usage, name) for name in buckets}
    return {
        **told,
        "total": usage.total,
        "reported_total": usage.reported_total,
        "estimated": usage.estimated,
    }
