"""Looking into calls: why a cache missed, what was said, how good our token counts are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from buildwright.core.errors import ModelError, UsageError
from buildwright.core.gateway_settings import GatewayTree
from buildwright.core.ledger import CallFilter, Ledger, LedgerRow
from buildwright.gateway.cache import canonical
from buildwright.gateway.call import CacheWish, Call, Caller
from buildwright.gateway.chatform import Gathering
from buildwright.gateway.comparing import differing, in_words
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.pipeline import Gateway
from buildwright.gateway.port import CutError, translated
from buildwright.gateway.pricing import estimate_tokens
from buildwright.services.ledger_rows import KEEP, event_of, find_call, json_of, model_of

COMPARED = 1_000
"""Newest calls that are looked at."""

DEBUG = Caller("debug")


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a call was not answered from the cache.

    `reason` is "first", "expired", "not_stored", "hit" or the name of the first part that differed;
    `parts` are all that did, `nearest` is the call it was compared with ("" = none).
    """

    call_id: str
    reason: str
    text: str
    parts: tuple[str, ...] = ()
    nearest: str = ""


async def why_miss(ledger: Ledger, tree: GatewayTree, call_id: str) -> Miss:
    """Compare a call with the nearest earlier one; raises UsageError when bodies were not kept."""
    row = await find_call(ledger, call_id)
    body, me = body_of(row), row.intent
    if _was_hit(row):
        return Miss(me.id, "hit", "it was answered from the cache")
    earlier = [
        one
        for one in await ledger.calls(CallFilter(limit=COMPARED))
        if one.intent.at < me.at and one.intent.wire == me.wire and one.intent.request is not None
    ]
    mine = [one for one in earlier if one.intent.tenant == me.tenant]
    if not mine:
        return _first(row, body, earlier)
    near = min(mine, key=lambda one: len(_parts(body, one)))
    parts = _parts(body, near)
    if parts:
        twin = _twin(body, earlier)
        if twin is not None:
            return _other_tenant(row, twin)
        text = f"{in_words(parts)} differs from call {near.intent.id}"
        return Miss(me.id, parts[0], text, parts, near.intent.id)
    return _same_request(row, near, tree)


def body_of(row: LedgerRow) -> dict[str, Any]:
    """Return the stored request of a call; raises UsageError that says how to keep them."""
    if row.intent.request is None:
        raise UsageError(f"the request of call {row.intent.id} was not kept", next_step=KEEP)
    loaded: dict[str, Any] = orjson.loads(row.intent.request)
    return loaded


def _parts(body: Mapping[str, Any], other: LedgerRow) -> tuple[str, ...]:
    return differing(_meant(body), _meant(body_of(other)))


