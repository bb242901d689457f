"""Calls with a key: a repeat gets the stored answer, and nothing is bought twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from buildwright.core.ledger import LedgerRow
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies import Handler
from buildwright.gateway.policies.spending import KeyUsedError, hash_of

RETRY_MARK = "~retry"
"""Ends the key of the one call that a call in doubt is repeated by."""

Repeats = Callable[[Call], bool]


class Repeating:
    """Answers repeats from the ledger, lets them wait for a call that is still running here.

    `repeats_doubtful` tells whether a call whose first try is in doubt may be sent once more; the
    doubtful one stays counted with its bound.
    """

    def __init__(self, inner: Handler, repeats_doubtful: Repeats) -> None:
        self._inner, self._repeats_doubtful = inner, repeats_doubtful
        self._running: dict[tuple[str, str], tuple[str, asyncio.Future[Answer]]] = {}

    async def handle(self, call: Call) -> Answer:
        """Answer a call; raises GatewayError 409 or 422 for a key that cannot be repeated."""
        if not call.key:
            return await self._inner(call)
        name = (call.caller.tenant, call.key)
        if name in self._running:
            return await _attached(call, *self._running[name])
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._running[name] = (hash_of(call), future)
        try:
            answer = await self._sent(call)
        except BaseException as error:
            _tell(future, error)
            raise
        finally:
            del self._running[name]
        future.set_result(answer)
        return answer

    async def _sent(self, call: Call) -> Answer:
        try:
            return await self._inner(call)
        except KeyUsedError as used:
            row = used.row
        if row.status != "in_doubt" or not self._repeats_doubtful(call):
            return _stored(call, row)
        if call.key.endswith(RETRY_MARK):
            raise _conflict("in_doubt", "this call and its one repeat are both in doubt")
        call.key += RETRY_MARK
        return await self._sent(call)


def _tell(future: asyncio.Future[Answer], error: BaseException) -> None:
    """Pass a failure on to those who wait, if anybody does."""
    if isinstance(error, GatewayError):
        future.set_exception(error)
        future.exception()
    else:
        future.cancel()


async def _attached(call: Call, body_hash: str, future: asyncio.Future[Answer]) -> Answer:
    if body_hash != hash_of(call):
        raise _other_body(call)
    try:
        answer = await asyncio.shield(future)
    except asyncio.CancelledError:
        if future.cancelled():
            raise _conflict("running", "the first call with this key was given up") from None
        raise
    if answer.frames is not None:
        raise _conflict("running", "the first call with this key is still streaming")
    call.cache_status = "hit; detail=coalesced"
    return Answer(answer.body, usage=answer.usage)


def _stored(call: Call, row: LedgerRow) -> Answer:
    if row.intent.body_hash != hash_of(call):
        raise _other_body(call)
    settled = row.settlement
    if row.status != "done" or settled is None:
        raise _conflict(row.status, f"call {row.intent.id} with this key is {row.status}")
    if settled.answer is None:
        raise _conflict("not_kept", f"the answer of call {row.intent.id} was not kept")
    call.cache_status = "hit; detail=repeated"
    call.headers.append((b"idempotent-replayed", b"true"))
    call.usage, call.repeated_nano = settled.usage, settled.cost_nano
    if call.stream:
        return Answer(frames=_once(settled.answer), usage=settled.usage)
    return Answer(settled.answer, usage=settled.usage)


async def _once(stored: bytes) -> AsyncGenerator[bytes, None]:
    yield stored


def _other_body(call: Call) -> GatewayError:
    return GatewayError(
        422,
        "invalid_request_error",
        "idempotency_key_reused",
        f"key {call.key!r} was used before with another body",
        next_step="send another Idempotency-Key",
    )


def _conflict(code: str, message: str) -> GatewayError:
    return GatewayError(
        409,
        "invalid_request_error",
        f"idempotency_{code}",
        message,
        again=code in ("running", "sent", "intent"),
        retry_after_s=1.0,
        next_step="wait, or send another Idempotency-Key",
    )
