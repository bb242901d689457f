"""A finished model call, as those who only listen see it."""

from __future__ import annotations

from typing import NamedTuple

from buildwright.core.ledger import TokenUsage, Wire


class CallDone(NamedTuple):
    """One call, however it ended. Seconds; `cache` is what Cache-Status says, `error` a code.

    `model` is the name of the target that answered ("" when none was asked). A tuple, because a
    frozen dataclass of so many fields takes six times as long to make.
    """

    call_id: str
    wire: Wire
    asked: str
    provider: str
    model: str
    status: int
    error: str
    stream: bool
    cache: str
    usage: TokenUsage
    cost_nano: int
    total_s: float
    upstream_s: float
    first_byte_s: float
    queue_s: float
    attempts: int
    fallbacks: int
