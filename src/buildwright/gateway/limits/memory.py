"""Buckets in memory: floats on a monotonic clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from buildwright.gateway.limits.rules import Level, Rule, Taking

MOST_BUCKETS = 100_000


class MemoryBuckets:
    """Buckets of this process; one that was not used for longest is forgotten first."""

    def __init__(self, tick: Callable[[], float], most: int = MOST_BUCKETS) -> None:
        self._tick, self._most = tick, most
        self._state: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, wants: Sequence[tuple[Rule, float]]) -> Taking:
        """Take units from all buckets or from none."""
        now = self._tick()
        lefts = [self._left(rule, now) for rule, _ in wants]
        for (rule, units), left in zip(wants, lefts, strict=True):
            if units > left:
                wait = None if units > rule.capacity else (units - left) / rule.rate
                return Taking((), _level(rule, left), wait)
        levels = []
        for (rule, units), left in zip(wants, lefts, strict=True):
            self._state[rule.name] = (left - units, now)
            self._state.move_to_end(rule.name)
            levels.append(_level(rule, left - units))
        self._forget()
        return Taking(tuple(levels))

    async def adjust(self, changes: Sequence[tuple[Rule, float]]) -> None:
        """Give units back (positive), or take more than is there (negative)."""
        now = self._tick()
        for rule, units in changes:
            left = min(rule.capacity, self._left(rule, now) + units)
            self._state[rule.name] = (left, now)

    async def peek(self, rules: Sequence[Rule]) -> tuple[Level, ...]:
        """Return the levels without taking anything."""
        now = self._tick()
        return tuple(_level(rule, self._left(rule, now)) for rule in rules)

    def remember(self, levels: Sequence[Level]) -> None:
        """Go on from levels that were told elsewhere."""
        now = self._tick()
        for level in levels:
            self._state[level.rule.name] = (level.left, now)
            self._state.move_to_end(level.rule.name)
        self._forget()

    async def close(self) -> None:
        """Nothing is open."""

    def _forget(self) -> None:
        while len(self._state) > self._most:
            self._state.popitem(last=False)

    def _left(self, rule: Rule, now: float) -> float:
        left, at = self._state.get(rule.name, (rule.capacity, now))
        return min(rule.capacity, left + (now - at) * rule.rate)


def _level(rule: Rule, left: float) -> Level:
    return Level(rule, left, (rule.capacity - left) / rule.rate)
