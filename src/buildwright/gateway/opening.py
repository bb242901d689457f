"""Opening a gateway: providers, connections and policies over a ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from buildwright.core.call_events import CallDone
from buildwright.core.gateway_settings import GatewayTree
from buildwright.core.ledger import Ledger
from buildwright.gateway.pipeline import Gateway
from buildwright.gateway.policies.metering import OnDone
from buildwright.gateway.providers.registry import Providers
from buildwright.gateway.stores import open_stores
from buildwright.gateway.surroundings import Surroundings


def nobody(_done: CallDone) -> None:
    """Listen to nothing."""


@asynccontextmanager
async def open_gateway(
    tree: GatewayTree,
    ledger: Ledger,
    *,
    around: Surroundings | None = None,
    on_done: OnDone = nobody,
) -> AsyncIterator[Gateway]:
    """Yield a gateway; raises SettingsError for routes that lead nowhere. The ledger stays open."""
    around = around or Surroundings()
    providers = Providers(tree, around.tick)
    try:
        async with open_stores(tree, around) as stores:
            gateway = Gateway(tree, ledger, providers, around, on_done, stores)
            try:
                yield gateway
            finally:
                await gateway.close()
    finally:
        await providers.close()
