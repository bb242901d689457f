"""Submitting, running, resuming and cancelling builds."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from buildwright.core.build import Build, BuildRequest, BuildState, Outcome, Status, fold
from buildwright.core.clock import Clock
from buildwright.core.errors import BuildwrightError, LeaseLostError, UsageError
from buildwright.core.events import Event, EventKind
from buildwright.core.report import Report
from buildwright.core.settings import Settings
from buildwright.core.tree import RenderedFile, Tree
from buildwright.gateway.pipeline import Gateway
from buildwright.sandbox import Sandbox
from buildwright.services.calls import BuildCalls, caps_of, set_cap
from buildwright.services.kits import make_kit
from buildwright.services.lease import hold
from buildwright.services.owner import owner_is_dead, this_owner
from buildwright.services.redaction import redacted_kit, redacted_wish, redactor_of
from buildwright.services.reopening import (
    awaits_judgement,
    check_cap,
    refuse_changed,
    refuse_finished,
    reopening,
)
from buildwright.services.replay import NO_TAPE, Tape, gateway_of, insert, taped
from buildwright.services.request import Wish, read_project, read_tests, read_wish
from buildwright.store.builds import BuildStore
from buildwright.store.rows import Claim, Data, Note
from buildwright.workflow.deliverable import deliverable
from buildwright.workflow.graph import run_build
from buildwright.workspace import delivery, snapshots

Emit = Callable[[Sequence[Event]], None]
ReadFolder = Callable[[Path], tuple[RenderedFile, ...]]
OpenSandbox = Callable[[BuildRequest], Awaitable[Sandbox]]


@dataclass(frozen=True, slots=True)
class Builds:
    """Use cases around builds; one instance for each open application."""

    settings: Settings
    store: BuildStore
    gateway: Gateway
    clock: Clock
    version: str
    emit: Emit
    open_sandbox: OpenSandbox

    @property
    def calls(self) -> BuildCalls:
        """The model calls of builds."""
        return BuildCalls(self.gateway.ledger)

    async def submit(self, wish: Wish, *, unsafe: bool = False, tape: Tape = NO_TAPE) -> Build:
        """Check a wish, reserve its output folder and store the build as queued.

        Raises UsageError before anything is stored or written.
        """
        settings = taped(self.settings, tape)
        wish = redacted_wish(wish, redactor_of(self.settings))
        text, analysis = await asyncio.to_thread(read_wish, wish, settings)
        tests = await self._kept(read_tests, wish.tests)
        into = await self._kept(read_project, wish.into)
        build_id = self.clock.new_id()
        record, replay = insert(self.gateway, tape, settings.model)
        out = _reserve(wish, analysis.name, build_id)
        request = BuildRequest(
            text=text,
            out=str(out),
            template=wish.template,
            model=settings.model,
            answers=dict(wish.answers),
            sandbox=self.settings.sandbox.backend,
            unsafe=unsafe,
            tests=tests,
            into=into,
            scope=wish.scope,
            record=record,
            replay=replay,
        )
        if settings.model != "none":
            await set_cap(self.gateway.ledger, build_id, settings.agent.max_usd)
        event = await self.store.add(build_id, analysis.name, request, self.clock.now())
        self.emit([event])
        return await self.store.get(build_id)

    async def run(self, build_id: str, *first: Note) -> Build:
        """Run a build from its first unfinished stage to its outcome.

        Raises LeaseLostError when another process runs it. When this task is cancelled the build
        is given back and can be resumed. `first` are events to store as soon as it is claimed.
        """
        build = await self.store.get(build_id)
        dead = bool(build.owner) and owner_is_dead(build.owner)
        claim = await self.store.claim(build.id, this_owner(), self.clock.now(), steal=dead)
        kind = EventKind.BUILD_STARTED if claim.epoch == 1 else EventKind.BUILD_RESUMED
        self.emit(await self.store.note(claim, self.clock.now(), *first, Note(kind)))
        async with hold(self.store, claim, self.clock) as lease:
            try:
                outcome, reason = await lease.guard(self._stages(build, claim))
            except LeaseLostError:
                raise
            except BuildwrightError as error:
                outcome, reason = Outcome.ERROR, redactor_of(self.settings)(str(error))
            except asyncio.CancelledError:
                if not lease.cancel_requested:
                    note = "interrupted by the user or a signal"
                    self.emit(await self.store.release(claim, note, self.clock.now()))
                    raise
                outcome, reason = Outcome.CANCELLED, "cancelled by request"
        return await self._finish(build, claim, outcome, reason)

    async def build(self, wish: Wish, *, unsafe: bool = False, tape: Tape = NO_TAPE) -> Build:
        """Submit and run."""
        return await self.run((await self.submit(wish, unsafe=unsafe, tape=tape)).id)

    async def resume(self, build_id: str, *, max_usd: float | None = None) -> Build:
        """Go on with a build that was interrupted, cancelled, or ended by an error of ours.

        Its cap stays what it was set to since, unless `max_usd` is given. One that ended over
        budget goes on with a cap above what it has spent; so does one that was interrupted before
        that attempt was judged. Raises UsageError, with nothing changed, for any other that is
        finished and for a cap that is not above.
        """
        build = await self.store.get(build_id)
        refuse_finished(build)
        spent = await self.calls.spent_nano(build.id)
        if build.outcome is Outcome.OVER_BUDGET:
            check_cap(build, max_usd, spent, await caps_of(self.gateway.ledger, build.id))
            await asyncio.to_thread(refuse_changed, build, await self.files(build.id))
        state = await self._state(build)
        more = reopening(state, max_usd, spent)
        if build.request.into is None:
            delivery.reserve_output(Path(build.request.out), build.id)
        if max_usd is not None:
            await set_cap(self.gateway.ledger, build.id, max_usd)
        if build.outcome is not None:
            await self.store.reopen(build.id, self.clock.now())
        done = await self.run(build.id, *more)
        if done.outcome is Outcome.OVER_BUDGET and awaits_judgement(state, max_usd, spent):
            return await self.resume(build.id, max_usd=max_usd)
        return done

    async def cancel(self, build_id: str) -> Build:
        """Stop a build wherever it runs; one that nobody runs is cancelled at once."""
        build = await self.store.get(build_id)
        if build.outcome is not None:
            raise UsageError(
                f"build {build.id} is finished ({build.outcome.value})",
                next_step=f"buildwright builds show {build.id}",
            )
        now = self.clock.now()
        self.emit([await self.store.request_cancel(build.id, now)])
        running = build.status is Status.RUNNING and not owner_is_dead(build.owner)
        if not running:
            claim = await self.store.claim(build.id, this_owner(), now, steal=True)
            return await self._finish(build, claim, Outcome.CANCELLED, "cancelled by request")
        return await self.store.get(build.id)

    async def report(self, build_id: str) -> Report | None:
        """Return the report of a build, or None when it has not come so far."""
        build = await self.store.get(build_id)
        return (await self._state(build)).products.report

    async def files(self, build_id: str) -> tuple[RenderedFile, ...]:
        """Return everything a build delivers or, before its end, what it has so far."""
        state = await self._state(await self.store.get(build_id))
        return await asyncio.to_thread(
            deliverable, state, self.settings.home / "snapshots", self.version
        )

    async def export(self, build_id: str, out: Path) -> Path:
        """Write the project of a build to another folder; raises OutputError."""
        build = await self.store.get(build_id)
        files = await self.files(build.id)
        if not files:
            raise UsageError(
                f"build {build.id} has no files yet",
                next_step=f"buildwright builds resume {build.id}",
            )
        delivery.reserve_output(out, build.id)
        await asyncio.to_thread(delivery.deliver, files, out, build.id)
        return out

    async def _state(self, build: Build) -> BuildState:
        updates = await self.store.updates(build.id)
        return fold(build, updates, await self.store.reopened(build.id))

    async def _kept(self, read: ReadFolder, folder: Path | None) -> Tree | None:
        if folder is None:
            return None
        files = await asyncio.to_thread(read, folder)
        return await asyncio.to_thread(snapshots.save, self.settings.home / "snapshots", files)

    async def _stages(self, build: Build, claim: Claim) -> tuple[Outcome, str]:
        sandbox = await self.open_sandbox(build.request)
        state = await self._state(build)
        redact = redactor_of(self.settings)
        async with gateway_of(self.gateway, build.request, redact) as gateway:
            kit = await make_kit(self, claim, sandbox, build.request.model, gateway)
            final = await run_build(state, redacted_kit(kit, redact))
        if final.products.report is None:
            raise BuildwrightError("the build ended without a report", next_step="resume it")
        return Outcome(final.products.report.outcome), final.products.report.reason

    async def _finish(self, build: Build, claim: Claim, outcome: Outcome, reason: str) -> Build:
        now = self.clock.now()
        data: Data = {"seconds": round(now - build.created_at, 3), "reason": reason}
        self.emit(await self.store.finish(claim, outcome, reason, now, data))
        if outcome in (Outcome.ERROR, Outcome.CANCELLED):
            delivery.release_output(Path(build.request.out))
        shutil.rmtree(self.settings.home / "work" / build.id, ignore_errors=True)
        return await self.store.get(build.id)


def _reserve(wish: Wish, name: str, build_id: str) -> Path:
    if wish.into is not None:
        return wish.into.absolute()
    if wish.out is None:
        return delivery.reserve_free_name(wish.folder.absolute(), name, build_id)
    out = wish.out if wish.out.is_absolute() else wish.folder.absolute() / wish.out
    delivery.reserve_output(out, build_id)
    return out
