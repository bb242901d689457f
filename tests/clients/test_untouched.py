"""What passes through the gateway passes as it is, both ways."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest
from tests.clients.answers import answer, chunks, event
from tests.clients.gateway import ASK
from tests.clients.serving import Front
from tests.gateway.faults.faults import constant, stream

IMAGE = "data:image/png;base64," + "iVBORw0KGgo" * 200
BODIES: dict[str, dict[str, Any]] = {
    "images": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}},
                ],
            }
        ]
    },
    "unknown fields": {"x_new": {"deep": [None, True, -0.0, 1e-7, "\u0000\U0001f600"]}, "top_k": 5},
    "sampling": {"n": 2, "logprobs": True, "top_logprobs": 3, "seed": 2**53, "temperature": 0.30},
    "tools": {
        "tools": [{"type": "function", "function": {"name": "f", "strict": True}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
    },
    "a schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "b"}}},
    "a conversation": {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\n}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "\ttab \u2028 end"},
            {"role": "user", "name": "ada", "content": ""},
        ]
    },
}  # fmt: skip


async def sent(front: Front, body: dict[str, Any]) -> bytes:
    """Send a body; return the answer's bytes."""
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{front.url}/chat/completions", data=orjson.dumps(body)) as response,
    ):
        assert response.status == 200
        return await response.read()


@pytest.mark.parametrize("name", list(BODIES))
async def test_a_request_arrives_with_the_models_name_only_replaced(
    name: str, front: Front
) -> None:
    body = {**ASK, **BODIES[name]}
    await sent(front, body)
    assert front.model.requests[0].raw == orjson.dumps({**body, "model": "small"})


@pytest.mark.parametrize("name", list(BODIES))
async def test_a_whole_answer_comes_back_byte_for_byte(name: str, front: Front) -> None:
    body = {**ASK, **BODIES[name]}
    assert await sent(front, body) == answer({**body, "model": "small"})


@pytest.mark.parametrize("name", list(BODIES))
async def test_a_stream_comes_back_byte_for_byte(name: str, front: Front) -> None:
    body = {**ASK, **BODIES[name], "stream": True, "stream_options": {"include_usage": True}}
    assert await sent(front, body) == b"".join(chunks(body))
    assert orjson.loads(front.model.requests[0].raw) == {**body, "model": "small"}


async def test_usage_is_asked_for_and_kept_from_who_did_not(front: Front) -> None:
    body = {**ASK, "stream": True, "stream_options": {"include_obfuscation": False}}
    told = await sent(front, body)
    assert front.model.requests[0].body["stream_options"] == {
        "include_obfuscation": False, "include_usage": True,
    }  # fmt: skip
    assert told == b"".join(chunks(body))


async def test_odd_bytes_of_an_answer_are_kept(front: Front) -> None:
    raw = b'\n {"choices" : [ {"message":{"content":"\\u0041\\/ \xc3\xa4"}}], "x":1.0e5 }\r\n'
    front.model.script(constant(raw))
    assert await sent(front, ASK) == raw


async def test_odd_events_of_a_stream_are_kept(front: Front) -> None:
    events = [b": a comment\n\n", b"event: m\nid: 1\n" + event({"choices": [], "x": 1}),
              event({"choices": [{"index": 0, "delta": {"content": '"usage" [DONE]'},
                                  "finish_reason": "stop"}]}), b"data: [DONE]\n\n"]  # fmt: skip
    front.model.script(stream(*events))
    assert await sent(front, {**ASK, "stream": True}) == b"".join(events)
