"""Keeping the results of async functions in this process.

@cache_synthesis_result(ttl=3600)
async def synthesise(question: str, sources: list[str]) -> str: ...

cache = get_cache()
await cache.clear("*synthesise*")
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import pickle
import time
from collections.abc import Callable, Coroutine, Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from hashlib import blake2b
from pathlib import PurePath
from typing import Any, ParamSpec, TypeVar

from buildwright.gateway.cache.entries import CacheStats, Entry
from buildwright.gateway.cache.keys import canonical
from buildwright.gateway.cache.memory import MemoryCache

P = ParamSpec("P")
R = TypeVar("R")
Async = Callable[P, Coroutine[Any, Any, R]]
LOG = logging.getLogger("buildwright.gateway")

TTL_S = {"model": 7_200.0, "quality": 86_400.0, "synthesis": 3_600.0, "mcp": 1_800.0}
"""Seconds a result of each kind is kept."""

ROOM = 64 << 20
"""Bytes of results kept in a process."""


class ResultCache:
    """Values of any kind by name; the least recently used go first. Its methods are async.

    Values are kept as pickles, so what a caller does to a result changes no other caller's; their
    bytes are bounded, and they never leave this process.
    """

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._store, self._now = MemoryCache(most, now), now

    async def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a name, `default` when there is none or its time is over."""
        entry = await self._store.get(name)
        return default if entry is None else pickle.loads(entry.answer)  # noqa: S301 - written below, by this process

    async def set(self, name: str, value: Any, ttl: float = TTL_S["model"]) -> bool:
        """Keep a value for `ttl` seconds; False when it cannot be pickled or is too large."""
        try:
            raw = pickle.dumps(value)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            LOG.info("result %s is not kept: %s", name, type(error).__name__)
            return False
        now = self._now()
        await self._store.set(name, Entry(name, raw, False, now, now + ttl))
        return True

    async def clear(self, pattern: str = "*") -> int:
        """Forget the names that match (`*` as a wildcard); return how many."""
        return await self._store.clear(pattern)

    async def stats(self) -> CacheStats:
        """Return enabled, backend, keys, memory_used (bytes) and hit_rate (a share)."""
        return await self._store.stats()


@functools.cache
def get_cache() -> ResultCache:
    """Return this process' cache of results."""
    return ResultCache(ROOM, time.time)


def cached(
    ttl: float | None = None, kind: str = "model", *, cache: ResultCache | None = None
) -> Callable[[Async[P, R]], Async[P, R]]:
    """Decorate an async function: equal arguments get the kept result for `ttl` seconds.

    Without `ttl` the kind decides: "model" 2 h, "quality" 24 h, "synthesis" 1 h, "mcp" 30 min.
    Calls with equal arguments that come while one is running wait for it; an error is passed to
    them and never kept. Raises ValueError for an unknown kind or a time that is none, and the
    decorated function TypeError for an argument that has no canonical form.
    """
    if kind not in TTL_S:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(TTL_S)}")
    kept_s = TTL_S[kind] if ttl is None else float(ttl)
    if not 0 < kept_s < float("inf"):
        raise ValueError(f"ttl is {ttl!r}; expected seconds above 0")

    def decorate(function: Async[P, R]) -> Async[P, R]:
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{function!r} is no async function")
        results = _Results(function, kept_s, cache or get_cache())

        @functools.wraps(function)
        async def kept(*args: P.args, **kwargs: P.kwargs) -> R:
            value: R = await results.of(args, kwargs)
            return value

        return kept

    return decorate


def cache_synthesis_result(
    ttl: float = TTL_S["synthesis"],
) -> Callable[[Async[P, R]], Async[P, R]]:
    """Decorate an async function that puts an answer together; see `cached`."""
    return cached(ttl, "synthesis")


_NONE = object()


class _Results:
    """The results of one function."""

    def __init__(self, function: Async[..., Any], ttl_s: float, cache: ResultCache) -> None:
        self._function, self._ttl_s, self._cache = function, ttl_s, cache
        self._signature = inspect.signature(function)
        self._running: dict[str, asyncio.Future[Any]] = {}

    async def of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = self._name(args, kwargs)
        while True:
            running = self._running.get(name)
            if running is None or running.get_loop() is not asyncio.get_running_loop():
                return await self._lead(name, args, kwargs)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                if not running.cancelled():
                    raise

    async def _lead(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._running[name] = future
        try:
            value = await self._cache.get(name, _NONE)
            if value is _NONE:
                value = await self._function(*args, **kwargs)
                await self._cache.set(name, value, self._ttl_s)
        except Exception as error:
            future.set_exception(error)
            future.exception()
            raise
        except BaseException:
            future.cancel()
            raise
        finally:
            if self._running.get(name) is future:
                del self._running[name]
        future.set_result(value)
        return value

    def _name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        given = self._signature.bind(*args, **kwargs)
        given.apply_defaults()
        plain = {name: _plain(value, name) for name, value in given.arguments.items()}
        digest = blake2b(canonical(plain), digest_size=16).hexdigest()
        return f"{self._function.__module__}.{self._function.__qualname__}/{digest}"


def _plain(value: Any, argument: str) -> Any:
    """Return a value as JSON that is equal for equal values and differs for others."""
    if isinstance(value, Enum):
        return {_kind(value): _plain(value.value, argument)}
    if value is None or isinstance(value, bool | int | float | str):
        return value if _as_json(value) else {_kind(value): repr(value)}
    if isinstance(value, bytes | PurePath | datetime | date):
        return {_kind(value): value.hex() if isinstance(value, bytes) else str(value)}
    if is_dataclass(value) and not isinstance(value, type):
        inner = {one.name: _plain(getattr(value, one.name), argument) for one in fields(value)}
        return {_kind(value): inner}
    return _of_many(value, argument)


def _as_json(value: bool | float | str | None) -> bool:  # noqa: FBT001 - any plain value
    """Return whether JSON has this very value: no NaN, no huge number, no half of a character."""
    if isinstance(value, str):
        return value.isascii() or not any(0xD800 <= ord(char) < 0xE000 for char in value)
    return value is None or -(2**53) < value < 2**53


def _of_many(value: Any, argument: str) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one, argument) for one in value]
    if isinstance(value, Set):
        return {"set": sorted((_plain(one, argument) for one in value), key=canonical)}
    if isinstance(value, Mapping):
        if all(isinstance(name, str) for name in value):
            return {"dict": {name: _plain(one, argument) for name, one in value.items()}}
        pairs = [[_plain(name, argument), _plain(one, argument)] for name, one in value.items()]
        return {"pairs": sorted(pairs, key=canonical)}
    raise TypeError(
        f"argument {argument!r} is a {type(value).__name__}, which has no canonical form; pass "
        "texts, numbers, dates, paths, dataclasses, or lists and dicts of them"
    )


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
