"""Wiring of the gateway alone; loads nothing that only builds need."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from buildwright.app.home import make_home
from buildwright.core.call_events import CallDone
from buildwright.core.clock import Clock
from buildwright.core.errors import BuildwrightError
from buildwright.core.gateway_settings import GatewayTree
from buildwright.core.ledger import Ledger
from buildwright.gateway.opening import open_gateway
from buildwright.gateway.pipeline import Gateway
from buildwright.gateway.surroundings import Surroundings
from buildwright.services.access import Access, is_local
from buildwright.store.keys import KeyRing
from buildwright.store.ledger import open_ledger

LOG = logging.getLogger("buildwright.gateway")
LOOK_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class GatewayService:
    """An open gateway with its ledger and those who may use it."""

    gateway: Gateway
    ledger: Ledger
    access: Access


@asynccontextmanager
async def open_gateway_service(
    tree: GatewayTree,
    *,
    on_done: Callable[[CallDone], None] = lambda _: None,
    around: Surroundings | None = None,
) -> AsyncIterator[GatewayService]:
    """Open ledger, keys and gateway; raises SettingsError, DiskError or StoreError."""
    around = around or Surroundings()
    database = make_home(tree.home)
    owner = f"{os.getpid()}-{around.new_id()}"
    clock = Clock(around.now, around.tick, around.new_id)
    async with (
        open_ledger(database, clock=clock, owner=owner) as ledger,
        open_gateway(tree, ledger, around=around, on_done=on_done) as gateway,
    ):
        ring = KeyRing(database, around.now, around.tick)
        local = is_local(tree.gateway.host)
        access = Access(ring, tree.gateway.auth, local=local)
        keeper = asyncio.create_task(_look_after(ledger, ring))
        try:
            yield GatewayService(gateway, ledger, access)
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            ring.close()


async def _look_after(ledger: Ledger, ring: KeyRing) -> None:
    """Judge what dead processes left, and write when keys were last used, from time to time."""
    while True:
        await asyncio.sleep(LOOK_AFTER_S)
        try:
            await ledger.recover()
            ring.flush()
        except BuildwrightError as error:
            LOG.warning("the ledger cannot be looked after: %s", error.message)
