"""The sandbox that builds would use."""

from __future__ import annotations

from buildwright.core.settings import Settings
from buildwright.sandbox import open_sandbox

SANDBOX_PROOF = "sandbox-proof.json"
"""File in the home folder that keeps what was proven of this machine's sandboxes."""


async def proven_sandbox(settings: Settings) -> tuple[str, tuple[str, ...]]:
    """Return backend name and proven layers; raises SandboxUnavailableError with the fix."""
    box = await open_sandbox(settings.sandbox.backend, cache=settings.home / SANDBOX_PROOF)
    return box.name, box.layers
