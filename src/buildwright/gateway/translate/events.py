"""Chunks of the OpenAI wire as Anthropic's stream."""

from __future__ import annotations

from typing import Any

import orjson

from buildwright.core.ledger import NO_USAGE, TokenUsage
from buildwright.gateway.sse import data_of, events_of
from buildwright.gateway.translate.answers import message_id, message_usage, stop_reason
from buildwright.gateway.translate.reading import Json


class Events:
    """Turns blocks of whole chunks into events.

    Text is one block at a time. Calls of tools stay open until the end, because a server may send
    pieces of several in turns.
    """

    def __init__(self, call_id: str, model: str) -> None:
        self._call_id, self._model = call_id, model
        self._started = False
        self._blocks = 0
        self._text: int | None = None
        self._tools: dict[Any, _Tool] = {}
        self._finish: Any = None
        self._refused = False

    def of(self, block: bytes) -> bytes:
        """Return the events of complete chunks; the last ones come with `end`."""
        made = []
        for event in events_of(block):
            data = data_of(event)
            if data.startswith(b"{"):
                made.append(self._chunk(orjson.loads(data)))
        return b"".join(made)

    def end(self, usage: TokenUsage) -> bytes:
        """Return what closes the message."""
        made = [self._start(), self._close_text()]
        for tool in self._tools.values():
            made.append(self._open_tool(tool))
            made.append(_event("content_block_stop", {"index": tool.block}))
        stop = stop_reason(self._finish, called=bool(self._tools), refused=self._refused)
        delta = {"stop_reason": stop, "stop_sequence": None}
        made.append(_event("message_delta", {"delta": delta, "usage": message_usage(usage)}))
        made.append(_event("message_stop", {}))
        return b"".join(made)

    def _chunk(self, chunk: Json) -> bytes:
        made = [self._start(chunk.get("model"))]
        choices = chunk.get("choices")
        for choice in choices[:1] if isinstance(choices, list) else ():
            delta = choice.get("delta") or choice.get("message") or {}
            refusal = delta.get("refusal")
            self._refused = self._refused or bool(refusal)
            text = delta.get("content") or refusal
            if isinstance(text, str) and text:
                made.append(self._say(text))
            for number, row in enumerate(delta.get("tool_calls") or ()):
                made.append(self._call(row.get("index", number), row))
            self._finish = choice.get("finish_reason") or self._finish
        return b"".join(made)

    def _start(self, model: Any = None) -> bytes:
        if self._started:
            return b""
        self._started = True
        message: Json = {
            "id": message_id(self._call_id),
            "type": "message",
            "role": "assistant",
            "model": model or self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": message_usage(NO_USAGE),
        }
        return _event("message_start", {"message": message})

    def _say(self, text: str) -> bytes:
        opened = b""
        if self._text is None:
            self._text = self._take()
            content = {"type": "text", "text": ""}
            opened = _event("content_block_start", {"index": self._text, "content_block": content})
        delta = {"type": "text_delta", "text": text}
        return opened + _event("content_block_delta", {"index": self._text, "delta": delta})

    def _close_text(self) -> bytes:
        index, self._text = self._text, None
        return b"" if index is None else _event("content_block_stop", {"index": index})

    def _call(self, key: Any, row: Json) -> bytes:
        tool = self._tools.setdefault(key, _Tool(f"toolu_{self._call_id}_{len(self._tools)}"))
        function = row.get("function") or {}
        tool.id = row.get("id") or tool.id
        tool.name += function.get("name") or ""
        tool.unsaid += function.get("arguments") or ""
        return self._open_tool(tool) if tool.name else b""

    def _open_tool(self, tool: _Tool) -> bytes:
        made = b""
        if tool.block is None:
            made = self._close_text()
            tool.block = self._take()
            content = {"type": "tool_use", "id": tool.id, "name": tool.name, "input": {}}
            made += _event("content_block_start", {"index": tool.block, "content_block": content})
        if tool.unsaid:
            delta = {"type": "input_json_delta", "partial_json": tool.unsaid}
            made += _event("content_block_delta", {"index": tool.block, "delta": delta})
            tool.unsaid = ""
        return made

    def _take(self) -> int:
        self._blocks += 1
        return self._blocks - 1


class _Tool:
    """A call of a tool as it comes in; `block` is its place among the blocks once it has one."""

    __slots__ = ("block", "id", "name", "unsaid")

    def __init__(self, spare_id: str) -> None:
        self.id, self.name, self.unsaid = spare_id, "", ""
        self.block: int | None = None


def _event(name: str, fields: Json) -> bytes:
    data = orjson.dumps({"type": name, **fields})
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
