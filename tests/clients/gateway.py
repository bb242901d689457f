"""Settings of a gateway in front of one model server, and what its ledger says after a call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from buildwright.app.gateway import GatewayService
from buildwright.core.gateway_settings import (
    BreakerSettings,
    CacheSettings,
    GatewaySettings,
    GatewayTree,
    ModelSettings,
    RetrySettings,
    TimeoutSettings,
)
from buildwright.core.ledger import Budget, CallFilter, LedgerRow

MTOK_IN, MTOK_OUT = 1_000.0, 2_000.0
QUICK = GatewaySettings(
    retries=RetrySettings(first_wait_s=0.001),
    timeouts=TimeoutSettings(connect_s=0.5, first_token_s=0.5, between_s=0.5),
    breaker=BreakerSettings(calls=20),
    cache=CacheSettings(enabled=False),
    answer_limit_kib=1024,
)
CACHING = CacheSettings()
CAP_NANO = 100 * 1_000_000_000
ASK: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 50,
}


def tree(home: Path, url: str, **changed: Any) -> GatewayTree:
    """Return settings with model `m` at `url`, priced; `changed` are gateway settings."""
    models = {
        "m": ModelSettings(
            model="small", url=url, input_usd_per_mtok=MTOK_IN, output_usd_per_mtok=MTOK_OUT
        )
    }
    return GatewayTree(home / "home", models, {}, replace(QUICK, **changed))


async def capped(service: GatewayService) -> None:
    """Set a budget on everything this machine calls."""
    await service.ledger.set_budget("org:local", CAP_NANO, "total")


async def settled(service: GatewayService) -> Sequence[LedgerRow]:
    """Return all calls, newest first, once none is on its way."""
    async with asyncio.timeout(10):
        while True:
            # A write that is waited for takes along all settlements before it.
            await service.ledger.set_budget("org:nobody", None, "total")
            rows = await service.ledger.calls(CallFilter())
            if not any(row.status in ("intent", "sent") for row in rows):
                return rows


async def budget(service: GatewayService) -> Budget:
    """Return the budget set by `capped`."""
    return next(one for one in await service.ledger.budgets() if one.scope == "org:local")


def idle(service: GatewayService) -> bool:
    """True when no slot is taken and nobody waits for one."""
    return all(
        slots.taken == slots.waiting == 0 for slots in service.gateway.concurrency.all().values()
    )
