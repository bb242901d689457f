"""Connections to the database by the standard library alone, and its errors as ours."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from buildwright.core.errors import DiskError, StoreError

LOG_KEPT_BYTES = 32 << 20
"""To what length the write-ahead log is cut when it starts anew."""

LOCKED_S = 15.0
"""How long a commit waits for another process before it fails."""

SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.0005, 0.01
DISK_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def connect(path: Path, *, durable: bool = False, wait_s: float = LOCKED_S) -> sqlite3.Connection:
    """Return a connection for one thread at a time: WAL, no checkpoints of its own accord.

    A commit outlives `kill -9` either way; a `durable` one outlives a power cut too.
    """
    connection = sqlite3.connect(
        path, timeout=LOCKED_S, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute(f"PRAGMA busy_timeout={int(wait_s * 1000)}")
    connection.execute(f"PRAGMA journal_size_limit={LOG_KEPT_BYTES}")
    return connection


def begin(connection: sqlite3.Connection, tick: Callable[[], float]) -> None:
    """Begin a transaction that writes; waits for other processes in short steps, not SQLite's."""
    until, wait_s = tick() + LOCKED_S, SHORTEST_WAIT_S
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if code_of(error) not in BUSY_CODES or tick() >= until:
                raise
        time.sleep(wait_s)
        wait_s = min(LONGEST_WAIT_S, wait_s * 1.5)


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, 0 when there is none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def translated(error: sqlite3.Error) -> StoreError | DiskError:
    """Return our error for the driver's."""
    code = code_of(error)
    if code in DISK_CODES:
        return DiskError(f"the ledger cannot be written: {error}", next_step="free disk space")
    if code in BUSY_CODES:
        return StoreError(
            f"the database stayed locked for {LOCKED_S:.0f} s",
            next_step="stop the process that holds it, then try again",
        )
    return StoreError(
        f"the ledger's database failed: {error}",
        next_step="run `buildwright db upgrade`, then try again",
    )
