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
        now, levels = self._tick(), []
        for rule, units in wants:
            left = self._left(rule, now)
            if units > left:
                wait = None if units > rule.capacity else (units - left) / rule.rate
                return Taking((), Level(rule, left), wait)
            levels.append(Level(rule, left - units))
        self._set(levels, now)
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
        return tuple(Level(rule, self._left(rule, now)) for rule in rules)

    def remember(self, levels: Sequence[Level]) -> None:
        """Go on from levels that were told elsewhere."""
        self._set(levels, self._tick())

    async def close(self) -> None:
        """Nothing is open."""

    def _set(self, levels: Sequence[Level], now: float) -> None:
        state = self._state
        for rule, left in levels:
            state[rule.name] = (left, now)
            state.move_to_end(rule.name)
        while len(state) > self._most:
            state.popitem(last=False)

    def _left(self, rule: Rule, now: float) -> float:
        found = self._state.get(rule.name)
        if found is None:
            return rule.capacity
        left = found[0] + (now - found[1]) * rule.rate
        return left if left < rule.capacity else rule.capacity
