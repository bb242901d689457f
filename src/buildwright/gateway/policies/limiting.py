"""Rate limits: a call takes from all its buckets or from none, and gives back what it did not use.

A token limit is charged with the counted input and the longest answer before the call, and with
what was really used after it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from buildwright.gateway.call import Answer, Call, End
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.limits import Buckets, Kind, Level, Rule, Rules, Taking, duration
from buildwright.gateway.policies import Handler
from buildwright.gateway.policies.spending import count_tokens

KINDS: tuple[Kind, ...] = ("requests", "tokens")
NAMES = {
    kind: tuple(f"x-ratelimit-{what}-{kind}".encode() for what in ("limit", "remaining", "reset"))
    for kind in KINDS
}


class Limiting:
    """Takes before a call, adjusts after it."""

    def __init__(self, inner: Handler, rules: Rules, buckets: Buckets, default_output: int) -> None:
        self._inner, self._rules, self._buckets = inner, rules, buckets
        self._default_output = default_output
        self._adjusting: set[asyncio.Task[None]] = set()

    async def handle(self, call: Call) -> Answer:
        """Answer a call within its limits; raises GatewayError 429 that names the limit."""
        rules = self._rules.of(call.caller, call.asked)
        if not rules:
            return await self._inner(call)
        count_tokens(call, self._default_output)
        expected = call.input_tokens + call.max_output
        wants = [(rule, 1.0 if rule.kind == "requests" else float(expected)) for rule in rules]
        taking = await self._buckets.take(wants)
        if taking.refused is not None:
            raise over_limit(taking.refused, taking)
        call.headers += level_headers(taking.levels)
        try:
            answer = await self._inner(call)
        except BaseException:
            await self._settle(rules, float(expected))
            raise
        if answer.frames is None:
            await self._settle(rules, float(expected - call.usage.total))
        else:
            answer.endings.append(lambda how: self._later(rules, call, expected, how))
        return answer

    async def told(self, call: Call) -> None:
        """Note the levels for an answer that took nothing."""
        rules = self._rules.of(call.caller, call.asked)
        if rules:
            call.headers += level_headers(await self._buckets.peek(rules))

    async def _settle(self, rules: Sequence[Rule], unused: float) -> None:
        changes = [(rule, unused) for rule in rules if rule.kind == "tokens"]
        if changes and unused:
            await self._buckets.adjust(changes)

    def _later(self, rules: Sequence[Rule], call: Call, expected: int, _how: End) -> None:
        unused = float(expected - call.usage.total)
        task = asyncio.get_running_loop().create_task(self._settle(rules, unused))
        self._adjusting.add(task)
        task.add_done_callback(self._adjusting.discard)


def level_headers(levels: Sequence[Level]) -> list[tuple[bytes, bytes]]:
    """Return the headers of the tightest bucket of each kind."""
    tightest: dict[Kind, Level] = {}
    for level in levels:
        rule, left = level
        other = tightest.get(rule.kind)
        if other is None or left * other.rule.capacity < other.left * rule.capacity:
            tightest[rule.kind] = level
    headers: list[tuple[bytes, bytes]] = []
    for kind, level in tightest.items():
        limit, remaining, reset = NAMES[kind]
        left = level.left
        headers += (
            (limit, b"%d" % level.rule.per_minute),
            (remaining, b"%d" % left if left > 0 else b"0"),
            (reset, duration(level.full_in_s).encode()),
        )
    return headers


def over_limit(level: Level, taking: Taking) -> GatewayError:
    """429 with the limit's name, scope, what is used, the cap and when it is full again."""
    rule = level.rule
    used = math.ceil(rule.capacity - level.left)
    message = (
        f"rate limit of {rule.per_minute} {rule.kind} per minute reached for {rule.scope}: "
        f"used {used} of {int(rule.capacity)}, full again in {duration(level.full_in_s)}"
    )
    never = taking.wait_s is None
    if never:
        message += "; one call alone asks for more than the limit: lower max_tokens"
    return GatewayError(
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
        message,
        again=not never,
        retry_after_s=taking.wait_s,
        headers={name.decode(): value.decode() for name, value in level_headers([level])},
    )
