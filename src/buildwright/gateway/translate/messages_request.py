"""A chat request of the OpenAI wire as one of the Anthropic wire.

System and developer messages become `system`, wherever they stand; consecutive messages of one
side become one turn, results of tools first. `cache_control` on parts and tools, `thinking` and
`top_k` pass. OpenAI's temperature goes to 2, Anthropic's to 1: what is above is 1.
"""

from __future__ import annotations

import re
from typing import Any

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

UPSTREAM = "a model on the Anthropic wire"
EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh"}
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_-]")
_REFUSED = ("logprobs", "top_logprobs", "logit_bias", "functions", "function_call", "audio",
            "web_search_options")  # fmt: skip


def messages_request(body: Json, model: str, max_tokens: int) -> Json:
    """Return the request; `max_tokens` holds where it names none. Raises GatewayError 400."""
    _check(body)
    system, turns = _turns(a_list("messages", body.get("messages")))
    if not turns:
        raise unusable("messages", [], f"a message with content for {UPSTREAM}")
    made: Json = {
        "model": model,
        "max_tokens": body.get("max_completion_tokens") or body.get("max_tokens") or max_tokens,
        "messages": turns,
    }
    if system:
        made["system"] = system
    _add_tools(body, made)
    _add_sampling(body, made)
    _add_output(body, made)
    if body.get("stream"):
        made["stream"] = True
    return made


def _check(body: Json) -> None:
    if (body.get("n") or 1) != 1:
        raise not_offered("n", body["n"], UPSTREAM)
    for name in _REFUSED:
        if body.get(name):
            raise not_offered(name, body[name], UPSTREAM)
    if body.get("modalities") not in (None, ["text"]):
        raise not_offered("modalities", body["modalities"], UPSTREAM)


def _turns(messages: list[Any]) -> tuple[list[Json], list[Json]]:
    """Return the system's blocks and the turns of user and assistant."""
    system: list[Json] = []
    turns: list[Json] = []
    for number, row in enumerate(messages):
        where = f"messages[{number}]"
        message = an_object(where, row)
        role = message.get("role")
        if role in ("system", "developer"):
            system += _parts(f"{where}.content", message.get("content"))
        elif role == "assistant":
            _add_turn(turns, "assistant", _assistant(where, message))
        elif role == "user":
            _add_turn(turns, "user", _parts(f"{where}.content", message.get("content")))
        elif role == "tool":
            _add_turn(turns, "user", [_result(where, message)])
        else:
            raise unusable(f"{where}.role", role, "system, developer, user, assistant or tool")
    return system, turns


def _add_turn(turns: list[Json], role: str, blocks: list[Json]) -> None:
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _parts(where: str, content: object) -> list[Json]:
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    rows = a_list(where, content)
    blocks = [_part(f"{where}[{number}]", row) for number, row in enumerate(rows)]
    return [block for block in blocks if block.get("text") != ""]


def _part(where: str, row: object) -> Json:
    part = an_object(where, row)
    kind = part.get("type")
    if kind == "text":
        block: Json = {"type": "text", "text": a_text(f"{where}.text", part.get("text"))}
    elif kind == "refusal":
        block = {"type": "text", "text": a_text(f"{where}.refusal", part.get("refusal"))}
    elif kind == "image_url":
        block = {"type": "image", "source": _image(f"{where}.image_url", part.get("image_url"))}
    elif kind == "file":
        block = _file(f"{where}.file", part.get("file"))
    else:
        raise not_offered(f"{where}.type", kind, UPSTREAM)
    if part.get("cache_control"):
        block["cache_control"] = part["cache_control"]
    return block


def _image(where: str, value: object) -> Json:
    given = value.get("url") if isinstance(value, dict) else value
    url = a_text(f"{where}.url", given)
    if url.startswith(("http://", "https://")):
        return {"type": "url", "url": url}
    picture = picture_of(url)
    if picture is None:
        raise unusable(f"{where}.url", url, "an http(s) address or data:image/...;base64,...")
    return {"type": "base64", "media_type": picture[0], "data": picture[1]}


def _file(where: str, value: object) -> Json:
    file = an_object(where, value)
    given = file.get("file_data")
    data = picture_of(given) if isinstance(given, str) else None
    if data is None or data[0] != "application/pdf":
        raise unusable(f"{where}.file_data", given, "data:application/pdf;base64,...")
    source = {"type": "base64", "media_type": data[0], "data": data[1]}
    named = {"title": file["filename"]} if file.get("filename") else {}
    return {"type": "document", "source": source, **named}


