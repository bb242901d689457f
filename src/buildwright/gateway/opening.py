"""Opening a gateway for one model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from buildwright.core.settings import Settings
from buildwright.gateway.models import Models
from buildwright.gateway.policies import BoundedGateway, Provider
from buildwright.gateway.providers.openai_wire import OpenAiWire
from buildwright.gateway.providers.scripted import Reference, make_scripted


@asynccontextmanager
async def open_gateway(
    settings: Settings, name: str, reference: Reference | None = None
) -> AsyncIterator[BoundedGateway]:
    """Yield a bounded gateway to a model by name; raises UnknownNameError or SettingsError."""
    model = Models(settings.models).resolve(name)
    provider: Provider
    if model.wire == "scripted":
        provider = make_scripted(model, reference)
    else:
        provider = OpenAiWire(model, between_tokens_s=settings.agent.call_timeout_s)
    gateway = BoundedGateway(
        model,
        provider,
        max_usd=settings.agent.max_usd,
        timeout_s=settings.agent.call_timeout_s,
    )
    try:
        yield gateway
    finally:
        await gateway.close()
