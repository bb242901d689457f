"""Answers from a cassette: a request gets, byte for byte, what came back when it was recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

from buildwright.gateway.call import Answer, Call
from buildwright.gateway.cassette import Cassette, Recorded, read_cassette
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies.repeating import without_marks
from buildwright.gateway.providers.pools import Pools
from buildwright.gateway.targets import Target


class ReplayProvider:
    """Plays the cassette in the folder that a target's address names; sends nothing."""

    def __init__(self, _pools: Pools, _tick: Callable[[], float], _answer_limit: int) -> None:
        self._cassettes: dict[str, Cassette] = {}
        self._times: Counter[tuple[str, str]] = Counter()

    async def send(self, call: Call, target: Target) -> Answer:
        """Return the recorded answer; raises the recorded GatewayError, or NotRecordedError."""
        key = without_marks(call.key)
        time = self._times[target.url, key]
        recorded = self._cassette(target.url).find(key, call.body, time)
        self._times[target.url, key] += 1
        call.usage, call.repeated_nano = recorded.usage, recorded.cost_nano
        call.target = replace(target, name=recorded.model)
        if recorded.error is not None and not recorded.answer:
            raise _final(recorded)
        if not call.stream:
            return Answer(recorded.answer, usage=recorded.usage)
        return Answer(frames=_frames(recorded))

    async def close(self) -> None:
        """Nothing is open."""

    def _cassette(self, folder: str) -> Cassette:
        if folder not in self._cassettes:
            self._cassettes[folder] = read_cassette(Path(folder))
        return self._cassettes[folder]


async def _frames(recorded: Recorded) -> AsyncGenerator[bytes, None]:
    yield recorded.answer
    if recorded.error is not None:
        error = GatewayError(**recorded.error)
        error.upstream, error.billed = True, "unknown"
        raise error


def _final(recorded: Recorded) -> GatewayError:
    """Return the recorded error as one that no policy tries again: that was done when recording."""
    error = GatewayError(**dict(recorded.error or {}))
    error.again = False
    return error
