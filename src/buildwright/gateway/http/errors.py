"""What can go wrong between a request and its answer, with the one fact money depends on."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "connect",  # refused, unreachable, or the pool was closed
    "dns",
    "tls",
    "connect_timeout",
    "pool_timeout",  # no connection became free in time
    "first_timeout",  # no complete response head in time
    "between_timeout",  # the body stalled
    "cut",  # the peer closed in the middle
    "reset",
    "malformed",
    "too_large",
]


class HttpError(Exception):
    """An exchange that failed.

    `sent` is False only where provably no byte of the request was handed to a connection: such a
    call was not received, was not charged, and may be repeated. True means its fate is unknown.
    The message names the origin and never holds a header, a path or a body.
    """

    def __init__(self, kind: Kind, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.sent = sent

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class UnsafeRequestError(ValueError):
    """A method, path or header that must not be written to a connection; nothing was sent."""
