"""Calls with a key: a repeat gets the stored answer, and nothing is bought twice."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable

from buildwright.core.ledger import LedgerRow
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies import Handler
from buildwright.gateway.policies.spending import KeyUsedError, hash_of

RETRY_MARK = "~retry"
"""Ends the key of the one call that a call in doubt is repeated by."""

LEFT_MARK = "~left"
"""Ends, with a number, the key of a call that follows one whose client left before its end."""

MOST_LEFT = 20
"""Times a call is sent again after it was left; each of them is paid and a row of its own."""

_MARKS = re.compile(f"({RETRY_MARK})?({LEFT_MARK}[0-9]+)?$")
Repeats = Callable[[Call], bool]


def without_marks(key: str) -> str:
    """Return the key a call was given."""
    return _MARKS.sub("", key, count=1)


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
        """Send under the given key, or one made of it while calls hold those that gave nothing."""
        given, body_hash, told = call.key, hash_of(call), len(call.headers)
        retry, left = "", 0
        while True:
            try:
                return await self._inner(call)
            except KeyUsedError as used:
                row = used.row
            del call.headers[told:]
            if row.intent.body_hash != body_hash:
                raise _other_body(given)
            if _left(row) and left < MOST_LEFT:
                left += 1
            elif row.status != "in_doubt" or not self._repeats_doubtful(call):
                return _stored(call, row)
            elif retry:
                raise _conflict("in_doubt", "this call and its one repeat are both in doubt")
            else:
                retry = RETRY_MARK
            call.key = given + retry + (f"{LEFT_MARK}{left}" if left else "")


def _left(row: LedgerRow) -> bool:
    """True for a call that was given up: what it cost is counted, but nobody has its answer."""
    settled = row.settlement
    given_up = settled is not None and settled.answer is None and settled.error == "client_left"
    return row.status == "done" and given_up


def _tell(future: asyncio.Future[Answer], error: BaseException) -> None:
    """Pass a failure on to those who wait, if anybody does."""
    if isinstance(error, GatewayError):
        future.set_exception(error)
        future.exception()
    else:
        future.cancel()


async def _attached(call: Call, body_hash: str, future: asyncio.Future[Answer]) -> Answer:
    if body_hash != hash_of(call):
        raise _other_body(call.key)
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


def _other_body(key: str) -> GatewayError:
    return GatewayError(
        422,
        "invalid_request_error",
        "idempotency_key_reused",
        f"key {key!r} was used before with another body",
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
