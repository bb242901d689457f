"""A stream that has to be looked into: in time, within its size, settled however it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import Billed, GatewayError, unreachable
from buildwright.gateway.http import HttpError, HttpResponse
from buildwright.gateway.providers.pools import broken, redacted
from buildwright.gateway.sse import MAX_EVENT_BYTES, EventTooLargeError
from buildwright.gateway.targets import Target


class Wire(Protocol):
    """What the bytes of one stream mean; whole events go in, what the client gets comes out."""

    done: bool

    def feed(self, chunk: bytes) -> bytes:
        """Return the complete events so far; raises EventTooLargeError."""
        ...

    def take(self, block: bytes) -> bytes:
        """Return what the client gets for complete events; raises GatewayError."""
        ...

    def close(self) -> bytes:
        """Return what is missing after the upstream closed; raises GatewayError when cut."""
        ...

    def usage(self) -> TokenUsage:
        """Return the usage so far; our own count where none was told."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call to one upstream whose head has come; `limit` is the largest answer in bytes."""

    call: Call
    target: Target
    response: HttpResponse
    tick: Callable[[], float]
    limit: int


async def open_stream(exchange: Exchange, wire: Wire) -> Answer:
    """Return an answer whose first event is here; raises GatewayError."""
    frames = _frames(exchange, wire)
    try:
        first = await anext(frames)
    except StopAsyncIteration:
        raise odd(exchange.target, "the stream is empty") from None
    return Answer(frames=_with_first(first, frames))


async def _with_first(
    first: bytes, frames: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for frame in frames:
            yield frame
    finally:
        # The usage has to be settled before who leaves early is told so.
        await frames.aclose()


async def _frames(exchange: Exchange, wire: Wire) -> AsyncGenerator[bytes, None]:
    size, finished = 0, False
    try:
        async with aclosing(exchange.response.chunks()) as chunks:
            async for chunk in chunks:
                # What follows the end is read too, so that the connection can be used again.
                size += len(chunk)
                made = _made(wire, chunk)
                if made:
                    yield made
                _check(exchange, wire, size)
        last = b"" if wire.done else wire.close()
        if last:
            yield last
        finished = True
    except HttpError as error:
        if not wire.done:
            raise broken(exchange.target, error) from error
    except EventTooLargeError:
        raise odd(exchange.target, "an event of the stream is too large") from None
    finally:
        exchange.call.usage = wire.usage()
        if not finished:
            exchange.response.abort()


def _made(wire: Wire, chunk: bytes) -> bytes:
    """Return what the client gets of a chunk; nothing of what follows the end."""
    if wire.done:
        return b""
    block = wire.feed(chunk)
    return wire.take(block) if block else b""


def _check(exchange: Exchange, wire: Wire, size: int) -> None:
    if wire.done:
        return
    if size > exchange.limit:
        raise odd(
            exchange.target,
            f"the answer is larger than {exchange.limit / 1_048_576:g} MiB",
            again=False,
        )
    if exchange.tick() > exchange.call.deadline:
        raise unreachable(
            f"{exchange.target.name}: the stream took longer than the call may",
            status=504,
            billed="unknown",
        )


class Lines:
    """Cuts chunks of bytes behind the last complete line."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return the complete lines so far (maybe none); raises EventTooLargeError."""
        chunk = self._pending + chunk
        cut = chunk.rfind(b"\n") + 1
        self._pending = chunk[cut:]
        if len(self._pending) > MAX_EVENT_BYTES:
            raise EventTooLargeError
        return chunk[:cut]

    def rest(self) -> bytes:
        """Return what came after the last complete line, and forget it."""
        rest, self._pending = self._pending, b""
        return rest


def odd(target: Target, what: str, *, again: bool = True) -> GatewayError:
    """502 for an answer that breaks its wire's rules; what it cost is unknown."""
    error = unreachable(f"{target.name}: {what}", billed="unknown")
    error.again = again
    return error


def parsed(target: Target, data: bytes) -> dict[str, Any]:
    """Return an upstream's JSON object; raises GatewayError."""
    try:
        loaded = orjson.loads(data)
    except ValueError:
        raise odd(target, "the answer holds malformed JSON") from None
    if not isinstance(loaded, dict):
        raise odd(target, "the answer holds JSON that is no object")
    return loaded


def told(target: Target, error: object, *, begun: bool) -> GatewayError:
    """Return the error an upstream tells in a stream; `begun`: it may charge for what it did."""
    kind, message = "", error
    if isinstance(error, dict):
        kind, message = str(error.get("type") or ""), error.get("message")
    text = redacted(str(message or "no reason given")[:500], target)
    named = f"{target.name}: {kind}: {text}" if kind else f"{target.name}: {text}"
    billed: Billed = "unknown" if begun else "no"
    if kind == "rate_limit_error":
        return GatewayError(
            429, kind, "rate_limit_exceeded", named, again=True, upstream=True, billed=billed
        )
    made = unreachable(named, status=_STATUSES.get(kind, 502), billed=billed)
    made.again = kind not in _FINAL
    return made


_STATUSES = {"overloaded_error": 503, "timeout_error": 504}
_FINAL = frozenset({"invalid_request_error", "authentication_error", "permission_error",
                    "not_found_error", "request_too_large", "billing_error"})  # fmt: skip
