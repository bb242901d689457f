"""Buckets in Redis, shared by all processes; in memory while Redis does not answer.

Time is that of Redis, so processes need no equal clocks. A bucket falls back to the level that
Redis told last, so that a limit does not start anew; each process counts for itself then.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from buildwright.gateway.limits.memory import MemoryBuckets
from buildwright.gateway.limits.rules import Level, Rule, Taking
from buildwright.gateway.redis_link import RedisAwayError, RedisLink

PREFIX = "buildwright:{limits}:"
What = Literal["take", "adjust", "peek"]


class RedisBuckets:
    """Buckets that several processes take from; the link is closed by who opened it."""

    def __init__(self, link: RedisLink, memory: MemoryBuckets) -> None:
        self._link, self._memory = link, memory
        self._script = Path(__file__).with_name("buckets.lua").read_text(encoding="utf-8")

    async def take(self, wants: Sequence[tuple[Rule, float]]) -> Taking:
        """Take units from all buckets or from none."""
        try:
            refused, *lefts = await self._link.ask(*self._command("take", wants))
        except RedisAwayError:
            return await self._memory.take(wants)
        levels = _levels([rule for rule, _ in wants], lefts)
        self._memory.remember(levels)
        if int(refused) == 0:
            return Taking(levels)
        rule, units = wants[int(refused) - 1]
        level = levels[int(refused) - 1]
        wait = None if units > rule.capacity else (units - level.left) / rule.rate
        return Taking((), level, wait)

    async def adjust(self, changes: Sequence[tuple[Rule, float]]) -> None:
        """Give units back (positive), or take more than is there (negative)."""
        try:
            await self._link.tell(*self._command("adjust", changes))
        except RedisAwayError:
            await self._memory.adjust(changes)

    async def peek(self, rules: Sequence[Rule]) -> tuple[Level, ...]:
        """Return the levels without taking anything."""
        try:
            lefts = await self._link.ask(*self._command("peek", [(rule, 0.0) for rule in rules]))
        except RedisAwayError:
            return await self._memory.peek(rules)
        return _levels(rules, lefts[1:])

    async def close(self) -> None:
        """Forget what is in memory."""
        await self._memory.close()

    def _command(
        self, what: What, wants: Sequence[tuple[Rule, float]]
    ) -> tuple[bytes | str | float, ...]:
        keys = [PREFIX + rule.name for rule, _ in wants]
        numbers = [number for rule, units in wants for number in (units, rule.capacity, rule.rate)]
        return ("EVAL", self._script, len(keys), *keys, what, *numbers)


def _levels(rules: Sequence[Rule], lefts: Sequence[bytes]) -> tuple[Level, ...]:
    return tuple(Level(rule, float(left)) for rule, left in zip(rules, lefts, strict=True))
