"""The OpenAI wire: chat and embeddings, whole or streamed, passed on as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import Billed, GatewayError, unreachable
from buildwright.gateway.http import HttpError, HttpResponse
from buildwright.gateway.pricing import usage_of_openai
from buildwright.gateway.providers.pools import Pools, broken, mark_sent, post, redacted, said
from buildwright.gateway.providers.streaming import Exchange, odd, open_stream
from buildwright.gateway.sse import DONE, Splitter, data_of, events_of
from buildwright.gateway.targets import Target

PATHS = {"chat": "/chat/completions", "embeddings": "/embeddings"}


class OpenAiProvider:
    """Every endpoint of this wire; they differ by address and key only."""

    def __init__(self, pools: Pools, tick: Callable[[], float], answer_limit: int) -> None:
        self._pools, self._tick, self._limit = pools, tick, answer_limit
        self._headers: dict[str, list[tuple[bytes, bytes]]] = {}

    async def send(self, call: Call, target: Target) -> Answer:
        """Send once; a stream is returned when its first event is here. Raises GatewayError."""
        body = orjson.dumps(_outgoing(call, target))
        mark_sent(call)
        start = self._tick()
        response = await post(
            self._pools,
            target,
            PATHS[call.wire],
            self._headers_of(target),
            body,
            call.deadline - start,
        )
        call.first_byte_s = self._tick() - start
        if call.stream:
            answer = await self._stream(call, target, response)
            call.upstream_s += self._tick() - start
            return answer
        try:
            raw = await self._read(response, call.deadline)
        except HttpError as error:
            raise broken(target, error) from error
        call.upstream_s += self._tick() - start
        call.usage = whole_usage(call, target, raw)
        return Answer(raw, usage=call.usage)

    async def _read(self, response: HttpResponse, deadline: float) -> bytes:
        if response.complete:
            return await response.read(self._limit)
        async with asyncio.timeout(max(0.0, deadline - self._tick())):
            return await response.read(self._limit)

    async def close(self) -> None:
        """The pools are closed by who opened them."""

    def _headers_of(self, target: Target) -> list[tuple[bytes, bytes]]:
        headers = self._headers.get(target.name)
        if headers is None:
            headers = [
                (b"content-type", b"application/json"),
                (b"accept", b"application/json, text/event-stream"),
                (b"user-agent", b"buildwright"),
            ]
            if target.api_key:
                headers.append((b"authorization", b"Bearer " + target.api_key.encode()))
            self._headers[target.name] = headers
        return headers

    async def _stream(self, call: Call, target: Target, response: HttpResponse) -> Answer:
        if not response.header(b"content-type").startswith(b"text/event-stream"):
            response.abort()
            error = unreachable(
                f"{target.name}: the answer is not a stream of events", billed="unknown"
            )
            error.again = False
            raise error
        exchange = Exchange(call, target, response, self._tick, self._limit)
        return await open_stream(exchange, OpenAiEvents(call, target))


class OpenAiEvents:
    """Passes complete events on; looks only into the first, those with usage, and the last."""

    def __init__(self, call: Call, target: Target) -> None:
        self._call, self._target = call, target
        self._wants_usage = bool((call.body.get("stream_options") or {}).get("include_usage"))
        self._split = Splitter()
        self._last = b""
        self._events = self._bytes = 0
        self._usage: TokenUsage | None = None
        self.done = False

    def feed(self, chunk: bytes) -> bytes:
        """Return the complete events so far; raises EventTooLargeError."""
        return self._split.feed(chunk)

    def take(self, block: bytes) -> bytes:
        """Return what the client gets of complete events; raises GatewayError."""
        if not self._events:
            self._begin(block)
        if b'"error"' in block:
            self._refuse(block)
        self._events += block.count(b"\n\n")
        self._bytes += len(block)
        if b'"usage"' in block and not _only_nulls(block):
            block = self._with_usage(block)
        if b"[DONE]" in block[-40:]:
            self.done = True
        else:
            self._last = block or self._last
        return block

    def _with_usage(self, block: bytes) -> bytes:
        kept = []
        for event in events_of(block):
            data = data_of(event)
            if b'"usage"' in data:
                chunk = self._parsed(data)
                usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
                if usage:
                    self._usage = usage_of_openai(
                        usage, input_tokens=self._call.input_tokens, output_tokens=self._counted()
                    )
                    if not self._wants_usage and chunk.get("choices") == []:
                        continue
            kept.append(event)
        return b"".join(event + b"\n\n" for event in kept)

    def _parsed(self, data: bytes) -> dict[str, Any]:
        try:
            chunk = orjson.loads(data)
        except ValueError:
            raise odd(self._target, "the stream holds malformed JSON") from None
        return chunk if isinstance(chunk, dict) else {}

    def _begin(self, block: bytes) -> None:
        """Look into the first event: while nothing was passed on, another try is possible."""
        for event in events_of(block):
            data = data_of(event)
            if data == b"[DONE]":
                raise odd(self._target, "the stream is empty")
            if data:
                self._parsed(data)
                return

    def _refuse(self, block: bytes) -> None:
        for number, event in enumerate(events_of(block), self._events):
            data = data_of(event)
            if b'"error"' in data and self._parsed(data).get("error"):
                message = redacted(said(data)[0], self._target)
                billed: Billed = "unknown" if number else "no"
                raise unreachable(f"{self._target.name}: {message}", billed=billed)

    def close(self) -> bytes:
        """Return the missing [DONE] when a finish reason came; raises GatewayError when cut."""
        for event in reversed(events_of(self._last)):
            choices = self._parsed(data_of(event)).get("choices") or [{}]
            if choices[0].get("finish_reason"):
                self.done = True
                return DONE
        raise odd(self._target, "the stream was cut off")

    def usage(self) -> TokenUsage:
        """Return the last usage that was told, else our own count."""
        if self._usage is not None:
            return self._usage
        return TokenUsage(
            fresh_input=self._call.input_tokens, output=self._counted(), estimated=True
        )

    def _counted(self) -> int:
        """Return our own count of the tokens so far."""
        return max(self._events, self._bytes // 64) if self._events else 0


def _only_nulls(block: bytes) -> bool:
    """True when no usage in the events says anything: some providers send null with each."""
    nulls = block.count(b'"usage":null') + block.count(b'"usage": null')
    return block.count(b'"usage"') == nulls


def whole_usage(call: Call, target: Target, raw: bytes) -> TokenUsage:
    """Return the usage of a whole answer; raises GatewayError when it is no answer."""
    try:
        answer = orjson.loads(raw)
        usage = _told_usage(call, answer, raw)
        filled = any(isinstance(answer.get(n), list) and answer[n] for n in ("choices", "data"))
    except (ValueError, AttributeError, TypeError, KeyError):
        raise unreachable(
            f"{target.name}: the answer is not JSON of this wire", billed="unknown"
        ) from None
    if not filled:
        raise _unfilled(target, answer, raw, usage)
    if usage is None:
        usage = TokenUsage(fresh_input=call.input_tokens, output=len(raw) // 3, estimated=True)
    return usage


def _told_usage(call: Call, answer: dict[str, Any], raw: bytes) -> TokenUsage | None:
    if not answer.get("usage"):
        return None
    return usage_of_openai(
        answer["usage"], input_tokens=call.input_tokens, output_tokens=len(raw) // 3
    )


def _unfilled(
    target: Target, answer: dict[str, Any], raw: bytes, usage: TokenUsage | None
) -> GatewayError:
    """Return the error of a 200 that holds none of what was asked for, maybe an error instead."""
    if answer.get("error"):
        return unreachable(f"{target.name}: {redacted(said(raw)[0], target)}")
    error = unreachable(f"{target.name}: the answer is empty", billed="unknown")
    error.usage = usage
    return error


def _outgoing(call: Call, target: Target) -> dict[str, Any]:
    body = {**call.body, "model": target.model}
    if call.stream:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return body
