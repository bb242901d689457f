"""Between the OpenAI wire and Ollama's own: requests, whole answers and lines of a stream."""

from __future__ import annotations

import struct
from base64 import b64encode
from typing import Any

import orjson

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.chatform import usage_json
from buildwright.gateway.checking import unusable
from buildwright.gateway.translate.reading import (
    Json,
    a_list,
    a_text,
    an_object,
    not_offered,
    object_of,
    picture_of,
)

UPSTREAM = "Ollama"
OPTIONS = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
           "frequency_penalty": "frequency_penalty",
           "presence_penalty": "presence_penalty"}  # fmt: skip
THINK = {"none": False, "minimal": "low", "low": "low", "medium": "medium", "high": "high",
         "xhigh": "high"}  # fmt: skip
_REFUSED = ("logprobs", "top_logprobs", "logit_bias", "functions", "function_call", "audio",
            "web_search_options")  # fmt: skip


def ollama_request(body: Json, model: str, context_tokens: int | None = None) -> Json:
    """Return the body of `/api/chat`; raises GatewayError 400.

    `context_tokens` is asked for where it is known: Ollama cuts longer input off without a word.
    """
    if (body.get("n") or 1) != 1:
        raise not_offered("n", body["n"], UPSTREAM)
    for name in _REFUSED:
        if body.get(name):
            raise not_offered(name, body[name], UPSTREAM)
    names: dict[str, str] = {}
    messages = [
        _message(f"messages[{number}]", an_object(f"messages[{number}]", row), names)
        for number, row in enumerate(a_list("messages", body.get("messages")))
    ]
    made: Json = {"model": model, "messages": messages, "stream": bool(body.get("stream"))}
    options = _options(body, context_tokens)
    if options:
        made["options"] = options
    _add_tools(body, made)
    _add_output(body, made)
    return made


def _message(where: str, message: Json, names: dict[str, str]) -> Json:
    role = message.get("role")
    if role not in ("system", "developer", "user", "assistant", "tool"):
        raise unusable(f"{where}.role", role, "system, developer, user, assistant or tool")
    text, images = _content(f"{where}.content", message.get("content"))
    made: Json = {"role": "system" if role == "developer" else role, "content": text}
    if images:
        made["images"] = images
    calls = a_list(f"{where}.tool_calls", message.get("tool_calls"))
    if calls:
        made["tool_calls"] = [
            _call(f"{where}.tool_calls[{n}]", an_object(f"{where}.tool_calls[{n}]", row), names)
            for n, row in enumerate(calls)
        ]
    if role == "tool":
        called = str(message.get("tool_call_id"))
        made["tool_name"] = names.get(called, called)
    return made


def _content(where: str, content: object) -> tuple[str, list[str]]:
    if content is None or isinstance(content, str):
        return content or "", []
    texts, images = [], []
    for number, row in enumerate(a_list(where, content)):
        here = f"{where}[{number}]"
        part = an_object(here, row)
        kind = part.get("type")
        if kind in ("text", "refusal"):
            texts.append(a_text(f"{here}.{kind}", part.get(kind)))
        elif kind == "image_url":
            images.append(_image(f"{here}.image_url", part.get("image_url")))
        else:
            raise not_offered(f"{here}.type", kind, UPSTREAM)
    return "".join(texts), images


def _image(where: str, value: object) -> str:
    given = value.get("url") if isinstance(value, dict) else value
    picture = picture_of(a_text(f"{where}.url", given))
    if picture is None:
        raise unusable(f"{where}.url", given, "data:image/...;base64,... for Ollama")
    return picture[1]


def _call(where: str, call: Json, names: dict[str, str]) -> Json:
    function = an_object(f"{where}.function", call.get("function"))
    name = a_text(f"{where}.function.name", function.get("name"))
    names[str(call.get("id"))] = name
    given = object_of(f"{where}.function.arguments", function.get("arguments"))
    return {"function": {"name": name, "arguments": given}}


