"""One gateway in front of one model server, a client, and what is left behind by a call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from tests.clients.gateway import ASK, budget, capped, idle, settled, tree
from tests.clients.model_server import ModelServer, serving_model
from tests.web.conftest import serving_gateway

from buildwright.app.gateway import GatewayService
from buildwright.core.ledger import LedgerRow
from buildwright.gateway.surroundings import Surroundings

FORMS = ("whole", "streamed")


@dataclass
class Case:
    """A model server, the gateway before it, and a client."""

    model: ModelServer
    service: GatewayService
    url: str
    client: aiohttp.ClientSession

    def ask(self, **changed: Any) -> Any:
        return self.client.post(f"{self.url}/v1/chat/completions", json={**ASK, **changed})

    async def row(self) -> LedgerRow:
        """Return the newest call once it is settled."""
        return (await settled(self.service))[0]

    async def money(self) -> tuple[int, int]:
        """Return what is spent and held of the budget, in nano-dollars."""
        found = await budget(self.service)
        return found.spent_nano, found.held_nano

    def faults(self) -> int:
        """Return the faults that the breaker counted."""
        breakers = self.service.gateway.breakers
        return sum(breaker.counted[1] for breaker in breakers.all().values())

    def clean(self) -> bool:
        """True when no slot is taken and no connection is in use."""
        pools = self.service.gateway.providers.pools.all().values()
        return idle(self.service) and all(pool.open == pool.idle for pool in pools)


@asynccontextmanager
async def opened(
    home: Path, url: str = "", around: Surroundings | None = None, **changed: Any
) -> AsyncIterator[Case]:
    """Open it all; `url` is another upstream than the model server."""
    async with (
        serving_model() as model,
        serving_gateway(tree(home, url or model.url, **changed), around) as (address, service),
        aiohttp.ClientSession() as client,
    ):
        await capped(service)
        yield Case(model, service, address, client)
