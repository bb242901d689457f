"""Builds whose model calls are recorded, or played again without network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from buildwright.core.build import BuildRequest
from buildwright.core.errors import UsageError
from buildwright.core.gateway_settings import ModelSettings
from buildwright.core.redact import Redactor
from buildwright.core.settings import Settings
from buildwright.gateway.cassette import new_cassette, read_cassette
from buildwright.gateway.pipeline import Gateway
from buildwright.gateway.recording import RecordingGateway, open_replay


@dataclass(frozen=True, slots=True)
class Tape:
    """Folder to record a build's model calls to, or to play them from; None = not."""

    record: Path | None = None
    replay: Path | None = None


NO_TAPE = Tape()


def taped(settings: Settings, tape: Tape) -> Settings:
    """Return the settings of a build; one that is replayed has the model it was recorded with.

    Raises UsageError for a folder without a cassette, another model, or a tape that does both.
    """
    if tape.record is not None and tape.replay is not None:
        raise UsageError("--record and --replay are both given", next_step="give one of them")
    if tape.record is not None and settings.model == "none":
        raise UsageError(
            "--record keeps model calls, and the model is none", next_step="add --model"
        )
    if tape.replay is None:
        return settings
    recorded = read_cassette(tape.replay).model
    if settings.model not in ("none", recorded):
        raise UsageError(
            f"--model is {settings.model!r}, but {str(tape.replay)!r} was recorded with "
            f"{recorded!r}",
            next_step="leave --model away",
        )
    row = ModelSettings(f"replay/{recorded}", url=str(tape.replay), free=True)
    models = {**settings.models, recorded: row}
    return settings.model_copy(update={"model": recorded, "models": models})


def insert(gateway: Gateway, tape: Tape, model: str) -> tuple[str, str]:
    """Make an empty cassette for a build that records; return the folders as texts."""
    if tape.record is not None:
        new_cassette(tape.record, model, tools=gateway.directory.plan(model)[0].tools)
    record, replay = (str(one.absolute()) if one else "" for one in (tape.record, tape.replay))
    return record, replay


@asynccontextmanager
async def gateway_of(
    gateway: Gateway, request: BuildRequest, redact: Redactor
) -> AsyncIterator[Gateway | None]:
    """Yield the gateway for one run of a build: usual, recording, replaying; None for no model."""
    if request.model == "none":
        yield None
    elif request.replay:
        async with open_replay(gateway, Path(request.replay)) as replaying:
            yield replaying
    elif request.record:
        yield RecordingGateway(gateway, read_cassette(Path(request.record)), redact)
    else:
        yield gateway
