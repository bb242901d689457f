"""The one thread of a process that writes the ledger: it commits what has gathered, as a group."""

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
    """Started with the first batch; `deliver` is called in its thread with the outcomes."""

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
        self._checkpoints = checkpoints.Checkpoints(path)
        self._open()
        self._thread = threading.Thread(target=self._serve, name="ledger", daemon=True)
        self._thread.start()

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
                for start in range(0, len(jobs), LARGEST_GROUP):
                    self._commit(jobs[start : start + LARGEST_GROUP])
                self._checkpoints.after_commit(self._connection)
        except BaseException:
            # Nobody may wait for ever for a thread that has ended.
            self._died = True
            self._fail(jobs)
            self._fail_queued()
            raise
        finally:
            self._checkpoints.close()
            self._connection.close()

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
        return [
            Done(job.future, None, outcome) for job, outcome in zip(jobs, outcomes, strict=True)
        ]

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
                group = Group(self._connection, self._counters, self._known, self._owner)
                outcomes = group.run(operations)
                self._connection.execute("COMMIT")
            except StaleError:
                self._known.clear()
                self._roll_back()
                continue
            except BaseException:
                self._roll_back()
                raise
            group.committed()
            return outcomes
        raise sqlite3.DatabaseError("rows changed while the write lock was held")

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
