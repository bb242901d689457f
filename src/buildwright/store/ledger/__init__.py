"""The ledger in SQLite: one writer thread, group commit, nothing but the standard library."""

from __future__ import annotations

from buildwright.store.ledger.opening import open_ledger
from buildwright.store.ledger.sqlite_ledger import SqliteLedger

__all__ = ["SqliteLedger", "open_ledger"]
