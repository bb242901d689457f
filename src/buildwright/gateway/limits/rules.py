"""Which limits a call falls under, and what a store of buckets has to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, Protocol

from buildwright.core.errors import SettingsError
from buildwright.core.gateway_settings import LimitSettings
from buildwright.gateway.call import Caller

Kind = Literal["requests", "tokens"]
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Rule:
    """One bucket: `capacity` units at most, `per_minute` flow in; `scope` names what it counts.

    `rate` is the units that flow in a second.
    """

    name: str
    kind: Kind
    scope: str
    per_minute: int
    capacity: float
    rate: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", self.per_minute / MINUTE_S)


class Level(NamedTuple):
    """State of a bucket: units left."""

    rule: Rule
    left: float

    @property
    def full_in_s(self) -> float:
        """Seconds until it is full again."""
        return (self.rule.capacity - self.left) / self.rule.rate


class Taking(NamedTuple):
    """What came of taking: the levels after it, or the bucket that refused and how long to wait.

    A wait of None says that so many units never fit into the bucket.
    """

    levels: tuple[Level, ...]
    refused: Level | None = None
    wait_s: float | None = 0.0


class Buckets(Protocol):
    """Keeps buckets; memory and Redis pass the same tests."""

    async def take(self, wants: Sequence[tuple[Rule, float]]) -> Taking:
        """Take units from all buckets or from none."""
        ...

    async def adjust(self, changes: Sequence[tuple[Rule, float]]) -> None:
        """Give units back (positive), or take more than is there (negative)."""
        ...

    async def peek(self, rules: Sequence[Rule]) -> tuple[Level, ...]:
        """Return the levels without taking anything."""
        ...

    async def close(self) -> None:
        """Give back what is open."""
        ...


class Rules:
    """The limits of the settings and of API keys; raises SettingsError for one without a number."""

    def __init__(self, settings: Sequence[LimitSettings]) -> None:
        for number, given in enumerate(settings):
            if given.requests_per_minute is None and given.tokens_per_minute is None:
                raise SettingsError(
                    f"gateway.limits[{number}] limits nothing; expected requests_per_minute, "
                    "tokens_per_minute or both",
                    next_step="add one, or take the row out",
                )
        self._settings = settings
        # By identity: a caller lives as long as its key, and to hash one costs more than the rest.
        self._known: dict[tuple[int, str], tuple[Caller, tuple[Rule, ...]]] = {}

    def of(self, caller: Caller, model: str) -> tuple[Rule, ...]:
        """Return the buckets a call takes from, widest first."""
        known = self._known.get((id(caller), model))
        if known is not None:
            return known[1]
        if len(self._known) > 10_000:
            self._known.clear()
        rules = tuple(self._made(caller, model))
        self._known[id(caller), model] = caller, rules
        return rules

    def _made(self, caller: Caller, model: str) -> list[Rule]:
        rules: list[Rule] = []
        for given in self._settings:
            counted = {"global": "", "key": caller.key_id or caller.tenant, "model": model}
            subject = counted[given.scope]
            if given.scope != "global" and not fnmatchcase(subject, given.match):
                continue
            scope = f"{given.scope} {subject}".strip()
            rules += _pair(scope, given.requests_per_minute, given.tokens_per_minute, given.burst)
        rules += _pair(
            f"key {caller.key_id}", caller.requests_per_minute, caller.tokens_per_minute, None
        )
        return rules


def _pair(scope: str, requests: int | None, tokens: int | None, burst: float | None) -> list[Rule]:
    share = 1.0 if burst is None else burst
    kinds: tuple[tuple[Kind, int | None], ...] = (("requests", requests), ("tokens", tokens))
    return [
        Rule(f"{kind} {scope} {count}", kind, scope, count, max(1.0, count * share))
        for kind, count in kinds
        if count is not None
    ]


def duration(seconds: float) -> str:
    """Return seconds as the OpenAI wire writes them: 12ms, 1s, 6m0s."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}ms"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
