"""A model server that speaks the OpenAI wire, whole and streamed, and injects faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.gateway.wire_servers.loopback import Reply, Request

Json = dict[str, Any]


def _usage() -> Json:
    return {
        "prompt_tokens": 30,
        "completion_tokens": 12,
        "total_tokens": 42,
        "prompt_tokens_details": {"cached_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }


@dataclass
class OpenAiServer:
    """What it answers: `faults` first, one for each request, then `text` and `calls`."""

    text: str = "Hello there."
    calls: list[Json] = field(default_factory=list)
    finish: str = "stop"
    usage: Json | None = field(default_factory=_usage)
    faults: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    choices: list[Any] | None = None
    url: str = ""
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else ""
        if fault[:3].isdigit():
            status, _, after = fault.partition(" after ")
            headers = {"retry-after": after} if after else {}
            error = {"message": f"refused with {status}", "type": "x", "code": None}
            await reply.whole(int(status), {"error": error}, headers)
        elif request.body.get("stream"):
            await self._stream(reply, fault)
        else:
            await reply.whole(200, self._whole())

    def _whole(self) -> Json:
        message: Json = {"role": "assistant", "content": self.text or None}
        if self.calls:
            message["tool_calls"] = self.calls
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-test",
                "choices": self.choices or [choice], "usage": self.usage}  # fmt: skip

    async def _stream(self, reply: Reply, fault: str) -> None:
        await reply.begin("text/event-stream")
        for number, chunk in enumerate(self._chunks()):
            if number == 2 and fault:
                await self.begun.wait()
                return reply.cut() if fault == "cut" else await reply.stall()
            await reply.send(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await reply.send(b"data: [DONE]\n\n")
        await reply.end()
        return None

    def _chunks(self) -> Iterator[Json]:
        yield _chunk({"role": "assistant", "content": ""})
        if self.choices is not None:
            yield {**_chunk({}), "choices": self.choices}
        for word in self.text.split(" ") if self.text else ():
            yield _chunk({"content": word if word.endswith(".") else word + " "})
        for number, call in enumerate(self.calls):
            function = {"name": call["function"]["name"], "arguments": ""}
            yield _chunk({"tool_calls": [{**call, "index": number, "function": function}]})
        for half in (0, 1):  # in turns, as some servers do
            for number, call in enumerate(self.calls):
                text = call["function"]["arguments"]
                piece = (text[: len(text) // 2], text[len(text) // 2 :])[half]
                yield _chunk({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
        yield _chunk({}, self.finish)
        if self.usage is not None:
            yield {**_chunk({}), "choices": [], "usage": self.usage}


def _chunk(delta: Json, finish: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
            "model": "gpt-test", "choices": [choice]}  # fmt: skip
