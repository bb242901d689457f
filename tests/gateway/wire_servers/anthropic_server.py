"""A model server that speaks the Anthropic wire, streams, and injects faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.gateway.wire_servers.loopback import Reply, Request

Json = dict[str, Any]
NO_ANSWER = {
    "silent": b"",
    "page": b"",
    "empty": b"",
    "bad utf-8": b'{"type": "message_start", "x": "\xff\xfe"}',
    "malformed": b'{"type": "message_start", "content": [',
}
INSIDE = ("cut", "stall", "ends early", "error inside")


def _usage() -> Json:
    return {
        "input_tokens": 20,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 100,
        "output_tokens": 9,
        "service_tier": "standard",
    }


@dataclass
class AnthropicServer:
    """What it answers: `faults` first, one for each request, then `content`.

    What goes wrong inside a stream waits until the client has a part of it (`begun`).
    """

    content: list[Json] = field(default_factory=lambda: [{"type": "text", "text": "Hello there."}])
    stop_reason: str = "end_turn"
    usage: Json = field(default_factory=_usage)
    faults: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else ""
        if fault[:3].isdigit():
            await self._refuse(fault, request, reply)
        elif fault == "reset":
            reply.cut()
        elif fault in NO_ANSWER:
            await self._no_answer(fault, request, reply)
        elif request.body.get("stream"):
            await self._stream(reply, fault)
        else:
            await reply.whole(200, self.message())

    def message(self) -> Json:
        return {
            "id": "msg_upstream",
            "type": "message",
            "role": "assistant",
            "model": "claude-test-1",
            "content": self.content,
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "usage": self.usage,
        }

    async def _refuse(self, fault: str, request: Request, reply: Reply) -> None:
        """Refuse by `STATUS`, `STATUS after SECONDS` or `STATUS says MESSAGE`."""
        status, _, after = fault.partition(" after ")
        status, _, message = status.partition(" says ")
        headers = {"retry-after": after} if after else {}
        key = request.headers.get("x-api-key")
        # Gives the client's key away, as a careless server might.
        told = message or f"refused with {status}, key {key}"
        kind = KINDS.get(int(status), "api_error")
        await reply.whole(int(status), error_of(kind, told), headers)

    async def _no_answer(self, fault: str, request: Request, reply: Reply) -> None:
        if fault == "silent":
            await reply.stall()
        elif fault == "page":
            await reply.whole(200, b"<html>hello</html>", {"content-type": "text/html"})
        elif not request.body.get("stream"):
            await reply.whole(200, NO_ANSWER[fault])
        else:
            await reply.begin("text/event-stream")
            data = NO_ANSWER[fault]
            await reply.send(b"event: message_start\ndata: " + data + b"\n\n" if data else b"")
            await reply.end()

    async def _stream(self, reply: Reply, fault: str) -> None:
        await reply.begin("text/event-stream; charset=utf-8")
        for number, event in enumerate(self.events(fault)):
            if number == 3 and fault in INSIDE:
                await self.begun.wait()
            if number == 3 and fault == "cut":
                return reply.cut()
            if number == 3 and fault == "stall":
                return await reply.stall()
            if number == 3 and fault == "ends early":
                break
            # In two parts, as a network cuts them.
            await reply.send(event[:11])
            await reply.send(event[11:])
        await reply.end()
        return None

    def events(self, fault: str = "") -> Iterator[bytes]:
        if fault == "error first":
            yield event_of(error_of("overloaded_error"))
            return
        start = {**self.usage, "output_tokens": 1}
        message = {**self.message(), "content": [], "stop_reason": None, "usage": start}
        yield event_of({"type": "message_start", "message": message})
        yield event_of({"type": "ping"})
        if fault == "unknown events":
            yield event_of({"type": "weather", "index": 9, "delta": {"type": "rain"}})
            yield b": a comment\n\n"
        for index, block in enumerate(self.content):
            yield from block_events(index, block)
            if fault == "error inside":
                yield event_of(error_of("overloaded_error"))
                return
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None}
        usage = {"output_tokens": self.usage["output_tokens"]}
        yield event_of({"type": "message_delta", "delta": delta, "usage": usage})
        if fault != "no end":
            yield event_of({"type": "message_stop"})


def block_events(index: int, block: Json) -> Iterator[bytes]:
    """Yield the events of one block."""
    empty, deltas = dict(block), []
    if block["type"] == "text":
        empty["text"] = ""
        deltas = [{"type": "text_delta", "text": part} for part in halves(block["text"])]
    elif block["type"] == "tool_use":
        empty["input"] = {}
        whole = json.dumps(block["input"]) if block["input"] else ""
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in halves(whole)]
    elif block["type"] == "thinking":
        empty |= {"thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": block["thinking"]}]
        deltas += [{"type": "signature_delta", "signature": block["signature"]}]
    start = {"type": "content_block_start", "index": index, "content_block": empty}
    yield event_of(start)
    for delta in deltas:
        yield event_of({"type": "content_block_delta", "index": index, "delta": delta})
    yield event_of({"type": "content_block_stop", "index": index})


def halves(text: str) -> list[str]:
    """Return a text in two parts."""
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def event_of(data: Json) -> bytes:
    """Return one event of the wire."""
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


KINDS = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error",
         529: "overloaded_error"}  # fmt: skip


def error_of(kind: str, message: str = "try later") -> Json:
    """Return the error envelope."""
    return {"type": "error", "error": {"type": kind, "message": message}}
