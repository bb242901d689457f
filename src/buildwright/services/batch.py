"""Many calls at once: in order, each for itself, and resumable because each has a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from buildwright.core.errors import UsageError
from buildwright.core.ledger import NANO, Wire
from buildwright.gateway.call import Call, Caller
from buildwright.gateway.errors import GatewayError, invalid
from buildwright.gateway.pipeline import Gateway
from buildwright.services.bodies import check_body

BATCH = Caller(tenant="batch")


@dataclass(frozen=True, slots=True)
class LLMRequest:
    """One prompt, or whole `messages`, or (`body`) a request as the OpenAI wire has it.

    `request_id` names it in the answers; empty = its place in the batch.
    """

    prompt: str = ""
    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    system: str = ""
    messages: tuple[Mapping[str, Any], ...] = ()
    request_id: str = ""
    body: Mapping[str, Any] | None = None
    wire: Wire = "chat"


@dataclass(frozen=True, slots=True)
class LLMResponse:
    """The answer to one request; `status` tells which of `text` and `error` counts.

    `cached` is True for one that cost nothing because it was answered before; `body` is the whole
    answer as the OpenAI wire has it, or its error envelope.
    """

    request_id: str
    status: Literal["success", "error"]
    text: str = ""
    error: str = ""
    error_code: str = ""
    http_status: int = 200
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    cached: bool = False
    seconds: float = 0.0
    index: int = 0
    call_id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)


Progress = Callable[[int, int | None], None]
"""Told how many are finished, and of how many (None while that is not known)."""


class Processor:
    """Answers batches through a gateway, `max_concurrent` calls at a time.

    At most `batch_size` finished answers wait for who reads them: a slow reader holds the batch up
    instead of filling memory, and the input may be longer than that.
    """

    def __init__(self, gateway: Gateway, *, max_concurrent: int = 5, batch_size: int = 10) -> None:
        for name, value in (("max_concurrent", max_concurrent), ("batch_size", batch_size)):
            if not 1 <= value <= 10_000:
                raise UsageError(f"{name} is {value!r}; expected a whole number from 1 to 10000")
        self._gateway = gateway
        self._max_concurrent, self._batch_size = max_concurrent, batch_size

    async def process_batch(
        self,
        requests: Iterable[LLMRequest],
        *,
        batch_id: str = "",
        progress: Progress | None = None,
    ) -> list[LLMResponse]:
        """Return the answers in the order of the requests; one that fails is one that failed."""
        answers = [one async for one in self.stream_batch(requests, batch_id, progress)]
        return sorted(answers, key=lambda one: one.index)

    async def stream_batch(
        self,
        requests: Iterable[LLMRequest],
        batch_id: str = "",
        progress: Progress | None = None,
    ) -> AsyncIterator[LLMResponse]:
        """Yield answers as they come. With a `batch_id` a second run buys nothing twice."""
        total = len(requests) if isinstance(requests, list | tuple) else None
        finished = 0
        async for answer in self.stream_places(enumerate(requests), batch_id):
            finished += 1
            if progress is not None:
                progress(finished, total)
            yield answer

    async def stream_places(
        self, places: Iterable[tuple[int, LLMRequest]], batch_id: str = ""
    ) -> AsyncIterator[LLMResponse]:
        """Yield answers as they come, for some places of a batch only."""
        rest, tasks = iter(places), _Tasks(self._batch_size)
        try:
            while True:
                for index, request in _some(rest, self._max_concurrent - len(tasks.running)):
                    tasks.start(self._answer(index, request, batch_id))
                if not tasks.running and tasks.done.empty():
                    return
                yield await tasks.take()
        finally:
            await tasks.stop()

    async def _answer(self, index: int, request: LLMRequest, batch_id: str) -> LLMResponse:
        around = self._gateway.around
        name = request.request_id or str(index)
        start = around.tick()
        body = body_of(request)
        try:
            if body.pop("stream", False):
                raise invalid("stream is true: a batch has whole answers only", "stream")
            check_body(body, request.wire)
            call = Call(around.new_id(), request.wire, body, BATCH, around.now(), start)
            if batch_id:
                call.key, call.repeats = f"{batch_id}:{index}:{name}", True
            answer = await self._gateway.handle(call)
        except GatewayError as error:
            return LLMResponse(
                name, "error", error=error.message, error_code=error.error_code or error.kind,
                http_status=error.status, seconds=around.tick() - start, index=index,
                model=str(body.get("model", "")), body=_envelope(error),
            )  # fmt: skip
        told = orjson.loads(answer.body)
        return LLMResponse(
            name, "success", text=_text(told), model=call.target.name if call.target else "",
            input_tokens=call.usage.input, output_tokens=call.usage.output + call.usage.reasoning,
            cost_usd=call.cost_nano / NANO, cached=call.cache_status.startswith("hit"),
            seconds=around.tick() - start, index=index, call_id=call.id, body=told,
        )  # fmt: skip


class _Tasks:
    """Answers on their way, taken as they come; a fault of ours in one ends all."""

    def __init__(self, waiting: int) -> None:
        self.running: set[asyncio.Task[None]] = set()
        self.done: asyncio.Queue[LLMResponse | None] = asyncio.Queue(waiting)
        self._broken: list[BaseException] = []

    def start(self, answering: Coroutine[None, None, LLMResponse]) -> None:
        async def one() -> None:
            await self.done.put(await answering)

        task = asyncio.create_task(one())
        self.running.add(task)
        task.add_done_callback(self._ended)

    async def take(self) -> LLMResponse:
        answer = await self.done.get()
        await asyncio.sleep(0)  # lets the task that brought it leave its place
        if answer is None or self._broken:
            raise self._broken[0]
        return answer

    async def stop(self) -> None:
        for task in tuple(self.running):
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._broken.append(error)
            with suppress(asyncio.QueueFull):
                self.done.put_nowait(None)


def body_of(request: LLMRequest) -> dict[str, Any]:
    """Return the JSON body of a request."""
    if request.body is not None:
        return {**request.body, **({"model": request.model} if request.model else {})}
    messages = list(request.messages) or [{"role": "user", "content": request.prompt}]
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {"model": request.model, "messages": messages}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    return body


def _some(rest: Iterator[tuple[int, LLMRequest]], most: int) -> Iterator[tuple[int, LLMRequest]]:
    for _ in range(most):
        following = next(rest, None)
        if following is None:
            return
        yield following


def _text(answer: Mapping[str, Any]) -> str:
    choices = answer.get("choices") or [{}]
    return str((choices[0].get("message") or {}).get("content") or "")


def _envelope(error: GatewayError) -> dict[str, Any]:
    return {
        "error": {
            "message": error.message,
            "type": error.kind,
            "param": error.param,
            "code": error.error_code,
        }
    }
