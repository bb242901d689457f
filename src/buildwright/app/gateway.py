"""Wiring of the gateway alone; loads nothing that only builds need."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from buildwright.core.call_events import CallDone
from buildwright.core.clock import Clock
from buildwright.core.errors import DiskError
from buildwright.core.gateway_settings import GatewayTree
from buildwright.core.ledger import Ledger
from buildwright.gateway.opening import open_gateway
from buildwright.gateway.pipeline import Gateway
from buildwright.gateway.surroundings import Surroundings
from buildwright.services.access import Access, is_local
from buildwright.store.keys import KeyRing
from buildwright.store.ledger import open_ledger


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
    try:
        tree.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DiskError(
            f"home folder {str(tree.home)!r} cannot be made: {error.strerror or error}",
            next_step="set BUILDWRIGHT_HOME to a folder you may write",
        ) from error
    database = tree.home / "buildwright.db"
    owner = f"{os.getpid()}-{around.new_id()}"
    clock = Clock(around.now, around.tick, around.new_id)
    async with (
        open_ledger(database, clock=clock, owner=owner) as ledger,
        open_gateway(tree, ledger, around=around, on_done=on_done) as gateway,
    ):
        ring = KeyRing(database, around.now, around.tick)
        local = is_local(tree.gateway.host)
        access = Access(ring, tree.gateway.auth, local=local)
        try:
            yield GatewayService(gateway, ledger, access)
        finally:
            ring.close()
