"""Conversations and answers made up by hypothesis, and what is left of a stream of events."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import strategies as st

from buildwright.gateway.sse import data_of, events_of

Json = dict[str, Any]

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=3)
KINDS = st.sampled_from(
    ["text", "image", "image_url", "tool_use", "tool_result", "thinking", "document", "file",
     "system", "user", "assistant", "tool", "function", "base64", "url", "auto", "message_start",
     "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
     "text_delta", "input_json_delta", "json_schema", "new"],
)  # fmt: skip
FIELDS = st.sampled_from(
    ["model", "messages", "role", "content", "type", "text", "tools", "tool_calls", "function",
     "name", "arguments", "system", "source", "image_url", "url", "data", "tool_choice", "input",
     "id", "index", "delta", "message", "content_block", "choices", "finish_reason", "usage",
     "stop", "response_format", "temperature", "n", "user", "stop_sequences", "output_config",
     "format", "metadata", "thinking", "partial_json", "stop_reason", "tool_call_id", "refusal",
     "tool_use_id", "parameters", "input_schema", "done", "done_reason", "max_tokens"],
)  # fmt: skip
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | KINDS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=25,
)
ANY_OBJECT = st.dictionaries(FIELDS, ANY_JSON, max_size=7)
"""JSON with the fields of the wires in the wrong places, and of the wrong kinds."""

_ODD = ANY_JSON | ANY_OBJECT | st.lists(ANY_OBJECT, max_size=2)
_ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
_MESSAGES = st.fixed_dictionaries(
    {"role": _ROLES},
    optional={
        "content": _ODD,
        "tool_calls": st.lists(st.fixed_dictionaries({}, optional={"id": TEXTS, "function": _ODD})),
        "tool_call_id": _ODD,
    },
)
ODD_REQUESTS = ANY_OBJECT | st.fixed_dictionaries(
    {"messages": st.lists(_MESSAGES, max_size=3)},
    optional=dict.fromkeys(
        ("system", "tools", "tool_choice", "response_format", "reasoning_effort", "stop",
         "temperature", "output_config", "metadata", "stop_sequences", "user", "thinking",
         "modalities", "n"),
        _ODD,
    ),
)  # fmt: skip
ODD_EVENTS = st.fixed_dictionaries(
    {"type": KINDS},
    optional=dict.fromkeys(("index", "delta", "content_block", "message"), _ODD),
) | st.fixed_dictionaries(
    {"type": st.just("content_block_start"), "index": st.integers(0, 2)},
    optional={"content_block": st.fixed_dictionaries({"type": KINDS}, optional={"input": _ODD})},
)


@st.composite
def chats(draw: st.DrawFn) -> list[Json]:
    """Return messages of the OpenAI wire: turns of a user, some with calls of tools."""
    messages: list[Json] = []
    if draw(st.booleans()):
        messages.append({"role": "system", "content": draw(TEXTS)})
    for turn in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(TEXTS)})
        calls = [
            {"id": f"call_{turn}_{n}", "type": "function",
             "function": {"name": draw(NAMES), "arguments": orjson.dumps(draw(OBJECTS)).decode()}}
            for n in range(draw(st.integers(0, 2)))
        ]  # fmt: skip
        if calls:
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            messages += [
                {"role": "tool", "tool_call_id": call["id"], "content": draw(TEXTS)}
                for call in calls
            ]
        messages.append({"role": "assistant", "content": draw(TEXTS)})
    return messages


@st.composite
def contents(draw: st.DrawFn) -> list[Json]:
    """Return the content of an answer on the Anthropic wire, of known and new kinds."""
    blocks: list[Json] = []
    for number in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["text", "tool_use", "thinking", "hologram"]))
        if kind == "text":
            blocks.append({"type": kind, "text": draw(TEXTS)})
        elif kind == "tool_use":
            blocks.append({"type": kind, "id": f"toolu_{number}", "name": draw(NAMES),
                           "input": draw(OBJECTS)})  # fmt: skip
        elif kind == "thinking":
            blocks.append({"type": kind, "thinking": draw(TEXTS), "signature": "c2ln"})
        else:
            blocks.append({"type": kind, "of": draw(VALUES)})
    return blocks


def message_in(stream: bytes) -> Json:
    """Return the message of Anthropic's events, put together; its blocks have to be in order."""
    message: Json = {}
    blocks: dict[int, Json] = {}
    for event in (orjson.loads(data_of(one)) for one in events_of(stream)):
        kind = event["type"]
        if kind == "message_start":
            message = dict(event["message"])
        elif kind == "content_block_start":
            assert event["index"] == len(blocks)
            blocks[event["index"]] = {**event["content_block"], "open": True, "json": ""}
        elif kind == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            assert block["open"]
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            else:
                block["json"] += delta["partial_json"]
        elif kind == "content_block_stop":
            blocks[event["index"]]["open"] = False
        elif kind == "message_delta":
            message |= event["delta"] | {"usage": event["usage"]}
    return {**message, "content": [_closed(block) for block in blocks.values()]}


def _closed(block: Json) -> Json:
    assert block.pop("open") is False
    text = block.pop("json")
    return {**block, "input": orjson.loads(text or "{}")} if block["type"] == "tool_use" else block
