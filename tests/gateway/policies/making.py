"""Calls, targets and inner handlers for tests of single policies."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.call import Answer, Call, Caller
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.pricing import Price, Rates
from buildwright.gateway.surroundings import Surroundings
from buildwright.gateway.targets import Target

MTOK = 1_000_000
USAGE = TokenUsage(fresh_input=10, output=5)
ANSWER = (
    b'{"id":"a","created":1,"choices":[{"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":5}}'
)


@dataclass
class Clock:
    """Time that only tests move; sleeping moves it."""

    at: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def around(self, share: float = 0.5) -> Surroundings:
        return Surroundings(self.now, self.now, self.sleep, lambda: share)


def target(name: str = "m", nano_per_token: int = 1) -> Target:
    per_mtok = nano_per_token * MTOK
    rates = Rates(per_mtok, per_mtok, per_mtok, per_mtok, per_mtok, per_mtok)
    return Target(name, name, name, "openai", Price(rates, "test"), f"http://{name}")


def call(
    text: str = "hi", *, caller: Caller | None = None, plan: tuple[Target, ...] = (), **body: Any
) -> Call:
    messages = [{"role": "user", "content": text}]
    full = {"model": "m", "messages": messages, "max_tokens": 20, **body}
    made = Call(f"call-{next(_COUNT)}", "chat", full, caller or Caller(), 1000.0, 1000.0)
    made.plan = plan or (target(),)
    made.target = made.plan[0]
    return made


_COUNT = count()


class Upstream:
    """An inner handler or sender that plays a list of outcomes, then answers."""

    def __init__(self, *outcomes: GatewayError | Answer | Callable[[], Answer]) -> None:
        self.outcomes, self.calls = list(outcomes), 0
        self.asked: list[str] = []

    async def send(self, call: Call, target: Target) -> Answer:
        self.asked.append(target.name)
        return await self.handle(call)

    async def handle(self, call: Call) -> Answer:
        self.calls += 1
        call.attempts += 1
        outcome = self.outcomes.pop(0) if self.outcomes else Answer(ANSWER, usage=USAGE)
        if isinstance(outcome, GatewayError):
            raise outcome
        answer = outcome if isinstance(outcome, Answer) else outcome()
        call.usage = USAGE
        return answer


def streamed(*blocks: bytes) -> Answer:
    async def frames() -> AsyncGenerator[bytes, None]:
        for block in blocks:
            yield block

    return Answer(frames=frames())
