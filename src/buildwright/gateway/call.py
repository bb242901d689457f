"""A call on its way through the policies, and its answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from buildwright.core.ledger import NO_USAGE, TokenUsage, Wire
from buildwright.gateway.targets import Target

End = Literal["complete", "left", "cut"]
"""How a stream ended: all of it was sent on, the client left, or the upstream broke off."""


Keep = Callable[[bytes], Awaitable[None]]
"""Takes a stream that came to its end."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `tenant` parts callers from each other; `scopes` are budgets, widest first."""

    tenant: str = "local"
    key_id: str = ""
    scopes: tuple[str, ...] = ("org:local",)
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    models: tuple[str, ...] = ()


LOCAL = Caller()


@dataclass(frozen=True, slots=True)
class CacheWish:
    """What the client's Cache-Control asks for; `max_age_s` None = any age."""

    read: bool = True
    store: bool = True
    only: bool = False
    max_age_s: float | None = None


ANY_CACHE = CacheWish()


class Call:
    """One request; policies read it and note on it what they did.

    `body` is the parsed JSON of its wire; only the model's name is ever replaced in it. `tick` and
    `deadline` are monotonic seconds, `at` seconds since the epoch. `upstream_headers` are the
    client's own that an upstream of its wire has to see. `lets_go`: who reads a stream asks
    `Answer.let_go` before it is cancelled because its client left.
    """

    __slots__ = (
        "asked", "at", "attempts", "body", "bound_nano", "cache", "cache_status", "caller",
        "cost_nano", "deadline", "fallbacks", "fence", "first_byte_s", "headers", "id",
        "input_tokens", "key", "lets_go", "max_output", "plan", "queue_s", "refused",
        "repeated_nano", "repeats", "request_id", "same", "sent", "settled", "stream", "target",
        "tick", "uncertain_nano", "upstream_headers", "upstream_s", "usage", "wire",
    )  # fmt: skip

    def __init__(
        self, call_id: str, wire: Wire, body: dict[str, Any], caller: Caller, at: float, tick: float
    ) -> None:
        self.id, self.wire, self.body, self.caller = call_id, wire, body, caller
        self.at, self.tick = at, tick
        self.asked: str = body["model"]
        self.stream: bool = bool(body.get("stream", False))
        self.deadline = float("inf")
        self.cache: CacheWish = ANY_CACHE
        self.key = self.same = ""
        self.request_id = call_id
        self.fence: tuple[str, int] | None = None
        self.plan: tuple[Target, ...] = ()
        self.target: Target | None = None
        self.input_tokens = self.max_output = 0
        self.bound_nano = self.cost_nano = self.uncertain_nano = self.repeated_nano = 0
        self.usage: TokenUsage = NO_USAGE
        self.attempts = self.fallbacks = 0
        self.sent = self.refused = self.repeats = self.lets_go = False
        self.settled: Awaitable[None] | None = None
        self.queue_s = self.upstream_s = self.first_byte_s = 0.0
        self.cache_status = ""
        self.headers: list[tuple[bytes, bytes]] = []
        self.upstream_headers: tuple[tuple[bytes, bytes], ...] = ()


class Answer:
    """What came back: a whole `body`, or `frames` (complete server-sent events) as they come.

    Who consumes the frames calls `end` exactly once, whatever happens; policies that have to know
    leave a callback in `endings`. `content_type` is that of the body.
    """

    __slots__ = ("_ended", "body", "endings", "frames", "status", "usage")

    def __init__(
        self,
        body: bytes = b"",
        frames: AsyncGenerator[bytes, None] | None = None,
        usage: TokenUsage | None = None,
        status: int = 200,
    ) -> None:
        self.body, self.frames, self.usage, self.status = body, frames, usage, status
        self.endings: list[Callable[[End], None]] = []
        self._ended = False

    def let_go(self) -> bool:
        """True when others listen too: the frames then end by themselves, as if cancelled."""
        return False

    def keep(self, whole: Keep) -> bool:
        """True when it gives all its frames to `whole` itself once they have come to their end."""
        return False

    def end(self, how: End) -> None:
        """Tell every policy how the stream ended, innermost first; once."""
        if self._ended:
            return
        self._ended = True
        for ending in self.endings:
            ending(how)
