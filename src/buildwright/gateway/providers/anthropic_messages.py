"""The Anthropic wire: its own calls are passed on as they are, chat calls are translated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.http import HttpError, HttpResponse
from buildwright.gateway.pricing import merge_anthropic, usage_of_anthropic
from buildwright.gateway.providers.pools import Pools, broken, mark_sent, post
from buildwright.gateway.providers.streaming import Exchange, odd, open_stream, parsed, told
from buildwright.gateway.sse import Splitter, data_of, events_of
from buildwright.gateway.targets import Target
from buildwright.gateway.translate.answers import chat_answer
from buildwright.gateway.translate.chunks import Chunks
from buildwright.gateway.translate.messages_request import messages_request
from buildwright.gateway.translate.reading import not_offered

PATH = "/messages"
VERSION = b"2023-06-01"
"""Sent where the client named none. The next one, 2026-10-21, refuses `temperature` and `top_p`,
which many chat requests have.
"""

SPARE_MAX_TOKENS = 4096
"""What an answer may have where neither the request nor its reservation names a bound."""

PRICED_APART = {"speed": "standard", "inference_geo": "global"}
"""Fields that make a call dearer than the price list tells, with the value that does not."""

TOO_LONG = "prompt is too long"
SAMPLING = ("temperature", "top_p", "top_k")
STOP_EVENT = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_LOOKED_INTO = (b"message_start", b"message_delta", b"message_stop", b'"error"', b"event: error")


class AnthropicProvider:
    """Every endpoint of this wire."""

    def __init__(self, pools: Pools, tick: Callable[[], float], answer_limit: int) -> None:
        self._pools, self._tick, self._limit = pools, tick, answer_limit
        self._unsampled: set[str] = set()

    async def send(self, call: Call, target: Target) -> Answer:
        """Send once; a stream is returned when its first event is here. Raises GatewayError.

        A chat call that a model refuses for its `temperature` (newer ones have none) goes out once
        more without it, and those that follow it without it at once.
        """
        body = _outgoing(call, target)
        if call.wire == "chat" and target.name in self._unsampled:
            body = _unsampled(body)
        start = self._tick()
        try:
            response = await self._post(call, target, body)
        except GatewayError as error:
            if call.wire != "chat" or not _refuses_sampling(error, body):
                raise
            self._unsampled.add(target.name)
            response = await self._post(call, target, _unsampled(body))
        call.first_byte_s = self._tick() - start
        if call.stream:
            answer = await self._stream(call, target, response)
            call.upstream_s += self._tick() - start
            return answer
        try:
            raw = await response.read(self._limit)
        except HttpError as error:
            raise broken(target, error) from error
        call.upstream_s += self._tick() - start
        return _whole(call, target, raw)

    async def close(self) -> None:
        """The pools are closed by who opened them."""

    async def _post(self, call: Call, target: Target, body: dict[str, Any]) -> HttpResponse:
        mark_sent(call)
        left_s = call.deadline - self._tick()
        headers, raw = _headers(call, target), orjson.dumps(body)
        try:
            return await post(self._pools, target, PATH, headers, raw, left_s)
        except GatewayError as error:
            if error.status == 400 and TOO_LONG in error.message:
                error.error_code = "context_length_exceeded"
            raise

    async def _stream(self, call: Call, target: Target, response: HttpResponse) -> Answer:
        if not response.header(b"content-type").startswith(b"text/event-stream"):
            response.abort()
            raise odd(target, "the answer is not a stream of events", again=False)
        exchange = Exchange(call, target, response, self._tick, self._limit)
        return await open_stream(exchange, MessageStream(call, target))


def _refuses_sampling(error: GatewayError, body: dict[str, Any]) -> bool:
    named = any(name in body and name in error.message for name in SAMPLING)
    return error.status == 400 and named


def _unsampled(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in SAMPLING}


def _outgoing(call: Call, target: Target) -> dict[str, Any]:
    if call.wire == "messages":
        for name, usual in PRICED_APART.items():
            if call.body.get(name) not in (None, usual):
                raise not_offered(name, call.body[name], "a model whose price for it is unknown")
        return {**call.body, "model": target.model}
    if call.wire == "embeddings":
        error = not_offered("model", call.asked, "the Anthropic wire, which has no embeddings")
        error.next_step = "ask a model of another provider"
        raise error
    return messages_request(call.body, target.model, call.max_output or SPARE_MAX_TOKENS)


def _headers(call: Call, target: Target) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", b"application/json"),
        (b"accept", b"application/json, text/event-stream"),
        (b"user-agent", b"buildwright"),
        *call.upstream_headers,
    ]
    if all(name != b"anthropic-version" for name, _ in call.upstream_headers):
        headers.append((b"anthropic-version", VERSION))
    if target.api_key:
        headers.append((b"x-api-key", target.api_key.encode()))
    return headers


def _whole(call: Call, target: Target, raw: bytes) -> Answer:
    message = parsed(target, raw)
    if message.get("type") == "error":
        raise told(target, message.get("error"), begun=False)
    if message.get("type") != "message" or not isinstance(message.get("content"), list):
        raise odd(target, "the answer is no message of the Anthropic wire")
    call.usage = _usage_of(call, message.get("usage"), len(raw) // 3)
    if call.wire == "chat":
        raw = orjson.dumps(chat_answer(message, call.usage, call.at))
    return Answer(raw, usage=call.usage)


def _usage_of(call: Call, raw: object, ours: int) -> TokenUsage:
    """Return the buckets; what a provider's own tools cost is in none, so that is an estimate."""
    usage = usage_of_anthropic(raw, input_tokens=call.input_tokens, output_tokens=ours)
    tools = raw.get("server_tool_use") if isinstance(raw, dict) else None
    used = isinstance(tools, dict) and any(tools.values())
    return usage._replace(estimated=True) if used else usage


