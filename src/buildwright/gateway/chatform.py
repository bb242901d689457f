"""Between our own words for a chat and the JSON of the OpenAI wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from buildwright.core.chat import (
    ChatReply,
    ChatRequest,
    FinishReason,
    Message,
    Role,
    ToolCall,
    ToolSpec,
    Usage,
)
from buildwright.core.errors import ModelError
from buildwright.core.ledger import TokenUsage
from buildwright.gateway.sse import data_of, events_of

_REASONS = ("stop", "length", "tool_calls", "content_filter")


def body_of(request: ChatRequest, *, stream: bool) -> dict[str, Any]:
    """Return the JSON body of a request."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    if stream:
        body["stream"] = True
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in request.tools
        ]
    return body


def request_of(body: Mapping[str, Any], key: str = "") -> ChatRequest:
    """Return a request from a JSON body; parts we have no word for are left out."""
    tools = tuple(
        ToolSpec(f["name"], f.get("description") or "", f.get("parameters") or {})
        for f in (tool.get("function") or {} for tool in body.get("tools") or ())
        if f.get("name")
    )
    return ChatRequest(
        str(body["model"]),
        tuple(_message_of(row) for row in body.get("messages") or ()),
        tools,
        body.get("max_completion_tokens") or body.get("max_tokens") or 4096,
        float(body.get("temperature") or 0.0),
        key,
    )


def answer_of(reply: ChatReply, usage: TokenUsage, call_id: str, at: float) -> dict[str, Any]:
    """Return the JSON answer of a reply."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.tool_calls:
        message["tool_calls"] = _tool_calls(reply.tool_calls)
    return {
        "id": f"chatcmpl-{call_id}",
        "object": "chat.completion",
        "created": int(at),
        "model": reply.model,
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
        "usage": usage_json(usage),
    }


def usage_json(usage: TokenUsage) -> dict[str, Any]:
    """Return usage as the OpenAI wire has it: parts within their sums."""
    output = usage.output + usage.reasoning
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": output,
        "total_tokens": usage.input + output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def chunks_of(answer: Mapping[str, Any], *, with_usage: bool) -> bytes:
    """Return a whole answer as the events of a stream."""
    head = {key: answer[key] for key in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk"
    events: list[dict[str, Any]] = []
    for choice in answer["choices"]:
        message = dict(choice["message"])
        for number, call in enumerate(message.get("tool_calls") or ()):
            call["index"] = number
        index = choice["index"]
        events.append({**head, "choices": [{"index": index, "delta": message}]})
        end = {"index": index, "delta": {}, "finish_reason": choice["finish_reason"]}
        events.append({**head, "choices": [end]})
    if with_usage:
        events.append({**head, "choices": [], "usage": answer.get("usage")})
    lines = [b"data: " + orjson.dumps(event) + b"\n\n" for event in events]
    return b"".join(lines) + b"data: [DONE]\n\n"


@dataclass
class Gathering:
    """A streamed answer as it comes together."""

    text: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    finish: FinishReason = "unknown"
    model: str = ""

    def take(self, block: bytes) -> list[str]:
        """Add complete events; return the pieces of text in them. Raises ModelError."""
        pieces = []
        for event in events_of(block):
            data = data_of(event)
            if not data or data == b"[DONE]":
                continue
            try:
                pieces.append(self._add(orjson.loads(data)))
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                raise ModelError("the answer holds malformed JSON") from error
        return [piece for piece in pieces if piece]

    def reply(self, usage: TokenUsage, cost_usd: float) -> ChatReply:
        """Return the whole; raises ModelError when the answer never finished."""
        self.check()
        calls = tuple(
            ToolCall(call["id"] or f"call_{number}", call["name"], call["arguments"])
            for number, call in sorted(self.calls.items())
        )
        told = Usage(usage.input, usage.output + usage.reasoning, usage.estimated)
        return ChatReply("".join(self.text), calls, self.finish, told, self.model, cost_usd)

    def check(self) -> None:
        """Raise ModelError when the answer never finished."""
        if self.finish == "unknown":
            raise ModelError("the answer was cut off", next_step="try again")

    def _add(self, chunk: dict[str, Any]) -> str:
        if chunk.get("error"):
            raise ModelError(f"the provider broke off: {str(chunk['error'])[:200]}")
        text = ""
        for choice in (chunk.get("choices") or [])[:1]:
            delta = choice.get("delta") or choice.get("message") or {}
            text = delta.get("content") or ""
            self.text.append(text)
            for number, call in enumerate(delta.get("tool_calls") or ()):
                self._add_call(int(call.get("index", number)), call)
            reason = choice.get("finish_reason")
            if reason:
                self.finish = reason if reason in _REASONS else "stop"
        return text

    def _add_call(self, index: int, call: dict[str, Any]) -> None:
        mine = self.calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        function = call.get("function") or {}
        mine["id"] += call.get("id") or ""
        mine["name"] += function.get("name") or ""
        mine["arguments"] += function.get("arguments") or ""


def _message(message: Message) -> dict[str, Any]:
    row: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        row["tool_calls"] = _tool_calls(message.tool_calls)
    if message.tool_call_id:
        row["tool_call_id"] = message.tool_call_id
    return row


def _tool_calls(calls: tuple[ToolCall, ...]) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in calls
    ]


def _message_of(row: Mapping[str, Any]) -> Message:
    content = row.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    calls = tuple(
        ToolCall(str(c.get("id", "")), c["function"]["name"], c["function"].get("arguments", ""))
        for c in row.get("tool_calls") or ()
    )
    role = row.get("role", "user")
    known: Role = role if role in ("system", "user", "assistant", "tool") else "user"
    return Message(known, content or "", calls, str(row.get("tool_call_id") or ""))


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """Return a tool call's arguments; raises ValueError when they are no JSON object."""
    loaded = json.loads(call.arguments or "{}")
    if not isinstance(loaded, dict):
        raise ValueError("not an object")
    return loaded
