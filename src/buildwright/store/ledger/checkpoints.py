"""Copying the write-ahead log into the database, beside the commits and not between them."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from buildwright.store.ledger import connecting

BEGIN_BYTES = 12 << 20
"""Length of the log at which a checkpoint is made by the side thread."""

LIMIT_BYTES = 64 << 20
"""Length at which the writer itself makes one, so that the log starts anew whatever the load."""

LOOK_EVERY = 16
"""Commits between two looks at the log's length."""


class Checkpoints:
    """A side thread for the usual checkpoints; the writer calls `after_commit`."""

    def __init__(self, path: Path) -> None:
        self._path, self._log = path, path.with_name(path.name + "-wal")
        self._commits = 0
        self._side: threading.Thread | None = None

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """Look at the log now and then, and have it copied when it has grown long."""
        self._commits += 1
        if self._commits % LOOK_EVERY:
            return
        length = self._length()
        if length >= LIMIT_BYTES:
            _copied(connection, "RESTART")
        elif length >= BEGIN_BYTES:
            self._move_on(connection)

    def _move_on(self, connection: sqlite3.Connection) -> None:
        if self._side is None:
            self._side = threading.Thread(target=self._copy, name="checkpoint", daemon=True)
            self._side.start()
        elif not self._side.is_alive():
            # Only what was written meanwhile is left; once it is copied too, the log starts anew.
            _copied(connection, "PASSIVE")
            self._side = None

    def close(self) -> None:
        """Wait for a copy that runs."""
        if self._side is not None:
            self._side.join()

    def _length(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0

    def _copy(self) -> None:
        try:
            connection = connecting.connect(self._path)
        except sqlite3.Error:
            return
        _copied(connection, "PASSIVE")
        connection.close()


def _copied(connection: sqlite3.Connection, how: str) -> None:
    try:
        connection.execute(f"PRAGMA wal_checkpoint({how})")
    except sqlite3.Error:
        # The disk is full or busy: commits go on while the log can grow; the next look tries again.
        return
