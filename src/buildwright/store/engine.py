"""Opening the database: SQLite settings, schema version, errors translated."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from buildwright.core.errors import DiskError, StoreError
from buildwright.store.tables import HEAD

BUSY_TIMEOUT_S = 15.0
PAGE_BYTES = 2048
"""Of new files. A commit of the ledger changes few rows at the ends of some pages, and writes whole
pages: 12 KiB a call where those of 4 KiB would write 22.
"""


# What a connection meets while it is dropped is no news after the error that it is dropped for.
logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())


def make_engine(
    path: Path, *, durable: bool = True, writer: asyncio.Lock | None = None
) -> AsyncEngine:
    """Return an engine on a SQLite file: WAL, foreign keys, BEGIN IMMEDIATE.

    A commit outlives `kill -9` either way; a `durable` one is on the disk and outlives a power cut.
    Engines of one process share a `writer`: who waits for it is woken at once, while SQLite's own
    waiting sleeps in growing steps.
    """
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_S},
        execution_options={"writer": writer or asyncio.Lock()},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA page_size={PAGE_BYTES}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        # A plain BEGIN that reads first and writes later fails under concurrency at once.
        plain = connection.get_execution_options().get("plain_begin", False)
        connection.exec_driver_sql("BEGIN" if plain else "BEGIN IMMEDIATE")

    return engine


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yield a connection in one transaction that may write; database errors leave as ours."""
    async with engine.get_execution_options()["writer"], _begun(engine) as connection:
        yield connection


@asynccontextmanager
async def _begun(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    try:
        async with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise translated(error) from error


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yield a connection that only reads: writers are not held up."""
    async with _begun(engine.execution_options(plain_begin=True)) as connection:
        yield connection


def translated(error: DBAPIError) -> StoreError | DiskError:
    """Return our error for a driver's error."""
    message = str(error.orig)
    if "disk is full" in message or "disk I/O" in message:
        return DiskError(f"the database cannot be written: {message}", next_step="free disk space")
    if isinstance(error, OperationalError) and "locked" in message:
        return StoreError(
            f"the database stayed locked for {BUSY_TIMEOUT_S:.0f} s",
            next_step="stop the process that holds it, then run the command again",
        )
    return StoreError(
        f"the database failed: {message}", next_step="run `buildwright db upgrade`, then try again"
    )


async def ensure_schema(engine: AsyncEngine) -> bool:
    """Bring the schema to HEAD; return True when something changed."""
    async with transaction(engine) as connection:
        found = await _revision(connection)
        if found == HEAD:
            return False
        if found is not None and found > HEAD:
            raise StoreError(
                f"the database has schema {found}, newer than this version's {HEAD}",
                next_step="use the newer Buildwright, or another BUILDWRIGHT_HOME",
            )
        await connection.run_sync(upgrade_connection)
    return True


async def _revision(connection: AsyncConnection) -> str | None:
    exists = "SELECT 1 FROM sqlite_master WHERE type='table' AND name='alembic_version'"
    if (await connection.execute(text(exists))).first() is None:
        return None
    row = (await connection.execute(text("SELECT version_num FROM alembic_version"))).first()
    return None if row is None else str(row[0])


def upgrade_connection(connection: Any, revision: str = "head") -> None:
    """Run the migrations on an open connection, inside its transaction."""
    from alembic import command

    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def alembic_config() -> Any:
    """Return the Alembic configuration of the migrations that ship with the package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def integrity(path: Path) -> str:
    """Return SQLite's own word on the file: "ok", or what is wrong."""
    with sqlite3.connect(path) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
