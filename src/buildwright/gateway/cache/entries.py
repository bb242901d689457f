"""What is kept of an answer, and what a store of answers has to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson

from buildwright.gateway.sse import data_of, events_of, name_of

NEAR_END = 2048
FINISH = re.compile(rb'"(?:finish|stop)_reason":\s*"')


class Entry(NamedTuple):
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
    """True when an answer says how it ended; one that does not is not worth keeping.

    Looked for at its end first: to search a stream of 160 KB from its beginning takes 0.2 ms.
    """
    near = max(0, len(answer) - NEAR_END)
    if FINISH.search(answer, near) or b'"embedding"' in answer[:NEAR_END]:
        return True
    return FINISH.search(answer) is not None or b'"embedding"' in answer


def _event(event: bytes, call_id: str, at: float) -> bytes:
    data = data_of(event)
    if not data.startswith(b"{"):
        return event + b"\n\n"
    name = name_of(event)
    head = b"event: " + name + b"\n" if name else b""
    return head + b"data: " + _again(data, call_id, at) + b"\n\n"


def _again(raw: bytes, call_id: str, at: float) -> bytes:
    stored: dict[str, Any] = orjson.loads(raw)
    kind = stored.get("type")
    if kind is None:
        stored |= {"id": call_id, "created": int(at)}
        return orjson.dumps(_free(stored))
    # The Anthropic wire: ids of its own, no time of creation, the usage in two of its events.
    if kind == "message":
        stored["id"] = _message_id(call_id)
    elif kind == "message_start" and isinstance(stored.get("message"), dict):
        stored["message"] = _free(stored["message"] | {"id": _message_id(call_id)})
    return orjson.dumps(_free(stored))


def _message_id(call_id: str) -> str:
    return f"msg_{call_id.removeprefix('chatcmpl-')}"


def _free(answer: dict[str, Any]) -> dict[str, Any]:
    usage = answer.get("usage")
    if not usage:
        return answer
    original = {"cached": True, "original_usage": usage}
    return answer | {"usage": _nothing(usage), "buildwright": original}


def _nothing(usage: dict[str, Any]) -> dict[str, Any]:
    return {name: _zero(value) for name, value in usage.items()}


def _zero(value: Any) -> Any:
    if isinstance(value, dict):
        return _nothing(value)
    return 0 if type(value) in (int, float) else value
