"""A request of the Anthropic wire as a chat request of the OpenAI wire.

Results of tools become messages of their own, before what else the user says; pictures within them
move to the user's message. Thinking of earlier turns is left out: its signature means something to
its provider only, as do `cache_control`, `thinking` and `output_config.effort`.
"""

from __future__ import annotations

from typing import Any

import orjson

from buildwright.gateway.checking import unusable
from buildwright.gateway.translate.reading import (
    Json,
    a_list,
    a_text,
    an_object,
    not_offered,
    text_of,
)

UPSTREAM = "a model that does not speak the Anthropic wire"
_REFUSED = ("mcp_servers", "container", "context_management")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def chat_request(body: Json, limit_name: str = "max_tokens") -> Json:
    """Return the request, its model as it is; `limit_name` is how the upstream calls `max_tokens`.

    Raises GatewayError 400.
    """
    for name in _REFUSED:
        if body.get(name):
            raise not_offered(name, body[name], UPSTREAM)
    messages = _system(body.get("system"))
    for number, row in enumerate(a_list("messages", body.get("messages"))):
        messages += _messages(f"messages[{number}]", an_object(f"messages[{number}]", row))
    made: Json = {
        "model": body["model"],
        "messages": messages,
        limit_name: body["max_tokens"],
    }
    for name, theirs in (("temperature", "temperature"), ("top_p", "top_p"),
                         ("stop_sequences", "stop")):  # fmt: skip
        if body.get(name) not in (None, []):
            made[theirs] = body[name]
    _add_tools(body, made)
    _add_rest(body, made)
    return made


def _system(given: object) -> list[Json]:
    if not given:
        return []
    if not isinstance(given, str):
        rows = a_list("system", given)
        given = "\n\n".join(
            a_text(f"system[{number}].text", an_object(f"system[{number}]", row).get("text"))
            for number, row in enumerate(rows)
        )
    return [{"role": "system", "content": given}]


def _messages(where: str, message: Json) -> list[Json]:
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant", "system"):
        raise unusable(f"{where}.role", role, "user or assistant")
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    blocks = a_list(f"{where}.content", content)
    rows = [(f"{where}.content[{n}]", an_object(f"{where}.content[{n}]", block))
            for n, block in enumerate(blocks)]  # fmt: skip
    return [_assistant(rows)] if role == "assistant" else _user(str(role), rows)


def _assistant(rows: list[tuple[str, Json]]) -> Json:
    texts, calls = [], []
    for where, block in rows:
        kind = block.get("type")
        if kind == "text":
            texts.append(a_text(f"{where}.text", block.get("text")))
        elif kind == "tool_use":
            calls.append(_call(where, block))
        elif kind not in ("thinking", "redacted_thinking"):
            raise not_offered(f"{where}.type", kind, UPSTREAM)
    made: Json = {"role": "assistant", "content": "".join(texts) or (None if calls else "")}
    if calls:
        made["tool_calls"] = calls
    return made


def _call(where: str, block: Json) -> Json:
    given = an_object(f"{where}.input", block.get("input") or {})
    return {
        "id": a_text(f"{where}.id", block.get("id")),
        "type": "function",
        "function": {
            "name": a_text(f"{where}.name", block.get("name")),
            "arguments": orjson.dumps(given).decode(),
        },
    }


def _user(role: str, rows: list[tuple[str, Json]]) -> list[Json]:
    results, parts = [], []
    for where, block in rows:
        if block.get("type") == "tool_result":
            result, pictures = _result(where, block)
            results.append(result)
            parts += pictures
        else:
            parts.append(_part(where, block))
    if not parts:
        return results or [{"role": role, "content": ""}]
    plain = len(parts) == 1 and parts[0]["type"] == "text"
    return [*results, {"role": role, "content": parts[0]["text"] if plain else parts}]


def _result(where: str, block: Json) -> tuple[Json, list[Json]]:
    content = block.get("content") or ""
    pictures = []
    if isinstance(content, list):
        parts = [
            _part(f"{where}.content[{n}]", an_object(f"{where}.content[{n}]", row))
            for n, row in enumerate(content)
        ]
        pictures = [part for part in parts if part["type"] != "text"]
        content = text_of(parts)
    text = a_text(f"{where}.content", content)
    called = a_text(f"{where}.tool_use_id", block.get("tool_use_id"))
    if block.get("is_error"):
        text = f"Error: {text}"
    return {"role": "tool", "tool_call_id": called, "content": text}, pictures


def _part(where: str, block: Json) -> Json:
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": a_text(f"{where}.text", block.get("text"))}
    source = an_object(f"{where}.source", block.get("source") or {})
    if kind == "image" and source.get("type") in ("base64", "url"):
        return {"type": "image_url", "image_url": {"url": _address(f"{where}.source", source)}}
    if kind == "document" and source.get("type") == "text":
        return {"type": "text", "text": a_text(f"{where}.source.data", source.get("data"))}
    if kind == "document" and source.get("type") == "base64":
        file = {"filename": block.get("title") or "document.pdf",
                "file_data": _address(f"{where}.source", source)}  # fmt: skip
        return {"type": "file", "file": file}
    shown = f"{kind} of source {source.get('type')}" if source else kind
    raise not_offered(f"{where}.type", shown, UPSTREAM)


def _address(where: str, source: Json) -> str:
    if source["type"] == "url":
        return a_text(f"{where}.url", source.get("url"))
    media = a_text(f"{where}.media_type", source.get("media_type"))
    return f"data:{media};base64,{a_text(f'{where}.data', source.get('data'))}"


def _add_tools(body: Json, made: Json) -> None:
    rows = a_list("tools", body.get("tools"))
    if not rows:
        return
    made["tools"] = [_tool(f"tools[{n}]", an_object(f"tools[{n}]", row))
                     for n, row in enumerate(rows)]  # fmt: skip
    choice = body.get("tool_choice")
    if choice is None:
        return
    choice = an_object("tool_choice", choice)
    made["tool_choice"] = _choice(choice)
    if choice.get("disable_parallel_tool_use"):
        made["parallel_tool_calls"] = False


def _tool(where: str, tool: Json) -> Json:
    if tool.get("type") not in (None, "custom"):
        raise not_offered(f"{where}.type", tool["type"], UPSTREAM)
    function: Json = {
        "name": a_text(f"{where}.name", tool.get("name")),
        "parameters": an_object(f"{where}.input_schema", tool.get("input_schema")),
    }
    for name in ("description", "strict"):
        if tool.get(name):
            function[name] = tool[name]
    return {"type": "function", "function": function}


def _choice(choice: Json) -> Any:
    kind = choice.get("type")
    if kind == "tool":
        name = a_text("tool_choice.name", choice.get("name"))
        return {"type": "function", "function": {"name": name}}
    if not isinstance(kind, str) or kind not in _CHOICES:
        raise unusable("tool_choice.type", kind, "auto, any, tool or none")
    return _CHOICES[kind]


def _add_rest(body: Json, made: Json) -> None:
    output = body.get("output_config") or {}
    form = output.get("format") if isinstance(output, dict) else None
    if form:
        given = an_object("output_config.format", form)
        schema = an_object("output_config.format.schema", given.get("schema"))
        named = {"name": "answer", "schema": schema, "strict": True}
        made["response_format"] = {"type": "json_schema", "json_schema": named}
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("user_id"), str):
        made["user"] = metadata["user_id"]
    if body.get("stream"):
        made["stream"] = True
        made["stream_options"] = {"include_usage": True}
