"""The sandbox that builds would use."""

from __future__ import annotations

from buildwright.core.settings import Settings
from buildwright.services.selftest import sandbox_of_builds


async def proven_sandbox(settings: Settings) -> tuple[str, tuple[str, ...]]:
    """Return backend name and proven layers; raises SandboxUnavailableError with the fix."""
    box = await sandbox_of_builds(settings, settings.sandbox.backend)
    return box.name, box.layers
