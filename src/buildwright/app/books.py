"""The books alone: ledger and API keys, without a gateway that could send anything."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from buildwright.app.home import make_home
from buildwright.core.clock import Clock
from buildwright.core.ledger import Ledger
from buildwright.store.keys import KeyStore
from buildwright.store.ledger import open_ledger


@dataclass(frozen=True, slots=True)
class Books:
    """An open ledger and the API keys beside it; `now` is seconds since the epoch."""

    ledger: Ledger
    keys: KeyStore
    now: Callable[[], float]


@asynccontextmanager
async def open_books(home: Path, *, clock: Clock | None = None) -> AsyncIterator[Books]:
    """Yield the books of a home folder; raises DiskError or StoreError."""
    clock = clock or Clock()
    database = make_home(home)
    owner = f"{os.getpid()}-{clock.new_id()}"
    async with open_ledger(database, clock=clock, owner=owner) as ledger:
        yield Books(ledger, KeyStore(database, clock.now), clock.now)
