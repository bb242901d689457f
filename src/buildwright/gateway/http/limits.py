"""How long to wait and how much to hold."""

from __future__ import annotations

from dataclasses import dataclass

from buildwright.core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds of patience; the deadline of the whole call belongs to the caller.

    `connect_s`: name look-up, TCP and TLS together. `first_s`: from the request being written to
    a complete response head; while a large request is still being written, the same time without
    any progress. `between_s`: between two pieces of the body, not counting time in which the
    reader itself held the peer back. `pool_s`: waiting for a free connection.
    """

    connect_s: float = 10.0
    first_s: float = 60.0
    between_s: float = 60.0
    pool_s: float = 60.0


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """`max_connections` counts those being opened too; idle ones are closed after `idle_s`.

    Raises SettingsError for fewer than one connection.
    """

    max_connections: int = 256
    max_idle: int = 256
    idle_s: float = 30.0

    def __post_init__(self) -> None:
        """A pool without a place would make every caller wait for ever."""
        if self.max_connections < 1:
            raise SettingsError(
                f"max_connections is {self.max_connections}; expected 1 or more",
                next_step="correct the pool's size in the configuration",
            )


MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
MAX_INTERIM = 8
PAUSE_BYTES = 256 * 1024
RESUME_BYTES = 64 * 1024
