"""Whole answers, reasons to stop and usage, between the OpenAI and the Anthropic wire.

Blocks of kinds that the other side has no word for are left out; nothing here fails for one.
"""

from __future__ import annotations

from typing import Any

import orjson

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.chatform import usage_json
from buildwright.gateway.translate.reading import Json, text_of

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Anthropic's stop_reason -> OpenAI's finish_reason; an unknown one is "stop"."""

STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
"""OpenAI's finish_reason -> Anthropic's stop_reason; an unknown one is "end_turn"."""


def chat_answer(message: Json, usage: TokenUsage, at: float) -> Json:
    """Return Anthropic's whole answer as a chat completion made at `at` (epoch seconds).

    Thinking is told as `reasoning_content`, where other providers put it.
    """
    blocks = [block for block in message["content"] if isinstance(block, dict)]
    text = text_of([block for block in blocks if block.get("type") == "text"])
    calls = [_call(block) for block in blocks if block.get("type") == "tool_use"]
    said: Json = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
    thoughts = "".join(
        str(block.get("thinking") or "") for block in blocks if block.get("type") == "thinking"
    )
    if thoughts:
        said["reasoning_content"] = thoughts
    if calls:
        said["tool_calls"] = calls
    finish = FINISH.get(str(message.get("stop_reason")), "stop")
    return {
        "id": message.get("id"),
        "object": "chat.completion",
        "created": int(at),
        "model": message.get("model"),
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
        "usage": usage_json(usage),
    }


def _call(block: Json) -> Json:
    arguments = orjson.dumps(block.get("input") or {}).decode()
    function = {"name": str(block.get("name") or ""), "arguments": arguments}
    return {"id": str(block.get("id") or ""), "type": "function", "function": function}


def message_answer(answer: Json, usage: TokenUsage, call_id: str) -> Json:
    """Return a chat completion's first choice as Anthropic's whole answer."""
    choice = answer["choices"][0]
    said = choice.get("message") or {}
    refused = said.get("refusal")
    content = []
    text = text_of(said.get("content")) or (refused if isinstance(refused, str) else "")
    if text:
        content.append({"type": "text", "text": text, "citations": None})
    calls = [call for call in said.get("tool_calls") or () if isinstance(call, dict)]
    content += [_tool_use(call, f"{call_id}_{number}") for number, call in enumerate(calls)]
    stop = stop_reason(choice.get("finish_reason"), called=bool(calls), refused=bool(refused))
    return {
        "id": message_id(call_id),
        "type": "message",
        "role": "assistant",
        "model": answer.get("model"),
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": message_usage(usage),
    }


def stop_reason(finish: Any, *, called: bool, refused: bool = False) -> str:
    """Return Anthropic's reason; some servers end a tool call with a plain "stop"."""
    if refused:
        return "refusal"
    stop = STOP.get(str(finish), "end_turn")
    return "tool_use" if called and stop == "end_turn" else stop


def message_id(call_id: str) -> str:
    """Return the id of an answer on the Anthropic wire."""
    return f"msg_{call_id}"


def message_usage(usage: TokenUsage) -> Json:
    """Return usage as the Anthropic wire has it: its input excludes what was cached."""
    return {
        "input_tokens": usage.fresh_input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output + usage.reasoning,
    }


def _tool_use(call: Json, spare: str) -> Json:
    function = call.get("function") or {}
    given = loaded = function.get("arguments") or {}
    if isinstance(given, str):
        try:
            loaded = orjson.loads(given)
        except ValueError:
            loaded = None
    if not isinstance(loaded, dict):
        # The model wrote no JSON object; its words reach the client as they are.
        loaded = {"arguments": given}
    return {
        "type": "tool_use",
        "id": call.get("id") or f"toolu_{spare}",
        "name": str(function.get("name") or ""),
        "input": loaded,
    }
