"""Ledgers of both kinds and intents for tests."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from buildwright.core.clock import Clock
from buildwright.core.ledger import Intent, Ledger, Settlement
from buildwright.gateway.ledger_memory import MemoryLedger
from buildwright.store.ledger import open_ledger
from buildwright.store.ledger.opening import ensure_schema

NOON = 1_795_176_000.0
"""2026-11-20 12:00 UTC."""

DAY_S = 86_400.0
SCOPES = ("org:a", "user:b", "key:c")


@dataclass
class Now:
    """A clock that tests set."""

    at: float = NOON
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(now=lambda: self.at)


def made_database(path: Path) -> Path:
    """Make an empty database of the newest schema."""
    asyncio.run(ensure_schema(path))
    return path


@asynccontextmanager
async def ledger_of(kind: str, template: Path, folder: Path, now: Now) -> AsyncIterator[Ledger]:
    """Yield an empty ledger of a kind."""
    if kind == "memory":
        yield MemoryLedger(now.clock.now)
        return
    path = folder / "ledger.db"
    shutil.copy(template, path)
    async with open_ledger(path, clock=now.clock, owner="one") as ledger:
        yield ledger


def an_intent(call_id: str, reserve_nano: int = 100, **other: Any) -> Intent:
    """Return an intent of one tenant against three scopes."""
    values: dict[str, Any] = {
        "id": call_id,
        "at": NOON,
        "tenant": "t",
        "scopes": SCOPES,
        "reserve_nano": reserve_nano,
        "wire": "chat",
        "asked_model": "openai/gpt-4o",
        "provider": "openai",
        "model": "gpt-4o",
        "price_version": "v1",
    }
    return Intent(**values | other)


def done(call_id: str, cost_nano: int = 60, **other: Any) -> Settlement:
    """Return the settlement of a call that went well."""
    values: dict[str, Any] = {"status": "done", "at": NOON + 1, "cost_nano": cost_nano}
    return Settlement(call_id, **values | other)


async def money(ledger: Ledger) -> dict[str, tuple[int, int]]:
    """Return (spent, held) of every budget by "scope period"."""
    found = await ledger.budgets()
    return {f"{b.scope} {b.period}": (b.spent_nano, b.held_nano) for b in found}
