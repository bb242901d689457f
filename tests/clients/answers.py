"""What the model server says: chats with tools, JSON, several choices, logprobs; embeddings."""

from __future__ import annotations

import json
from typing import Any

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
COST_NANO = 11 * 1_000_000 + 7 * 2_000_000
"""What `USAGE` costs at 1,000 and 2,000 dollars a million tokens."""

WORDS = ("Hello", " from", " the", " wire.")
TEXT = "".join(WORDS)
DONE = b"data: [DONE]\n\n"


def answer(body: dict[str, Any], **replaced: Any) -> bytes:
    """Return a whole answer to a request; spaces in the JSON show whether bytes are passed on."""
    choices = [_choice(body, number) for number in range(body.get("n") or 1)]
    row = {
        "id": "chatcmpl-upstream", "object": "chat.completion", "created": 1_700_000_000,
        "model": body["model"], "choices": choices, "usage": USAGE,
        "system_fingerprint": "fp_1", "x_unknown": {"deep": [1, 2.50, "\u00e4"]},
    }  # fmt: skip
    return json.dumps(row | replaced, indent=1).encode()


def chunks(body: dict[str, Any], usage: dict[str, Any] | None = USAGE) -> list[bytes]:
    """Return the events of a streamed answer, `[DONE]` last."""
    told = [event(_delta(number, delta)) for number, delta in _deltas(body)]
    told += [event(_delta(n, {}, _reason(body))) for n in range(body.get("n") or 1)]
    asked = (body.get("stream_options") or {}).get("include_usage")
    if asked and usage is not None:
        told.append(event({**_delta(0, {}), "choices": [], "usage": usage}))
    return [*told, DONE]


def event(row: Any) -> bytes:
    return b"data: " + json.dumps(row).encode() + b"\n\n"


def word(number: int = 0) -> bytes:
    """Return one event with a word of the text."""
    return event(_delta(0, {"content": WORDS[number]}))


def vectors(body: dict[str, Any]) -> bytes:
    """Return an embedding for each input: its length."""
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [
        {"object": "embedding", "index": place, "embedding": [float(len(text)), 0.5]}
        for place, text in enumerate(given)
    ]
    usage = {"prompt_tokens": 5 * len(given), "total_tokens": 5 * len(given)}
    row = {"object": "list", "data": data, "model": body["model"], "usage": usage}
    return json.dumps(row).encode()


def refusal(message: str = "no", kind: str = "x", code: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "code": code}}).encode()


def _choice(body: dict[str, Any], number: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": _text(body)}
    if body.get("tools"):
        message |= {"content": None, "tool_calls": [_tool_call(body)]}
    row = {"index": number, "message": message, "finish_reason": _reason(body)}
    return row | _logprobs(body)


def _deltas(body: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    each: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if body.get("tools"):
        call = _tool_call(body)
        whole = call["function"]["arguments"]
        first = {**call, "index": 0, "function": {**call["function"], "arguments": whole[:4]}}
        rest = {"index": 0, "function": {"arguments": whole[4:]}}
        each += [{"tool_calls": [first]}, {"tool_calls": [rest]}]
    elif body.get("response_format"):
        each.append({"content": _text(body)})
    else:
        each += [{"content": part} for part in WORDS]
    return [(number, delta) for delta in each for number in range(body.get("n") or 1)]


def _delta(number: int, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": number, "delta": delta, "finish_reason": reason}
    return {
        "id": "chatcmpl-upstream", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "small", "choices": [choice],
    }  # fmt: skip


def _text(body: dict[str, Any]) -> str:
    if body.get("response_format"):
        return json.dumps({"title": "Dune", "year": 1965})
    return TEXT


def _tool_call(body: dict[str, Any]) -> dict[str, Any]:
    name = body["tools"][0]["function"]["name"]
    return {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps({"title": "Dune", "year": 1965})},
    }


def _reason(body: dict[str, Any]) -> str:
    return "tool_calls" if body.get("tools") else "stop"


def _logprobs(body: dict[str, Any]) -> dict[str, Any]:
    if not body.get("logprobs"):
        return {}
    row = {"token": "Hello", "logprob": -0.125, "bytes": [72], "top_logprobs": []}
    return {"logprobs": {"content": [row]}}
