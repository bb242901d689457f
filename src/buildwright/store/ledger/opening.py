"""Opening the ledger: the schema, the owner's lock, and what dead processes left."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from buildwright.core.clock import Clock
from buildwright.core.errors import StoreError
from buildwright.store.ledger import connecting, owners
from buildwright.store.ledger.sqlite_ledger import SqliteLedger
from buildwright.store.schema import HEAD


@asynccontextmanager
async def open_ledger(
    path: Path, *, clock: Clock, owner: str, durable: bool = False
) -> AsyncIterator[SqliteLedger]:
    """Yield the ledger in a SQLite file, made or brought to the newest schema if need be.

    `owner` names this process; its lock lies in `owners/` beside the file. What dead processes
    left has been judged. Raises StoreError when a living process has the name, or the database
    cannot be opened.
    """
    await ensure_schema(path)
    lock = owners.hold(path.parent / "owners", owner)
    try:
        ledger = _made(path, owner, clock, durable=durable)
        try:
            await ledger.take_over()
            owners.sweep(path.parent / "owners")
            yield ledger
        finally:
            await ledger.close()
    finally:
        owners.release(path.parent / "owners", owner, lock)


async def ensure_schema(path: Path) -> None:
    """Bring the file to the newest schema; Alembic is loaded only when it is not there yet."""
    if _revision(path) == HEAD:
        return
    from buildwright.store import engine

    path.parent.mkdir(parents=True, exist_ok=True)
    made = engine.make_engine(path)
    try:
        await engine.ensure_schema(made)
    finally:
        await made.dispose()


def _made(path: Path, owner: str, clock: Clock, *, durable: bool) -> SqliteLedger:
    try:
        return SqliteLedger(path, path.parent / "owners", owner, clock, durable=durable)
    except sqlite3.Error as error:
        raise connecting.translated(error) from error


def _revision(path: Path) -> str | None:
    if not path.is_file() or not path.stat().st_size:
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path} is not a database of Buildwright: {error}",
            next_step="restore a backup, or use another BUILDWRIGHT_HOME",
        ) from error
    return None if row is None else str(row[0])
