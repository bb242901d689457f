"""Ollama's own wire: lines of JSON. Every call is translated."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import orjson

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.chatform import usage_json
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.http import HttpError, HttpResponse
from buildwright.gateway.pricing import usage_of_ollama
from buildwright.gateway.providers.pools import Pools, broken, mark_sent, post
from buildwright.gateway.providers.streaming import Exchange, Lines, odd, open_stream, parsed, told
from buildwright.gateway.sse import DONE
from buildwright.gateway.targets import Target
from buildwright.gateway.translate.ollama import (
    chat_answer,
    embed_request,
    embeddings_answer,
    ollama_request,
    spoken,
)

PATHS = {"chat": "/api/chat", "embeddings": "/api/embed"}


class OllamaProvider:
    """Every endpoint of this wire."""

    def __init__(self, pools: Pools, tick: Callable[[], float], answer_limit: int) -> None:
        self._pools, self._tick, self._limit = pools, tick, answer_limit

    async def send(self, call: Call, target: Target) -> Answer:
        """Send once; a stream is returned when its first line is here. Raises GatewayError."""
        body = orjson.dumps(_outgoing(call, target))
        mark_sent(call)
        start = self._tick()
        response = await post(
            self._pools, target, PATHS[call.wire], _headers(target), body, call.deadline - start
        )
        call.first_byte_s = self._tick() - start
        if call.stream:
            exchange = Exchange(call, target, response, self._tick, self._limit)
            answer = await open_stream(exchange, LineStream(call, target))
            call.upstream_s += self._tick() - start
            return answer
        raw = await self._read(target, response)
        call.upstream_s += self._tick() - start
        return (
            _embedded(call, target, raw) if call.wire == "embeddings" else _said(call, target, raw)
        )

    async def close(self) -> None:
        """The pools are closed by who opened them."""

    async def _read(self, target: Target, response: HttpResponse) -> dict[str, Any]:
        try:
            raw = parsed(target, await response.read(self._limit))
        except HttpError as error:
            raise broken(target, error) from error
        if raw.get("error"):
            raise told(target, raw["error"], begun=False)
        return raw


def _outgoing(call: Call, target: Target) -> dict[str, Any]:
    if call.wire == "embeddings":
        return embed_request(call.body, target.model)
    return ollama_request(call.body, target.model, target.context_tokens)


def _headers(target: Target) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", b"application/json"),
        (b"accept", b"application/json, application/x-ndjson"),
        (b"user-agent", b"buildwright"),
    ]
    if target.api_key:
        headers.append((b"authorization", b"Bearer " + target.api_key.encode()))
    return headers


def _head(call: Call, target: Target) -> dict[str, Any]:
    return {"id": f"chatcmpl-{call.id}", "created": int(call.at), "model": target.model}


def _said(call: Call, target: Target, raw: dict[str, Any]) -> Answer:
    if not isinstance(raw.get("message"), dict):
        raise odd(target, "the answer has no message")
    ours = len(orjson.dumps(raw["message"])) // 3
    call.usage = usage_of_ollama(raw, input_tokens=call.input_tokens, output_tokens=ours)
    answer = chat_answer(raw, _head(call, target), call.usage)
    return Answer(orjson.dumps(answer), usage=call.usage)


def _embedded(call: Call, target: Target, raw: dict[str, Any]) -> Answer:
    call.usage = usage_of_ollama({"eval_count": 0, **raw}, input_tokens=call.input_tokens)
    try:
        answer = embeddings_answer(raw, call.body, target.model, call.usage)
        filled = bool(answer["data"])
    except (KeyError, TypeError, struct.error):
        filled = False
    if not filled:
        error = odd(target, "the answer has no embeddings")
        error.usage = call.usage
        raise error
    return Answer(orjson.dumps(answer), usage=call.usage)


class LineStream:
    """Turns lines into chunks of the OpenAI wire; the last one has the usage."""

    def __init__(self, call: Call, target: Target) -> None:
        self._call, self._target = call, target
        asked = (call.body.get("stream_options") or {}).get("include_usage")
        self._with_usage = bool(asked)
        self._head = {**_head(call, target), "object": "chat.completion.chunk"}
        self._cut = Lines()
        self._lines = self._bytes = self._calls = 0
        self._last: dict[str, Any] | None = None
        self.done = False

    def feed(self, chunk: bytes) -> bytes:
        """Return the complete lines so far; raises EventTooLargeError."""
        return self._cut.feed(chunk)

    def take(self, block: bytes) -> bytes:
        """Return the chunks of complete lines; raises GatewayError."""
        made = b"".join(self._line(line) for line in block.split(b"\n") if line.strip())
        self._bytes += len(block)
        return made

    def close(self) -> bytes:
        """Take a last line without an end; raises GatewayError when the answer was cut off."""
        rest = self._cut.rest()
        made = self.take(rest) if rest.strip() else b""
        if not self.done:
            raise odd(self._target, "the stream was cut off")
        return made

    def usage(self) -> TokenUsage:
        """Return the last line's usage; our own count where there was none."""
        output = max(self._lines, self._bytes // 64)
        return usage_of_ollama(
            self._last, input_tokens=self._call.input_tokens, output_tokens=output
        )

    def _line(self, line: bytes) -> bytes:
        if self.done:
            return b""
        said = parsed(self._target, line)
        if said.get("error"):
            raise self._error(said["error"])
        delta, finish = spoken(said, self._head["id"], self._calls)
        self._calls += len(delta.get("tool_calls", ()))
        if not self._lines:
            delta = {"role": "assistant", "content": "", **delta}
        self._lines += 1
        made = self._chunk(delta, None) if delta else b""
        if finish is None:
            return made
        self.done, self._last = True, said
        return made + self._chunk({}, finish) + self._end()

    def _error(self, error: object) -> GatewayError:
        return told(self._target, error, begun=self._lines > 0)

    def _chunk(self, delta: dict[str, Any], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**self._head, "choices": [choice]})

    def _end(self) -> bytes:
        if not self._with_usage:
            return DONE
        return _event({**self._head, "choices": [], "usage": usage_json(self.usage())}) + DONE


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
