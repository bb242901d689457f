"""The gateway in this process: the same policies and the same ledger as over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

import orjson

from buildwright.core.chat import ChatReply, ChatRequest
from buildwright.core.errors import BudgetError, BuildwrightError, ModelError
from buildwright.core.ledger import NANO, Wire
from buildwright.gateway.call import LOCAL, Answer, CacheWish, Call, Caller, End
from buildwright.gateway.chatform import Gathering, body_of
from buildwright.gateway.errors import GatewayError, unreachable
from buildwright.gateway.pipeline import Gateway


class Port:
    """One caller's way to the gateway: `complete`, `stream` and `embed`.

    `prefix` goes before each request's key; calls with a key are bought once, whatever happens to
    this process. `fence` is the build and epoch whose claim must still hold.
    """

    def __init__(
        self,
        gateway: Gateway,
        caller: Caller = LOCAL,
        *,
        prefix: str = "",
        fence: tuple[str, int] | None = None,
        timeout_s: float = float("inf"),
    ) -> None:
        self._gateway, self._caller, self._prefix = gateway, caller, prefix
        self._fence, self._timeout_s = fence, timeout_s

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the answer; raises BudgetError before anything is sent, else ModelError."""
        try:
            call, gathered = await self._gathered(request)
        except CutError as cut:
            # Nobody has seen a part of it, so one more try repeats nothing.
            if not cut.error.again:
                raise translated(cut.error) from cut
            call, gathered = await self._gathered(request)
        gathered.model = call.target.name if call.target else call.asked
        return gathered.reply(call.usage, (call.repeated_nano or call.cost_nano) / NANO)

    async def _gathered(self, request: ChatRequest) -> tuple[Call, Gathering]:
        gathered, call = Gathering(), await self._call(request)
        try:
            async for _ in self._pieces(call, gathered):
                pass
        finally:
            if call.settled is not None:
                await call.settled
        return call, gathered

    async def stream(self, request: ChatRequest) -> AsyncIterator[str]:
        """Yield the answer's text as it comes; raises like `complete`."""
        async for piece in self._pieces(await self._call(request), Gathering()):
            yield piece

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text; raises like `complete`."""
        call = self._made("embeddings", {"model": model, "input": list(texts)}, "")
        answer = await self._handled(call)
        try:
            rows = sorted(orjson.loads(answer.body)["data"], key=lambda row: int(row["index"]))
            vectors = [[float(number) for number in row["embedding"]] for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{model}: the answer holds no vectors") from error
        if len(vectors) != len(texts):
            raise ModelError(f"{model}: {len(vectors)} vectors for {len(texts)} texts")
        return vectors

    async def _call(self, request: ChatRequest) -> Call:
        """Return the call of a request; one whose key is known is sent as it was stored."""
        key = f"{self._prefix}{request.key}" if request.key else ""
        body: dict[str, Any] = body_of(request, stream=True)
        if key:
            row = await self._gateway.ledger.find(self._caller.tenant, key)
            if row is not None and row.intent.request is not None:
                body = orjson.loads(row.intent.request)
        call = self._made("chat", body, key)
        if request.fresh:
            call.cache = CacheWish(read=False)
        return call

    def _made(self, wire: Wire, body: Mapping[str, Any], key: str) -> Call:
        around = self._gateway.around
        call = Call(around.new_id(), wire, dict(body), self._caller, around.now(), around.tick())
        call.key, call.fence, call.repeats = key, self._fence, True
        call.deadline = call.tick + self._timeout_s
        return call

    async def _handled(self, call: Call) -> Answer:
        try:
            return await self._gateway.handle(call)
        except GatewayError as error:
            raise translated(error) from error

    async def _pieces(self, call: Call, gathered: Gathering) -> AsyncIterator[str]:
        answer = await self._handled(call)
        how: End = "left"
        try:
            async for block in answer.frames or _event(answer.body):
                for piece in gathered.take(block):
                    yield piece
            gathered.check()
            how = "complete"
        except GatewayError as error:
            how = "cut"
            raise CutError(error) from error
        except ModelError as error:
            how = "cut"
            raise CutError(unreachable(f"{call.asked}: {error.message}")) from error
        finally:
            answer.end(how)


async def _event(body: bytes) -> AsyncGenerator[bytes, None]:
    yield b"data: " + body + b"\n\n"


class CutError(ModelError):
    """A stream broke off after its first part."""

    def __init__(self, error: GatewayError) -> None:
        super().__init__(error.message, next_step=error.next_step)
        self.error = error


def translated(error: GatewayError) -> BuildwrightError:
    """Return what a stage understands: BudgetError for spent money, else ModelError."""
    if error.error_code == "insufficient_quota" and not error.upstream:
        return BudgetError(error.message, next_step=error.next_step)
    return ModelError(
        error.message,
        next_step=error.next_step,
        retry_after_s=error.retry_after_s,
        again=error.again,
    )
