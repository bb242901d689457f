"""Making the kit of a build: the same tools for every stage, each commit under its claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildwright.core.build import StageName, StageRecord, Update
from buildwright.core.events import EventKind
from buildwright.core.settings import Settings
from buildwright.gateway.pipeline import Gateway
from buildwright.sandbox import Limits, Sandbox
from buildwright.services.calls import port_of_build
from buildwright.store.rows import Claim, Data, Note
from buildwright.workflow.kit import Kit

if TYPE_CHECKING:
    from buildwright.services.builds import Builds


async def make_kit(
    builds: Builds, claim: Claim, sandbox: Sandbox, model: str, gateway: Gateway | None
) -> Kit:
    """Return the kit of one run of one build; `gateway` is None without a model."""
    store, clock = builds.store, builds.clock
    port, tools = None, False
    if gateway is not None:
        port = await port_of_build(gateway, builds.settings, claim)
        tools = gateway.directory.plan(model)[0].tools

    async def record(done: StageRecord, update: Update, line: str) -> None:
        data: Data = {"summary": line, "seconds": round(done.seconds, 3)}
        builds.emit(await store.record(claim, done, update, data))

    async def started(stage: StageName, attempt: int) -> None:
        note = Note(EventKind.STAGE_STARTED, stage, attempt)
        builds.emit(await store.note(claim, clock.now(), note))

    async def note(stage: StageName, line: str) -> None:
        entry = Note(EventKind.STAGE_NOTE, stage, 1, {"text": line})
        builds.emit(await store.note(claim, clock.now(), entry))

    medians = await store.stage_medians()
    return Kit(
        home=builds.settings.home,
        version=builds.version,
        clock=clock,
        sandbox=sandbox,
        limits=limits_of(builds.settings),
        template_folders=builds.settings.templates,
        answers=_default_answers(builds.settings),
        past_s={stage.value: seconds for stage, seconds in medians.items()},
        agent=builds.settings.agent,
        gateway=port,
        tools=tools,
        record=record,
        started=started,
        note=note,
    )


def limits_of(settings: Settings) -> Limits:
    """Return the sandbox limits of the settings."""
    chosen = settings.sandbox
    return Limits(
        wall_s=chosen.wall_s,
        cpu_s=max(1, int(chosen.wall_s)),
        memory_bytes=chosen.memory_mib << 20,
        processes=chosen.processes,
        output_bytes=chosen.output_kib << 10,
    )


def _default_answers(settings: Settings) -> dict[str, str]:
    answers: dict[str, str] = {"license": settings.build.license}
    if settings.build.author:
        answers["author"] = settings.build.author
    return answers
