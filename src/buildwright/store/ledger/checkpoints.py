"""Copying the write-ahead log into the database, beside the commits and not between them."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from queue import SimpleQueue

from buildwright.store.ledger import connecting

BEGIN_BYTES = 16 << 20
"""Written since the log began, at which a checkpoint begins in the side thread. By less than half
of `connecting.LOG_KEPT_BYTES`, else the log is cut each time it starts anew, which takes 6 ms."""

SYNC_BYTES = 1 << 20
"""Written between two syncs of the log before that. Nothing else runs on a core while the kernel
makes out what to write: 4 ms for 32 MiB, of which a checkpoint begins with a sync."""

LIMIT_BYTES = 96 << 20
"""At which the writer itself makes one, so that the log starts anew whatever the load."""

STEP_BYTES = 512 << 10
"""Written between two looks while a checkpoint is on its way."""

NICE = 10
COMMIT_PAGES, OPERATION_BYTES = 5, 600
"""What a commit writes: the ends of a table and three indexes, the budgets; and for each call
0.7 KiB, read off 40,000 of them, 64 at a time."""


class Checkpoints:
    """Counts what is written, and copies it in a side thread when it has become much.

    The file's length tells nothing: it stays when the log starts anew. `anew` is True when the next
    commit does start it anew; that one has to wait for the disk.
    """

    def __init__(self, path: Path, page_bytes: int) -> None:
        self._path, self._page_bytes = path, page_bytes
        self._written = 0.0
        self._look_at = float(SYNC_BYTES)
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._side: threading.Thread | None = None
        self._begun = False
        self._copied = threading.Event()
        self.anew = False

    def count(self, operations: int, body_bytes: int) -> None:
        """Count a commit."""
        self._written += COMMIT_PAGES * self._page_bytes + operations * OPERATION_BYTES + body_bytes

    def due(self) -> bool:
        """True when it is time for `move_on`."""
        if self._written < self._look_at:
            return False
        self._look_at = self._written + (STEP_BYTES if self._begun else SYNC_BYTES)
        return True

    def move_on(self, connection: sqlite3.Connection) -> None:
        """Begin to copy the log; once that is done, copy what was written meanwhile."""
        if not self._begun and self._written < BEGIN_BYTES:
            self._order(self._sync)
        elif not self._begun:
            self._begun = True
            self._order(self._copy)
        elif self._copied.is_set() or self._written >= LIMIT_BYTES:
            # On a busy machine the side thread may not get to run until commits wait for it.
            self._copied.wait()
            self._begun = False
            self._copied.clear()
            how = "PASSIVE" if self._written < LIMIT_BYTES else "RESTART"
            self._finished(*_copied(connection, how))

    def close(self) -> None:
        """Wait for a copy that runs."""
        if self._side is not None:
            self._orders.put(None)
            self._side.join()

    def _order(self, work: Callable[[], None]) -> None:
        # Started once: to start a thread takes as long as to wait for a busy loop, twice.
        if self._side is None or not self._side.is_alive():
            self._side = threading.Thread(target=self._serve, name="checkpoint", daemon=True)
            self._side.start()
        self._orders.put(work)

    def _finished(self, logged: int, copied: int) -> None:
        """Note what a checkpoint did: all of the log, or only what no reader needs."""
        self.anew = 0 <= logged == copied
        self._written = 0.0 if self.anew else float(logged * self._page_bytes)
        self._look_at = self._written + SYNC_BYTES

    def _serve(self) -> None:
        if sys.platform == "linux":
            # There a thread has a priority of its own: calls on the same core come before this.
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while (work := self._orders.get()) is not None:
            work()

    def _sync(self) -> None:
        if sys.platform != "linux" or not self._orders.empty():
            # The next order syncs this, too: on a slow disk they gather.
            return
        # To close it takes no lock from SQLite, which has its locks on the other two files.
        with suppress(OSError), Path(f"{self._path}-wal").open("rb") as log:
            os.fdatasync(log.fileno())

    def _copy(self) -> None:
        try:
            with suppress(sqlite3.Error), closing(connecting.connect(self._path)) as connection:
                # Again, for what was written meanwhile: the rest is copied while commits wait.
                for _ in range(2):
                    _copied(connection, "PASSIVE")
        finally:
            # Commits may be waiting for this, whatever became of it.
            self._copied.set()


def _copied(connection: sqlite3.Connection, how: str) -> tuple[int, int]:
    """Copy the log; return how many pages it has and how many of them are copied."""
    try:
        _, logged, copied = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
    except sqlite3.Error:
        # The disk is full or busy: commits go on while the log can grow; the next look tries again.
        return 1, 0
    return logged, copied
