"""The one place where the parts are put together, by hand."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from buildwright import __version__
from buildwright.app.home import make_home
from buildwright.core.build import BuildRequest
from buildwright.core.clock import Clock, new_build_id
from buildwright.core.environment import silence_tracing
from buildwright.core.events import Event, Listener
from buildwright.core.ledger import Ledger
from buildwright.core.redact import redact_logs
from buildwright.core.settings import Settings, gateway_tree
from buildwright.gateway.opening import open_gateway
from buildwright.gateway.port import Port
from buildwright.sandbox import Sandbox
from buildwright.services.builds import Builds, Emit
from buildwright.services.redaction import redactor_of
from buildwright.services.selftest import sandbox_of_builds
from buildwright.store.builds import BuildStore
from buildwright.store.engine import ensure_schema, make_engine
from buildwright.store.ledger import open_ledger


@dataclass(frozen=True, slots=True)
class App:
    """An open application."""

    settings: Settings
    builds: Builds
    ledger: Ledger
    gateway: Port


@asynccontextmanager
async def open_app(
    settings: Settings, *, listeners: Sequence[Listener] = (), clock: Clock | None = None
) -> AsyncIterator[App]:
    """Open the store, bring its schema up to date, and yield the application.

    A listener that fails is passed over. Raises DiskError or StoreError when the home folder or
    the database cannot be used.
    """
    silence_tracing()
    redact_logs(redactor_of(settings))
    database = make_home(settings.home)
    writer = asyncio.Lock()
    durable = make_engine(database, writer=writer)
    quick = make_engine(database, durable=False, writer=writer)
    try:
        await ensure_schema(durable)

        async def sandbox_for(request: BuildRequest) -> Sandbox:
            return await sandbox_of_builds(settings, request.sandbox, unsafe=request.unsafe)

        clock = clock or Clock()
        owner = f"{os.getpid()}-{new_build_id()}"
        async with (
            open_ledger(database, clock=clock, owner=owner) as ledger,
            open_gateway(gateway_tree(settings), ledger) as gateway,
        ):
            builds = Builds(
                settings,
                BuildStore(durable, quick),
                gateway,
                clock,
                __version__,
                _fan_out(listeners),
                sandbox_for,
            )
            yield App(settings, builds, ledger, Port(gateway))
    finally:
        await quick.dispose()
        await durable.dispose()


def _fan_out(listeners: Sequence[Listener]) -> Emit:
    log = logging.getLogger("buildwright")

    def emit(events: Sequence[Event]) -> None:
        for event in events:
            for listener in listeners:
                try:
                    listener(event)
                except Exception:
                    log.exception("a listener failed on %s", event.kind.value)

    return emit