def _meant(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as the cache sees it: equal numbers in one form, no fields without sense."""
    from buildwright.gateway.cache.keys import NOT_MEANT

    kept = {name: value for name, value in body.items() if name not in NOT_MEANT}
    loaded: dict[str, Any] = orjson.loads(canonical(kept))
    return loaded


def _twin(body: Mapping[str, Any], rows: Iterable[LedgerRow]) -> LedgerRow | None:
    return next((row for row in rows if not _parts(body, row)), None)


def _first(row: LedgerRow, body: Mapping[str, Any], earlier: Sequence[LedgerRow]) -> Miss:
    twin = _twin(body, earlier)
    if twin is not None:
        return _other_tenant(row, twin)
    text = f"no earlier call of tenant {row.intent.tenant} has its request kept; {KEEP}"
    return Miss(row.intent.id, "first", text)


def _other_tenant(row: LedgerRow, twin: LedgerRow) -> Miss:
    theirs = twin.intent.tenant
    text = (
        f"the tenant differs: call {twin.intent.id} asked the same, but for {theirs}, and answers "
        "are never shared between tenants"
    )
    return Miss(row.intent.id, "tenant", text, ("tenant",), twin.intent.id)


def _same_request(row: LedgerRow, near: LedgerRow, tree: GatewayTree) -> Miss:
    cache, same = tree.gateway.cache, f"call {near.intent.id} asked the same"
    body = body_of(row)
    cold = row.intent.wire == "embeddings" or body.get("temperature") == 0
    ttl_s = cache.ttl_cold_s if cold else cache.ttl_s
    age_s = row.intent.at - (near.settlement.at if near.settlement else near.intent.at)
    told = Miss(row.intent.id, "not_stored", "", (), near.intent.id)
    if not cache.enabled:
        return replace(told, text="the cache is switched off (gateway.cache.enabled)")
    if near.status != "done" or (near.settlement and near.settlement.error):
        text = f"{same}, but it never finished ({near.status}), so it was not stored"
        return replace(told, text=text)
    if age_s > ttl_s:
        text = f"{same} {age_s:.0f} s before, and answers are kept for {ttl_s:.0f} s"
        return replace(told, reason="expired", text=text)
    text = (
        f"{same}, but it was not stored, or is gone: sent with no-store or no-cache, still on its "
        "way, cleared, pushed out by newer ones, or of a server that was started again"
    )
    return replace(told, text=text)


def _was_hit(row: LedgerRow) -> bool:
    settled = row.settlement
    return row.status == "done" and settled is not None and settled.attempts == 0


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """What the same request got now: its text, what it cost, and how it differs from before."""

    text: str
    cost_nano: int
    model: str
    diff: tuple[str, ...]


async def ask_again(gateway: Gateway, row: LedgerRow) -> LiveAnswer:
    """Send a stored request once more, past the cache; raises ModelError or BudgetError."""
    body, around = body_of(row), gateway.around
    call = Call(around.new_id(), row.intent.wire, body, DEBUG, around.now(), around.tick())
    call.cache = CacheWish(read=False, store=False)
    try:
        raw = await _whole(gateway, call)
    except GatewayError as error:
        raise translated(error) from error
    before = answer_text(row.settlement.answer if row.settlement else None)
    now = answer_text(raw)
    lines = difflib.unified_diff(
        before.splitlines(), now.splitlines(), "stored", "live", lineterm=""
    )
    model = call.target.name if call.target else call.asked
    return LiveAnswer(now, call.cost_nano, model, tuple(lines))


async def _whole(gateway: Gateway, call: Call) -> bytes:
    answer = await gateway.handle(call)
    if answer.frames is None:
        return answer.body
    blocks = []
    complete = False
    try:
        async for block in answer.frames:
            blocks.append(block)
        complete = True
    finally:
        answer.end("complete" if complete else "cut")
        if call.settled is not None:
            await call.settled
    return b"".join(blocks)


def answer_text(raw: bytes | None) -> str:
    """Return what an answer says, tool calls as lines of their own; "" when none was kept.

    What is no chat answer is returned as it is.
    """
    if raw is None:
        return ""
    gathered = Gathering()
    try:
        gathered.take(_chunks(raw) if raw.startswith(b"event:") else event_of(raw))
    except (ModelError, CutError, ValueError):
        return raw.decode("utf-8", "replace")
    said = "".join(gathered.text)
    tools = [f"[{call['name']}] {call['arguments']}" for _, call in sorted(gathered.calls.items())]
    if not said and not tools:
        return _message_text(raw) or raw.decode("utf-8", "replace")
    return "\n".join([*([said] if said else []), *tools])


def _chunks(raw: bytes) -> bytes:
    """Return a stream of the Anthropic wire as chunks; raises ValueError for what is none."""
    from buildwright.gateway.sse import data_of, events_of
    from buildwright.gateway.translate.chunks import Chunks

    chunks = Chunks("", 0.0, with_usage=False)
    found = (orjson.loads(data_of(event) or b"{}") for event in events_of(raw))
    return b"".join(chunks.of(event) for event in found if isinstance(event, dict))


def _message_text(raw: bytes) -> str:
    """Return what a whole answer of the Anthropic wire says; "" for anything else."""
    answer = json_of(raw)
    blocks = answer.get("content") if isinstance(answer, dict) else None
    if not isinstance(blocks, list):
        return ""
    lines = [
        f"[{one.get('name')}] {orjson.dumps(one['input']).decode()}"
        if "input" in one
        else str(one.get("text") or one.get("thinking") or "")
        for one in blocks
        if isinstance(one, dict)
    ]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class TokenCheck:
    """Our estimate of input tokens as a share of what a model's provider reported.

    1 is exact, above 1 is careful; `p5` and `p95` are percentiles over the calls.
    """

    model: str
    calls: int
    mean: float
    p5: float
    p95: float


def token_checks(rows: Iterable[LedgerRow]) -> tuple[TokenCheck, ...]:
    """Compare for each model; calls without a kept request or a reported usage are left out."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        usage = row.settlement.usage if row.settlement else None
        if row.intent.request is None or usage is None or usage.estimated or not usage.input:
            continue
        ratios.setdefault(model_of(row), []).append(estimate_tokens(body_of(row)) / usage.input)
    return tuple(_check(model, sorted(found)) for model, found in sorted(ratios.items()))


def _check(model: str, found: list[float]) -> TokenCheck:
    last = len(found) - 1
    mean = sum(found) / len(found)
    return TokenCheck(model, len(found), mean, found[last * 5 // 100], found[-(-last * 95 // 100)])
