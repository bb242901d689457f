"""Anthropic's stream as chunks of the OpenAI wire."""

from __future__ import annotations

from typing import Any

import orjson

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.chatform import usage_json
from buildwright.gateway.sse import DONE
from buildwright.gateway.translate.answers import FINISH
from buildwright.gateway.translate.reading import Json


class Chunks:
    """Turns events into chunks; those that say nothing to an OpenAI client become nothing.

    `at` is when the call came (epoch seconds), `model` what it asked for.
    """

    def __init__(self, model: str, at: float, *, with_usage: bool) -> None:
        self._head: Json = {"id": "", "object": "chat.completion.chunk", "created": int(at),
                            "model": model}  # fmt: skip
        self._with_usage = with_usage
        self._tools: dict[int, int] = {}
        self._unsaid: dict[int, str] = {}

    def of(self, event: Json) -> bytes:
        """Return the chunks of one event."""
        kind, index = event.get("type"), event.get("index")
        if not isinstance(index, int):
            index = -1
        if kind == "message_start":
            return self._start(_object(event.get("message")))
        if kind == "content_block_start":
            return self._block(index, _object(event.get("content_block")))
        if kind == "content_block_delta":
            return self._delta(index, _object(event.get("delta")))
        if kind == "content_block_stop":
            return self._close(index)
        if kind == "message_delta":
            return self._finish(_object(event.get("delta")).get("stop_reason"))
        return b""

    def end(self, usage: TokenUsage) -> bytes:
        """Return the chunk with usage, where it was asked for, and the end of the stream."""
        if not self._with_usage:
            return DONE
        chunk = {**self._head, "choices": [], "usage": usage_json(usage)}
        return b"data: " + orjson.dumps(chunk) + b"\n\n" + DONE

    def _start(self, message: Json) -> bytes:
        self._head["id"] = str(message.get("id") or "")
        self._head["model"] = message.get("model") or self._head["model"]
        return self._chunk({"role": "assistant", "content": ""})

    def _block(self, index: int, block: Json) -> bytes:
        kind = block.get("type")
        if kind == "text" and block.get("text"):
            return self._chunk({"content": block["text"]})
        if kind != "tool_use":
            return b""
        number = self._tools[index] = len(self._tools)
        # Most send {} here and the input in pieces; some send all of it here and no piece.
        self._unsaid[index] = orjson.dumps(block.get("input") or {}).decode()
        function = {"name": str(block.get("name") or ""), "arguments": ""}
        row = {"index": number, "id": str(block.get("id") or ""), "type": "function",
               "function": function}  # fmt: skip
        return self._chunk({"tool_calls": [row]})

    def _delta(self, index: int, delta: Json) -> bytes:
        kind = delta.get("type")
        if kind == "text_delta":
            return self._chunk({"content": str(delta.get("text") or "")})
        if kind == "input_json_delta" and index in self._tools:
            piece = str(delta.get("partial_json") or "")
            return self._arguments(index, piece) if piece else b""
        if kind == "thinking_delta":
            return self._chunk({"reasoning_content": str(delta.get("thinking") or "")})
        return b""

    def _close(self, index: int) -> bytes:
        whole = self._unsaid.get(index)
        return b"" if whole is None else self._arguments(index, whole)

    def _arguments(self, index: int, piece: str) -> bytes:
        self._unsaid.pop(index, None)
        row = {"index": self._tools[index], "function": {"arguments": piece}}
        return self._chunk({"tool_calls": [row]})

    def _finish(self, reason: Any) -> bytes:
        return self._chunk({}, FINISH.get(str(reason), "stop")) if reason else b""

    def _chunk(self, delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + orjson.dumps({**self._head, "choices": [choice]}) + b"\n\n"


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