class MessageStream:
    """Passes events on, or turns them into chunks for a chat call; keeps the usage in them."""

    def __init__(self, call: Call, target: Target) -> None:
        self._call, self._target = call, target
        self._split = Splitter()
        self._chunks: Chunks | None = None
        if call.wire == "chat":
            asked = (call.body.get("stream_options") or {}).get("include_usage")
            self._chunks = Chunks(target.model, call.at, with_usage=bool(asked))
        self._usage: dict[str, Any] = {}
        self._begun = self._told_output = self._stopped = False
        self._events = self._bytes = 0
        self.done = False

    def feed(self, chunk: bytes) -> bytes:
        """Return the complete events so far; raises EventTooLargeError."""
        return self._split.feed(chunk)

    def take(self, block: bytes) -> bytes:
        """Return what the client gets for complete events; raises GatewayError."""
        if self._chunks is None:
            self._look(block)
            made = block
        else:
            made = b"".join(self._translated(event) for event in events_of(block))
        self._events += block.count(b"\n\n")
        self._bytes += len(block)
        return made

    def close(self) -> bytes:
        """End a message whose reason to stop came without an end; raises GatewayError when cut."""
        if not self._stopped:
            raise odd(self._target, "the stream was cut off")
        self.done = True
        return STOP_EVENT if self._chunks is None else self._chunks.end(self.usage())

    def usage(self) -> TokenUsage:
        """Return what was told so far; our own count for what was not."""
        usage = dict(self._usage)
        if not self._told_output:
            # message_start tells one or two tokens of output, long before there is an answer.
            usage.pop("output_tokens", None)
        output = max(self._events, self._bytes // 64)
        return _usage_of(self._call, usage, output)

    def _look(self, block: bytes) -> None:
        if any(name in block for name in _LOOKED_INTO):
            for event in events_of(block):
                if any(name in event for name in _LOOKED_INTO):
                    self._note(self._event(event))

    def _translated(self, event: bytes) -> bytes:
        assert self._chunks is not None  # noqa: S101 - asked for by `take`
        data = self._event(event)
        self._note(data)
        return self._chunks.end(self.usage()) if self.done else self._chunks.of(data)

    def _event(self, event: bytes) -> dict[str, Any]:
        data = data_of(event)
        return parsed(self._target, data) if data else {}

    def _note(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "error":
            raise told(self._target, event.get("error"), begun=self._begun)
        if kind == "message_start":
            message = event.get("message")
            usage = message.get("usage") if isinstance(message, dict) else None
            self._usage = merge_anthropic(usage, None)
            self._begun = True
        elif kind == "message_delta":
            self._usage = merge_anthropic(self._usage, event.get("usage"))
            self._told_output = True
            delta = event.get("delta")
            if isinstance(delta, dict) and delta.get("stop_reason"):
                self._stopped = True
        elif kind == "message_stop":
            self.done = True
