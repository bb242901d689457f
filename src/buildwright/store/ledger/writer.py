"""The writer of a process: it commits what has gathered as a group, at once or in its thread."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from buildwright.core.errors import BuildwrightError, StoreError
from buildwright.core.ledger import Settlement
from buildwright.store.ledger import checkpoints, connecting
from buildwright.store.ledger.counters import Counters
from buildwright.store.ledger.group import Group, Open, Operation, StaleError

LARGEST_GROUP = 512
LARGEST_AT_ONCE = 128
SLOW_S, SLOW_FOR_S = 0.02, 10.0
"""A commit at once that took so long shows a slow disk: the thread makes those that follow."""

LATE_KEPT = 10_000
"""Settlements kept for a later commit when theirs failed."""

BAD_VALUES = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    ValueError,
    TypeError,
    OverflowError,
)
"""What a single value causes that the database cannot take."""

Task = Callable[[sqlite3.Connection], Any]


class Job(NamedTuple):
    """An operation, or a task with a transaction of its own, and what to do with its outcome."""

    work: Operation | Task
    future: Any


class Done(NamedTuple):
    """The outcome of a job: a value or an error, of which `error` wins."""

    future: Any
    value: Any
    error: BuildwrightError | None


class Writer:
    """Commits at once what needs no waiting, all else in a thread of its own.

    The thread waits for other processes, for the disk and for checkpoints, and does again whatever
    failed at once; `deliver` is called in it with the outcomes. A `durable` writer commits there
    only, because each of its commits waits for the disk.
    """

    def __init__(
        self,
        path: Path,
        owner: str,
        tick: Callable[[], float],
        deliver: Callable[[list[Done]], None],
        *,
        durable: bool,
    ) -> None:
        self._path, self._owner, self._tick, self._durable = path, owner, tick, durable
        self._deliver = deliver
        self._batches: SimpleQueue[list[Job] | None] = SimpleQueue()
        self._known: dict[str, Open] = {}
        self._late: dict[str, Settlement] = {}
        self._died = self._broken = False
        self._using = threading.Lock()
        self._quick_from = float("inf") if durable else 0.0
        self._open()
        (page_bytes,) = self._connection.execute("PRAGMA page_size").fetchone()
        self._checkpoints = checkpoints.Checkpoints(path, page_bytes)
        self._thread = threading.Thread(target=self._serve, name="ledger", daemon=True)
        self._thread.start()

    def commit_now(self, jobs: list[Job]) -> list[Done] | None:
        """Commit in the caller's thread; None when nothing was done and the jobs have to be put.

        Only for a caller all of whose earlier jobs were delivered: those come first.
        """
        start = self._tick()
        if start < self._quick_from or len(jobs) > LARGEST_AT_ONCE or self._checkpoints.anew:
            return None
        if any(callable(job.work) for job in jobs) or not self._using.acquire(blocking=False):
            return None
        try:
            done = self._tried(jobs)
        finally:
            self._using.release()
        if done is not None and self._checkpoints.due():
            self._batches.put([])
        if self._tick() - start > SLOW_S:
            self._quick_from = start + SLOW_FOR_S
        return done

    def _tried(self, jobs: list[Job]) -> list[Done] | None:
        if self._late or self._broken or self._died:
            return None
        operations: list[Operation] = [job.work for job in jobs]  # type: ignore[misc]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = self._transaction(operations)
        except (StaleError, sqlite3.Error, *BAD_VALUES):
            return None
        return _done(jobs, outcomes)

    def put(self, jobs: list[Job]) -> None:
        """Queue a batch; never blocks. All of it fails when the thread has died."""
        self._batches.put(jobs)
        if self._died:
            self._fail_queued()

    def stop(self) -> None:
        """Commit what is queued, then end; blocks until it has ended."""
        self._batches.put(None)
        self._thread.join()

    def _open(self) -> None:
        self._connection = connecting.connect(self._path, durable=self._durable, wait_s=0)
        self._counters = Counters(self._connection)

    def _serve(self) -> None:
        jobs: list[Job] = []
        try:
            running = True
            while running:
                jobs, running = self._gathered()
                with self._using:
                    self._turn(jobs)
        except BaseException:
            # Nobody may wait for ever for a thread that has ended.
            self._died = True
            self._fail(jobs)
            self._fail_queued()
            raise
        finally:
            self._checkpoints.close()
            self._connection.close()

    def _turn(self, jobs: list[Job]) -> None:
        for start in range(0, len(jobs), LARGEST_GROUP):
            self._commit(jobs[start : start + LARGEST_GROUP])
            self._checkpoints.anew = False
        if not jobs or self._checkpoints.due():
            self._checkpoints.move_on(self._connection)

    def _fail_queued(self) -> None:
        while True:
            try:
                self._fail(self._batches.get_nowait() or [])
            except Empty:
                return

    def _fail(self, jobs: list[Job]) -> None:
        error = StoreError("the ledger's writer has failed", next_step="start Buildwright again")
        self._deliver([Done(job.future, None, error) for job in jobs])

    def _gathered(self) -> tuple[list[Job], bool]:
        batch = self._batches.get()
        jobs: list[Job] = []
        while batch is not None:
            jobs += batch
            try:
                batch = self._batches.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False

    def _commit(self, jobs: list[Job]) -> None:
        done: list[Done] = []
        group: list[Job] = []
        for job in jobs:
            if callable(job.work):
                done += self._operations(group)
                done.append(self._task(job))
                group = []
            else:
                group.append(job)
        done += self._operations(group)
        if done:
            self._deliver(done)

    def _operations(self, jobs: list[Job]) -> list[Done]:
        if not jobs:
            return []
        operations: list[Operation] = [*self._late.values(), *(job.work for job in jobs)]  # type: ignore[list-item]
        try:
            outcomes = self._outcomes(operations)[len(self._late) :]
        except BAD_VALUES as error:
            return self._one_by_one(jobs, error)
        except sqlite3.Error as error:
            failure = connecting.translated(error)
            self._keep_late(jobs)
            return [Done(job.future, None, failure) for job in jobs]
        self._late.clear()
        return _done(jobs, outcomes)

    def _one_by_one(self, jobs: list[Job], error: Exception) -> list[Done]:
        # A value the database cannot take fails its own call, not those that share the commit.
        late, self._late = self._late, {}
        for settlement in late.values():
            self._operations([Job(settlement, None)])
        if len(jobs) > 1 or late:
            return [done for job in jobs for done in self._operations([job])]
        failure = StoreError(f"the ledger cannot store this call: {error}")
        return [Done(jobs[0].future, None, failure)]

    def _outcomes(self, operations: list[Operation]) -> list[BuildwrightError | None]:
        for _ in range(2):
            self._begin()
            try:
                return self._transaction(operations)
            except StaleError:
                continue
        raise sqlite3.DatabaseError("rows changed while the write lock was held")

    def _transaction(self, operations: list[Operation]) -> list[BuildwrightError | None]:
        """Do all in the transaction that has begun; whatever is raised, it was rolled back."""
        try:
            group = Group(self._connection, self._counters, self._known, self._owner)
            outcomes = group.run(operations)
            self._connection.execute("COMMIT")
        except BaseException as error:
            if isinstance(error, StaleError):
                self._known.clear()
            self._roll_back()
            raise
        group.committed()
        self._checkpoints.count(len(operations), group.body_bytes)
        return outcomes

    def _task(self, job: Job) -> Done:
        task: Task = job.work  # type: ignore[assignment]
        try:
            self._begin()
            try:
                value = task(self._connection)
                self._connection.execute("COMMIT")
            finally:
                # Tasks change rows and budgets behind the back of what is remembered.
                self._known.clear()
                self._roll_back()
        except sqlite3.Error as error:
            return Done(job.future, None, connecting.translated(error))
        except BuildwrightError as error:
            return Done(job.future, None, error)
        return Done(job.future, value, None)

    def _roll_back(self) -> None:
        self._counters.forget()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._broken = True

    def _begin(self) -> None:
        if self._broken:
            self._connection.close()
            self._open()
            self._broken = False
        connecting.begin(self._connection, self._tick)

    def _keep_late(self, jobs: list[Job]) -> None:
        for job in jobs:
            if isinstance(job.work, Settlement) and len(self._late) < LATE_KEPT:
                self._late[job.work.id] = job.work


def _done(jobs: list[Job], outcomes: list[BuildwrightError | None]) -> list[Done]:
    return [Done(job.future, None, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]
