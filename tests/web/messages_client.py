"""The real Anthropic client against a served gateway, and what the ledger holds of its calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anthropic import AsyncAnthropic

from buildwright.app.gateway import GatewayService
from buildwright.core.gateway_settings import (
    GatewaySettings,
    GatewayTree,
    ModelSettings,
    ProviderSettings,
    RetrySettings,
    TimeoutSettings,
)
from buildwright.core.ledger import CallFilter, LedgerRow, TokenUsage

PRICES = {
    "input_usd_per_mtok": 3.0,
    "output_usd_per_mtok": 15.0,
    "cache_read_usd_per_mtok": 0.3,
    "cache_write_usd_per_mtok": 3.75,
}
ASK: dict[str, Any] = {
    "model": "m",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Say hello."}],
}
TOOL: dict[str, Any] = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def tree_of(home: Path, url: str, wire: str, **more: Any) -> GatewayTree:
    """Return settings with model `m` of an upstream at `url`; `more` are gateway settings."""
    provider = ProviderSettings(url=url, wire=wire, key_variable="WIRE_TEST_KEY")  # type: ignore[arg-type]
    given: dict[str, Any] = {
        "retries": RetrySettings(times=0),
        "timeouts": TimeoutSettings(between_s=0.5),
        **more,
    }
    models = {"m": ModelSettings(model="up/test-1", **PRICES)}  # type: ignore[arg-type]
    return GatewayTree(home, models, {"up": provider}, GatewaySettings(**given))


def client_of(url: str, **more: Any) -> AsyncAnthropic:
    """Return the real client; it tries nothing again unless told."""
    return AsyncAnthropic(base_url=url, **{"api_key": "any", "max_retries": 0, **more})


async def newest(service: GatewayService) -> LedgerRow:
    """Return the newest row of the ledger once it is settled, just after its answer has gone."""
    while True:
        row = (await service.ledger.calls(CallFilter()))[0]
        if row.settlement is not None:
            return row


async def paid(service: GatewayService) -> tuple[TokenUsage, int]:
    """Return usage and cost of the newest call."""
    settled = (await newest(service)).settlement
    assert settled is not None
    return settled.usage, settled.cost_nano
