"""The cache of a running gateway: numbers, clearing, and filling it from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

import orjson

from buildwright.core.errors import BuildwrightError
from buildwright.core.ledger import Wire
from buildwright.gateway.cache import CacheStats, Entry, cache_key
from buildwright.gateway.cache.entries import finished
from buildwright.gateway.call import Call, Caller
from buildwright.gateway.chatform import chunks_of
from buildwright.gateway.pipeline import Gateway

MOST_TOLD = 20
LINE = '{"request": {...}, "answer": {...}}'


@dataclass(frozen=True, slots=True)
class Warmed:
    """How many answers were put into the cache, and why the first of the others were not."""

    kept: int
    refused: int
    reasons: tuple[str, ...] = ()


class LineError(ValueError):
    """A line that cannot be put into the cache."""


async def stats_of(gateway: Gateway) -> CacheStats:
    """Return the cache's numbers; not enabled when the settings say so."""
    stats = await gateway.cache.stats()
    return replace(stats, enabled=stats.enabled and gateway.tree.gateway.cache.enabled)


async def warm(gateway: Gateway, tenant: str, lines: bytes) -> Warmed:
    """Put requests with their answers, a JSON object a line, into a tenant's part of the cache.

    A line that cannot be used is told with its number, the others are kept. Of a route that is
    split by weight one target's part is filled.
    """
    kept, reasons = 0, []
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip():
            continue
        try:
            await _keep(gateway, tenant, line)
            kept += 1
        except (LineError, BuildwrightError) as error:
            reasons.append(f"line {number}: {error}")
    return Warmed(kept, len(reasons), tuple(reasons[:MOST_TOLD]))


async def _keep(gateway: Gateway, tenant: str, line: bytes) -> None:
    request, answer, wire = _read(line)
    around, settings = gateway.around, gateway.tree.gateway.cache
    call = Call(around.new_id(), wire, request, Caller(tenant), around.now(), around.tick())
    by_key = gateway.directory.sticky_by(call.asked) == "key"
    call.plan = gateway.directory.plan(call.asked, tenant if by_key else "")
    raw = _bytes(answer, stream=call.stream)
    if not finished(raw):
        raise LineError("the answer never finished (no finish_reason)")
    cold = wire == "embeddings" or request.get("temperature") == 0
    until = call.at + (settings.ttl_cold_s if cold else settings.ttl_s)
    entry = Entry(f"{tenant}/{call.asked}", raw, call.stream, call.at, until)
    await gateway.cache.set(cache_key(call), entry)


def _read(line: bytes) -> tuple[dict[str, Any], Any, Wire]:
    try:
        row = orjson.loads(line)
    except ValueError as error:
        raise LineError(f"no JSON: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("request"), dict):
        raise LineError(f"expected {LINE}")
    wire = row.get("wire", "chat")
    if wire not in get_args(Wire):
        raise LineError(f"wire is {wire!r}; expected one of {', '.join(get_args(Wire))}")
    request = row["request"]
    if not isinstance(request.get("model"), str) or not request["model"]:
        raise LineError("request.model is missing")
    return request, row.get("answer"), cast("Wire", wire)


def _bytes(answer: Any, *, stream: bool) -> bytes:
    """Return an answer as it is kept: whole, or as events for a request that streams."""
    if isinstance(answer, str) and stream:
        return answer.encode("utf-8", "replace")
    if not isinstance(answer, Mapping):
        what = "an object, or the text of a stream" if stream else "an object"
        raise LineError(f"answer is {str(answer)[:40]!r}; expected {what}")
    if not stream:
        return orjson.dumps(answer)
    try:
        return chunks_of(answer, with_usage=True)
    except (KeyError, TypeError) as error:
        raise LineError(f"answer is no chat completion: {error} is missing") from error
