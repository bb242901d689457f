"""A model server that speaks Ollama's own wire, streams lines, and injects faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.gateway.wire_servers.loopback import Reply, Request

Json = dict[str, Any]
INSIDE = ("cut", "stall", "ends early", "error inside")


@dataclass
class OllamaServer:
    """What it answers: `faults` first, one for each request, then `text` and `calls`.

    What goes wrong inside a stream waits until the client has a part of it (`begun`).
    """

    text: str = "Hello from here."
    thinking: str = ""
    calls: list[Json] = field(default_factory=list)
    done_reason: str = "stop"
    counts: Json = field(default_factory=lambda: {"prompt_eval_count": 26, "eval_count": 8})
    faults: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    odd: Any = None
    url: str = ""
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else ""
        if fault.isdigit():
            await reply.whole(int(fault), {"error": f"refused with {fault}"})
        elif fault == "malformed":
            await reply.whole(200, b'{"model": \n')
        elif self.odd is not None:
            await reply.whole(200, self.odd)
        elif request.path == "/api/embed":
            await reply.whole(200, self._embeddings(request))
        elif request.body["stream"]:
            await self._stream(reply, fault)
        else:
            await reply.whole(200, self._whole())

    def _embeddings(self, request: Request) -> Json:
        vectors = [[0.5, -1.25, float(len(text))] for text in request.body["input"]]
        return {"model": "m", "embeddings": vectors, "prompt_eval_count": 5}

    def _message(self) -> Json:
        message: Json = {"role": "assistant", "content": self.text}
        if self.thinking:
            message["thinking"] = self.thinking
        if self.calls:
            message["tool_calls"] = [{"function": call} for call in self.calls]
        return message

    def _end(self, message: Json) -> Json:
        return {
            "model": "m",
            "created_at": "2026-01-01T00:00:00Z",
            "message": message,
            "done": True,
            "done_reason": self.done_reason,
            "total_duration": 5_000,
            **self.counts,
        }

    def _whole(self) -> Json:
        return self._end(self._message())

    async def _stream(self, reply: Reply, fault: str) -> None:
        await reply.begin("application/x-ndjson")
        for number, row in enumerate(self._lines(fault)):
            if number == 1 and fault in INSIDE:
                await self.begun.wait()
            if number == 2 and fault == "cut":
                return reply.cut()
            if number == 2 and fault == "stall":
                return await reply.stall()
            if number == 2 and fault == "ends early":
                break
            line = json.dumps(row).encode() + b"\n"
            await reply.send(line[:7])
            await reply.send(line[7:])
        await reply.end()
        return None

    def _lines(self, fault: str) -> Iterator[Json]:
        if fault == "error first":
            yield {"error": "model runner has stopped"}
            return
        if self.thinking:
            yield self._line({"thinking": self.thinking, "content": ""})
        for word in self.text.split(" ") if self.text else ():
            yield self._line({"content": word + " "})
            if fault == "error inside":
                yield {"error": "model runner has stopped"}
                return
        for call in self.calls:
            yield self._line({"content": "", "tool_calls": [{"function": call}]})
        yield self._end({"role": "assistant", "content": ""})

    def _line(self, message: Json) -> Json:
        return {"model": "m", "message": {"role": "assistant", **message}, "done": False}
