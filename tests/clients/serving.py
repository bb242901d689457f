"""What a test of a real client works with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tests.clients.model_server import ModelServer

from buildwright.app.gateway import GatewayService
from buildwright.core.keys import ApiKey
from buildwright.store.keys import KeyStore


@dataclass
class Front:
    """A model server, the gateway before it, its address with `/v1`, and its database."""

    model: ModelServer
    service: GatewayService
    url: str
    database: Path
    ahead: list[float]

    def later(self, seconds: float) -> None:
        """Move the gateway's own clock of durations."""
        self.ahead[0] += seconds

    def key(self, name: str = "mine", **rights: object) -> str:
        """Make an API key; from then on calls need one."""
        allowed = ApiKey("", "", "", **rights)  # type: ignore[arg-type]
        _, plaintext = KeyStore(self.database, time.time).create(name, allowed)
        # Keys are looked for at most once a second.
        self.later(2.0)
        return plaintext
