"""What is kept of an answer, and what a store of answers has to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from buildwright.gateway.sse import data_of, events_of

FINISH = re.compile(rb'"finish_reason":\s*"')


@dataclass(frozen=True, slots=True)
class Entry:
    """A whole answer, or the joined events of a stream, as it was sent on.

    `name` is "tenant/model", for clearing by pattern; `at` and `until` are seconds since the epoch.
    """

    name: str
    answer: bytes
    stream: bool
    at: float
    until: float

    @property
    def size(self) -> int:
        """Bytes it takes, its frame included."""
        return len(self.answer) + len(self.name) + 200

    def told(self, call_id: str, at: float) -> bytes:
        """Return the answer with a new id and time of creation, its usage as of another call."""
        if not self.stream:
            return _again(self.answer, call_id, at)
        return b"".join(_event(event, call_id, at) for event in events_of(self.answer))


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Numbers of a cache since it was opened; `memory_used` in bytes, `hit_rate` a share."""

    enabled: bool
    backend: str
    keys: int
    memory_used: int
    hit_rate: float


class Cache(Protocol):
    """Keeps entries by key; memory and Redis pass the same tests. It never raises."""

    async def get(self, key: str) -> Entry | None:
        """Return an entry that has not run out."""
        ...

    async def set(self, key: str, entry: Entry) -> None:
        """Keep an entry until its time is over, or until there is no room."""
        ...

    async def clear(self, pattern: str = "*") -> int:
        """Delete entries whose name or key matches (`*` as a wildcard); return how many."""
        ...

    async def stats(self) -> CacheStats:
        """Return numbers."""
        ...

    async def close(self) -> None:
        """Give back what is open."""
        ...


def finished(answer: bytes) -> bool:
    """True when an answer says how it ended; one that does not is not worth keeping."""
    return FINISH.search(answer) is not None or b'"embedding"' in answer


def _event(event: bytes, call_id: str, at: float) -> bytes:
    data = data_of(event)
    if not data.startswith(b"{"):
        return event + b"\n\n"
    return b"data: " + _again(data, call_id, at) + b"\n\n"


def _again(raw: bytes, call_id: str, at: float) -> bytes:
    answer: dict[str, Any] = {"id": call_id, "created": int(at)}
    stored = orjson.loads(raw)
    usage = stored.get("usage")
    answer = stored | answer
    if usage:
        answer["usage"] = _nothing(usage)
        answer["buildwright"] = {"cached": True, "original_usage": usage}
    return orjson.dumps(answer)


def _nothing(usage: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _nothing(value) if isinstance(value, dict) else 0 for name, value in usage.items()
    }