def _assistant(where: str, message: Json) -> list[Json]:
    if message.get("function_call"):
        raise not_offered(f"{where}.function_call", message["function_call"], UPSTREAM)
    blocks = _parts(f"{where}.content", message.get("content"))
    calls = a_list(f"{where}.tool_calls", message.get("tool_calls"))
    for number, row in enumerate(calls):
        here = f"{where}.tool_calls[{number}]"
        call = an_object(here, row)
        function = an_object(f"{here}.function", call.get("function"))
        blocks.append(
            {
                "type": "tool_use",
                "id": tool_id(f"{here}.id", call.get("id")),
                "name": a_text(f"{here}.function.name", function.get("name")),
                "input": object_of(f"{here}.function.arguments", function.get("arguments")),
            }
        )
    return blocks


def _result(where: str, message: Json) -> Json:
    result: Json = {
        "type": "tool_result",
        "tool_use_id": tool_id(f"{where}.tool_call_id", message.get("tool_call_id")),
    }
    content = _parts(f"{where}.content", message.get("content"))
    if content:
        result["content"] = content
    return result


def tool_id(where: str, value: object) -> str:
    """Return an id with only the characters that Anthropic takes."""
    return _NOT_IN_ID.sub("_", a_text(where, value))


def _add_tools(body: Json, made: Json) -> None:
    rows = a_list("tools", body.get("tools"))
    if not rows:
        return
    made["tools"] = [_tool(f"tools[{number}]", row) for number, row in enumerate(rows)]
    choice = _choice(body.get("tool_choice"))
    if body.get("parallel_tool_calls") is False and (choice or {}).get("type") != "none":
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    if choice:
        made["tool_choice"] = choice


def _tool(where: str, row: object) -> Json:
    tool = an_object(where, row)
    if tool.get("type", "function") != "function":
        raise not_offered(f"{where}.type", tool["type"], UPSTREAM)
    function = an_object(f"{where}.function", tool.get("function"))
    made: Json = {"name": a_text(f"{where}.function.name", function.get("name"))}
    if function.get("description"):
        made["description"] = function["description"]
    parameters = function.get("parameters") or {}
    made["input_schema"] = {"type": "object", **an_object(f"{where}.parameters", parameters)}
    for name, source in (("strict", function), ("cache_control", tool)):
        if source.get(name):
            made[name] = source[name]
    return made


def _choice(given: object) -> Json | None:
    if given is None:
        return None
    if isinstance(given, str):
        kinds = {"auto": "auto", "none": "none", "required": "any"}
        if given in kinds:
            return {"type": kinds[given]}
    elif isinstance(given, dict) and given.get("type") == "function":
        function = an_object("tool_choice.function", given.get("function"))
        return {"type": "tool", "name": a_text("tool_choice.function.name", function.get("name"))}
    raise not_offered("tool_choice", given, UPSTREAM)


def _add_sampling(body: Json, made: Json) -> None:
    temperature = body.get("temperature")
    if temperature is not None:
        if isinstance(temperature, bool) or not isinstance(temperature, int | float):
            raise unusable("temperature", temperature, "a number from 0 to 2")
        made["temperature"] = min(temperature, 1)
    for name in ("top_p", "top_k", "thinking"):
        if body.get(name) is not None:
            made[name] = body[name]
    stop = body.get("stop")
    if stop:
        made["stop_sequences"] = [stop] if isinstance(stop, str) else a_list("stop", stop)
    if isinstance(body.get("user"), str):
        made["metadata"] = {"user_id": body["user"]}


def _add_output(body: Json, made: Json) -> None:
    output: Json = {}
    effort = body.get("reasoning_effort")
    if effort not in (None, "none"):
        if not isinstance(effort, str) or effort not in EFFORTS:
            raise unusable("reasoning_effort", effort, f"none, {', '.join(EFFORTS)}")
        output["effort"] = EFFORTS[effort]
    form = body.get("response_format")
    if form is not None:
        output.update(_form(an_object("response_format", form)))
    if output:
        made["output_config"] = output


def _form(form: Json) -> Json:
    kind = form.get("type")
    if kind == "text":
        return {}
    if kind != "json_schema":
        error = not_offered("response_format.type", kind, UPSTREAM)
        error.next_step = "use response_format of type json_schema"
        raise error
    given = an_object("response_format.json_schema", form.get("json_schema"))
    schema = an_object("response_format.json_schema.schema", given.get("schema"))
    return {"format": {"type": "json_schema", "schema": schema}}