def _options(body: Json, context_tokens: int | None) -> Json:
    options = {theirs: body[name] for name, theirs in OPTIONS.items() if body.get(name) is not None}
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit:
        options["num_predict"] = limit
    stop = body.get("stop")
    if stop:
        options["stop"] = [stop] if isinstance(stop, str) else a_list("stop", stop)
    if context_tokens:
        options["num_ctx"] = context_tokens
    return options


def _add_tools(body: Json, made: Json) -> None:
    tools = a_list("tools", body.get("tools"))
    choice = body.get("tool_choice")
    if choice not in (None, "auto", "none"):
        raise not_offered("tool_choice", choice, UPSTREAM)
    if tools and choice != "none":
        made["tools"] = tools


def _add_output(body: Json, made: Json) -> None:
    form = body.get("response_format")
    if form is not None:
        kind = an_object("response_format", form).get("type")
        if kind == "json_schema":
            given = an_object("response_format.json_schema", form.get("json_schema"))
            made["format"] = an_object("response_format.json_schema.schema", given.get("schema"))
        elif kind == "json_object":
            made["format"] = "json"
        elif kind != "text":
            raise not_offered("response_format.type", kind, UPSTREAM)
    effort = body.get("reasoning_effort")
    if effort is not None:
        if not isinstance(effort, str) or effort not in THINK:
            raise unusable("reasoning_effort", effort, ", ".join(THINK))
        made["think"] = THINK[effort]


def embed_request(body: Json, model: str) -> Json:
    """Return the body of `/api/embed`; raises GatewayError 400 for tokens instead of text."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else a_list("input", given)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise unusable("input", given, "a string or a list of strings for Ollama")
    made: Json = {"model": model, "input": texts}
    if body.get("dimensions") is not None:
        made["dimensions"] = body["dimensions"]
    return made


def embeddings_answer(raw: Json, body: Json, model: str, usage: TokenUsage) -> Json:
    """Return the vectors as the OpenAI wire has them, in base64 where the client asked for it."""
    packed = body.get("encoding_format") == "base64"
    rows = [
        {"object": "embedding", "index": n, "embedding": _packed(vector) if packed else vector}
        for n, vector in enumerate(raw["embeddings"])
    ]
    told = {"prompt_tokens": usage.input, "total_tokens": usage.total}
    return {"object": "list", "data": rows, "model": model, "usage": told}


def _packed(vector: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def chat_answer(raw: Json, head: Json, usage: TokenUsage) -> Json:
    """Return a whole answer as a chat completion; `head` is its id, time and model."""
    said, finish = spoken(raw, head["id"], 0)
    message = {"role": "assistant", "content": None, "refusal": None, **said}
    if not said.get("tool_calls"):
        message["content"] = said.get("content", "")
    for call in said.get("tool_calls", ()):
        del call["index"]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish or "stop"}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage_json(usage)}


def spoken(line: Json, answer_id: str, before: int) -> tuple[Json, str | None]:
    """Return what one line says as a delta, and why it ends where it is the last.

    `before` counts the calls of tools in earlier lines.
    """
    message = line.get("message")
    message = message if isinstance(message, dict) else {}
    delta: Json = {}
    for theirs, name in (("content", "content"), ("thinking", "reasoning_content")):
        if isinstance(message.get(theirs), str) and message[theirs]:
            delta[name] = message[theirs]
    rows = message.get("tool_calls")
    calls = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if calls:
        delta["tool_calls"] = [_called(row, before + n, answer_id) for n, row in enumerate(calls)]
    if not line.get("done"):
        return delta, None
    if calls or before:
        return delta, "tool_calls"
    return delta, "length" if line.get("done_reason") == "length" else "stop"


def _called(row: Json, index: int, answer_id: str) -> Json:
    function: Any = row.get("function")
    function = function if isinstance(function, dict) else {}
    given = function.get("arguments")
    arguments = given if isinstance(given, str) else orjson.dumps(given or {}).decode()
    spare = f"call_{answer_id.removeprefix('chatcmpl-')}_{index}"
    return {
        "index": index,
        "id": row.get("id") or spare,
        "type": "function",
        "function": {"name": str(function.get("name") or ""), "arguments": arguments},
    }
