"""`/v1/messages` with the real Anthropic client, on upstreams of three wires."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from anthropic.types import Message
from tests.gateway.wire_servers.anthropic_server import AnthropicServer
from tests.gateway.wire_servers.loopback import ModelServer, serving
from tests.gateway.wire_servers.ollama_server import OllamaServer
from tests.gateway.wire_servers.openai_server import OpenAiServer
from tests.web.conftest import Served
from tests.web.messages_client import ASK, TOOL, client_of, paid, tree_of

from buildwright.core.ledger import TokenUsage

CALL = {"id": "c1", "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Ulm"}'}}  # fmt: skip
USE = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Ulm"}}

PLAIN: list[tuple[str, ModelServer, TokenUsage]] = [
    ("anthropic", AnthropicServer(), TokenUsage(20, 100, 7, 9)),
    ("openai", OpenAiServer(), TokenUsage(20, 10, 0, 8, 4, reported_total=42)),
    ("ollama", OllamaServer(text="Hello there."), TokenUsage(26, output=8)),
]
CALLING: list[tuple[str, ModelServer]] = [
    ("anthropic", AnthropicServer(content=[USE], stop_reason="tool_use")),
    ("openai", OpenAiServer(text="", calls=[CALL], finish="tool_calls")),
    ("ollama", OllamaServer(text="", calls=[{"name": "weather", "arguments": {"city": "Ulm"}}])),
]
WITH_TOOL: dict[str, Any] = {**ASK, "tools": [TOOL]}
WIRES = ["anthropic", "openai", "ollama"]


def cost_of(usage: TokenUsage) -> int:
    """Return nano-dollars at the prices of the settings."""
    output = usage.output + usage.reasoning
    input_cost = usage.fresh_input * 3_000 + usage.cache_read * 300 + usage.cache_write * 3_750
    return input_cost + output * 15_000


@pytest.mark.parametrize(("wire", "model", "usage"), PLAIN, ids=WIRES)
async def test_a_whole_answer_is_told_and_paid_to_the_token(
    wire: str, model: ModelServer, usage: TokenUsage, served: Served, tmp_path: Path
) -> None:
    async with serving(model):
        url, service = await served(tree_of(tmp_path, model.url, wire))
        async with client_of(url) as client:
            raw = await client.messages.with_raw_response.create(**ASK)
        told = await raw.parse()
        assert await paid(service) == (usage, cost_of(usage))
    assert (told.content[0].type, told.role, told.stop_reason) == ("text", "assistant", "end_turn")
    assert told.content[0].to_dict()["text"] == "Hello there."
    assert told.id.startswith("msg_")
    assert told.usage.input_tokens == usage.fresh_input
    assert told.usage.cache_read_input_tokens == (usage.cache_read if wire != "ollama" else 0)
    assert told.usage.output_tokens == usage.output + usage.reasoning
    assert float(raw.headers["x-buildwright-cost-usd"]) == cost_of(usage) / 1e9
    assert raw.headers["request-id"] == told._request_id


@pytest.mark.parametrize(("wire", "model", "usage"), PLAIN, ids=WIRES)
async def test_a_stream_comes_together_and_is_paid_to_the_token(
    wire: str, model: ModelServer, usage: TokenUsage, served: Served, tmp_path: Path
) -> None:
    async with serving(model):
        url, service = await served(tree_of(tmp_path, model.url, wire))
        async with client_of(url) as client, client.messages.stream(**ASK) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            told = await stream.get_final_message()
        assert await paid(service) == (usage, cost_of(usage))
    assert (text.strip(), told.stop_reason) == ("Hello there.", "end_turn")
    assert told.usage.input_tokens == usage.fresh_input
    assert told.usage.output_tokens == usage.output + usage.reasoning


@pytest.mark.parametrize(("wire", "model"), CALLING, ids=WIRES)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_is_called_with_its_arguments(
    wire: str, model: ModelServer, served: Served, tmp_path: Path, *, stream: bool
) -> None:
    async with serving(model):
        url, _ = await served(tree_of(tmp_path, model.url, wire))
        async with client_of(url) as client:
            if stream:
                async with client.messages.stream(**WITH_TOOL) as events:
                    told: Message = await events.get_final_message()
            else:
                told = await client.messages.create(**WITH_TOOL)
    used = told.content[0]
    assert (told.stop_reason, used.type) == ("tool_use", "tool_use")
    assert used.type == "tool_use"
    assert (used.name, used.input) == ("weather", {"city": "Ulm"})


async def test_two_calls_whose_pieces_come_in_turns_stay_apart(
    served: Served, tmp_path: Path
) -> None:
    other = {"id": "c2", "type": "function", "function": {"name": "clock", "arguments": '{"a":1}'}}
    model = OpenAiServer(text="Let me see.", calls=[CALL, other], finish="tool_calls")
    async with serving(model):
        url, _ = await served(tree_of(tmp_path, model.url, "openai"))
        async with client_of(url) as client, client.messages.stream(**ASK) as events:
            told = await events.get_final_message()
    assert [block.to_dict() for block in told.content][1:] == [
        {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Ulm"}},
        {"type": "tool_use", "id": "c2", "name": "clock", "input": {"a": 1}},
    ]
    assert told.content[0].type == "text"


async def test_a_body_reaches_an_upstream_of_its_own_wire_untouched(
    served: Served, tmp_path: Path
) -> None:
    body = {
        **ASK,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "metadata": {"user_id": "u"},
    }
    async with serving(AnthropicServer()) as model:
        url, _ = await served(tree_of(tmp_path, model.url, "anthropic"))
        async with client_of(url) as client:
            await client.messages.create(
                **body,
                extra_body={"new_field": {"a": [1]}},
                extra_headers={"anthropic-beta": "new-2026-01-01"},
            )
    sent = model.requests[0]
    assert sent.body == {**body, "new_field": {"a": [1]}, "model": "test-1"}
    assert sent.headers["anthropic-beta"] == "new-2026-01-01"


async def test_answers_of_an_upstream_of_the_same_wire_are_passed_on_untouched(
    served: Served, tmp_path: Path
) -> None:
    content: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "text", "text": "Hi.", "citations": [{"type": "char_location"}]},
        {"type": "hologram", "of": 1},
    ]
    async with serving(AnthropicServer(content=content)) as model:
        url, _ = await served(tree_of(tmp_path, model.url, "anthropic"))
        async with client_of(url) as client:
            whole = await client.messages.with_raw_response.create(**ASK)
            streamed = await client.messages.with_raw_response.create(**ASK, stream=True)
            stream = b"".join([part async for part in streamed.http_response.aiter_bytes()])
    assert orjson.loads(await whole.read()) == model.message()
    assert stream == b"".join(model.events())


async def test_a_conversation_with_tools_and_pictures_reaches_an_openai_upstream(
    served: Served, tmp_path: Path
) -> None:
    picture = {"type": "base64", "media_type": "image/png", "data": "QUJD"}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "See:"},
                                     {"type": "image", "source": picture}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, USE]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": "rain"},
            {"type": "text", "text": "Well?"}]},
    ]  # fmt: skip
    body = {
        **WITH_TOOL,
        "messages": messages,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "stop_sequences": ["END"],
    }
    async with serving(OpenAiServer()) as model:
        url, _ = await served(tree_of(tmp_path, model.url, "openai"))
        async with client_of(url) as client:
            await client.messages.create(**body)
    arguments = orjson.dumps({"city": "Ulm"}).decode()
    function = {"name": "weather", "arguments": arguments}
    assert model.requests[0].body == {
        "model": "test-1",
        "max_tokens": 64,
        "stop": ["END"],
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [
                {"type": "text", "text": "See:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]},
            {"role": "assistant", "content": None,
             "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "user", "content": "Well?"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "weather", "description": TOOL["description"],
            "parameters": TOOL["input_schema"]}}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
    }  # fmt: skip
