"""The exact cache: an equal request is answered without asking anybody."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from buildwright.core.gateway_settings import CacheSettings
from buildwright.gateway.cache import Cache, Entry, cache_key
from buildwright.gateway.cache.entries import finished
from buildwright.gateway.call import Answer, Call, Keep
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies import Handler

MISS = "fwd=miss"
Record = Callable[[Call, bytes], Awaitable[None]]
"""Writes a row for a call with a key that cost nothing."""

Now = Callable[[], float]


class Caching:
    """Answers from the cache what is in it; keeps complete answers of the rest.

    It also names each call, so that the policies behind it can tell equal ones (`call.same`).
    """

    def __init__(
        self, inner: Handler, cache: Cache, settings: CacheSettings, record: Record, now: Now
    ) -> None:
        self._inner, self._cache, self._settings = inner, cache, settings
        self._record, self._now = record, now

    async def handle(self, call: Call) -> Answer:
        """Answer a call; raises GatewayError 504 when only the cache may and it cannot."""
        wish = call.cache
        if not self._settings.enabled:
            return await self._uncached(call)
        if not (wish.read or wish.store):
            return await self._inner(call)
        call.same = key = cache_key(call)
        entry = await self._cache.get(key) if wish.read else None
        now = self._now()
        if entry is not None and (wish.max_age_s is None or now - entry.at <= wish.max_age_s):
            answer = hit(call, entry, now)
            if call.key:
                await self._record(call, answer.body or entry.told(f"chatcmpl-{call.id}", now))
            return answer
        if wish.only:
            raise not_cached("no stored answer fits")
        call.cache_status = MISS
        answer = await self._inner(call)
        if wish.store and not call.cache_status.startswith("hit"):
            await self._keep(call, key, answer)
        return answer

    async def _uncached(self, call: Call) -> Answer:
        """Name a call that may be answered together with others, and no more."""
        if call.cache.only:
            raise not_cached("gateway.cache is not enabled")
        if call.cache.read and not call.key:
            call.same = cache_key(call)
        return await self._inner(call)

    async def _keep(self, call: Call, key: str, answer: Answer) -> None:
        if answer.frames is None:
            await self._set(call, key, answer.body)
            return

        async def whole(text: bytes) -> None:
            await self._set(call, key, text)

        # A stream that may be shared outlasts its first client; it is kept by who reads it.
        if not answer.keep(whole):
            answer.frames = _kept(answer.frames, whole)

    async def _set(self, call: Call, key: str, answer: bytes) -> None:
        if finished(answer):
            now, name = self._now(), f"{call.caller.tenant}/{call.asked}"
            entry = Entry(name, answer, call.stream, now, now + self._ttl_s(call))
            await self._cache.set(key, entry)

    def _ttl_s(self, call: Call) -> float:
        settled = call.wire == "embeddings" or call.body.get("temperature") == 0
        return self._settings.ttl_cold_s if settled else self._settings.ttl_s


async def _kept(frames: AsyncGenerator[bytes, None], whole: Keep) -> AsyncGenerator[bytes, None]:
    blocks = []
    async with aclosing(frames):
        async for block in frames:
            blocks.append(block)
            yield block
    # Reached after the terminal event only: what breaks off or is left is not kept.
    await whole(b"".join(blocks))


def not_cached(why: str) -> GatewayError:
    """504: only the cache may answer, and it cannot (RFC 9111, 5.2.1.7)."""
    return GatewayError(504, "invalid_request_error", "not_cached", f"only-if-cached: {why}")


def hit(call: Call, entry: Entry, now: float) -> Answer:
    """Return a stored answer under a new id; it costs nothing."""
    left = max(0, int(entry.until - now))
    call.cache_status = f"hit; ttl={left}; detail=exact"
    call.headers.append((b"age", b"%d" % max(0.0, now - entry.at)))
    told = entry.told(f"chatcmpl-{call.id}", now)
    if call.stream:
        return Answer(frames=_once(told))
    return Answer(told)


async def _once(block: bytes) -> AsyncGenerator[bytes, None]:
    yield block
