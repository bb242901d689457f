"""The key of a request: equal for equal JSON, and never equal across tenants or models.

Fields may come in any order and numbers in any form (1, 1.0, 1e0); everything else that differs,
a space within a text included, is another request.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

from buildwright.gateway.call import Call

NOT_MEANT = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key", "store"})
"""Fields that say who asks or what is kept of it, not what is asked."""


def canonical(body: Any) -> bytes:
    """Return JSON with sorted names and one form for equal numbers."""
    text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    # A whole number that came as a float prints as 1.0 or, from 1e16 on, as 1e16.
    if b".0" in text or b"e1" in text:
        return orjson.dumps(_whole(body), option=orjson.OPT_SORT_KEYS)
    return text


def cache_key(call: Call) -> str:
    """Return the key of a call within its partition: tenant, wire, model and those behind it."""
    meant = call.body
    if not NOT_MEANT.isdisjoint(meant):
        meant = {name: value for name, value in meant.items() if name not in NOT_MEANT}
    partition = "\x1f".join(_partition(call))
    digest = blake2b(partition.encode("utf-8", "surrogatepass"), digest_size=20)
    digest.update(b"\x1e")
    digest.update(canonical(meant))
    return digest.hexdigest()


def _partition(call: Call) -> list[str]:
    parts = [call.caller.tenant, call.wire, call.asked]
    for name, value in call.upstream_headers:
        parts.append(f"{name!r} {value!r}")
    for target in call.plan:
        parts.append(f"{target.provider}/{target.model} {target.url}")
    return parts


def _whole(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**63 else value
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return value
