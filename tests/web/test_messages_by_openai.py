"""The real OpenAI client on upstreams of the Anthropic wire and of Ollama's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from tests.gateway.wire_servers.anthropic_server import AnthropicServer
from tests.gateway.wire_servers.loopback import ModelServer, serving
from tests.gateway.wire_servers.ollama_server import OllamaServer
from tests.web.conftest import Served
from tests.web.messages_client import paid, tree_of

from buildwright.core.ledger import TokenUsage

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Say hello."}]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
USE = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Ulm"}}
PLAIN: list[tuple[str, ModelServer, TokenUsage]] = [
    ("anthropic", AnthropicServer(), TokenUsage(20, 100, 7, 9)),
    ("ollama", OllamaServer(text="Hello there."), TokenUsage(26, output=8)),
]
CALLING: list[tuple[str, ModelServer]] = [
    ("anthropic", AnthropicServer(content=[USE], stop_reason="tool_use")),
    ("ollama", OllamaServer(text="", calls=[{"name": "weather", "arguments": {"city": "Ulm"}}])),
]
WIRES = ["anthropic", "ollama"]


def client_of(url: str) -> AsyncOpenAI:
    """Return the real client; it tries nothing again."""
    return AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)


@pytest.mark.parametrize(("wire", "model", "usage"), PLAIN, ids=WIRES)
async def test_whole_answers_and_streams_say_and_cost_the_same(
    wire: str, model: ModelServer, usage: TokenUsage, served: Served, tmp_path: Path
) -> None:
    async with serving(model):
        url, service = await served(tree_of(tmp_path, model.url, wire))
        async with client_of(url) as client:
            whole = await client.chat.completions.create(**ASK)
            first = await paid(service)
            asked: dict[str, Any] = {**ASK, "stream_options": {"include_usage": True}}
            stream = await client.chat.completions.create(**asked, stream=True)
            chunks = [chunk async for chunk in stream]
        assert await paid(service) == first
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert first[0] == usage
    assert whole.choices[0].message.content == text.strip() == "Hello there."
    assert whole.usage is not None
    assert chunks[-1].usage == whole.usage
    assert whole.usage.prompt_tokens == usage.input
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


@pytest.mark.parametrize(("wire", "model"), CALLING, ids=WIRES)
async def test_a_tool_is_called_in_a_stream_of_the_helper(
    wire: str, model: ModelServer, served: Served, tmp_path: Path
) -> None:
    async with serving(model):
        url, _ = await served(tree_of(tmp_path, model.url, wire))
        asked: dict[str, Any] = {**ASK, "tools": TOOLS}
        async with client_of(url) as client, client.chat.completions.stream(**asked) as stream:
            told = (await stream.get_final_completion()).choices[0]
    assert told.finish_reason == "tool_calls"
    assert told.message.tool_calls is not None
    function = told.message.tool_calls[0].function
    assert (function.name, function.arguments.replace(" ", "")) == ("weather", '{"city":"Ulm"}')


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [("429 after 3", openai.RateLimitError, "rate_limit_exceeded"),
     ("529", openai.InternalServerError, "upstream_unavailable"),
     ("400 says no such field", openai.BadRequestError, None)],
)  # fmt: skip
async def test_refusals_of_the_upstream_reach_the_client(
    fault: str, error: type[openai.APIStatusError], code: str | None, served: Served, tmp_path: Path
) -> None:
    async with serving(AnthropicServer(faults=[fault])) as model:
        url, _ = await served(tree_of(tmp_path, model.url, "anthropic"))
        async with client_of(url) as client:
            with pytest.raises(error) as caught:
                await client.chat.completions.create(**ASK)
    assert caught.value.code == code


async def test_embeddings_of_ollama_reach_the_client_as_numbers(
    served: Served, tmp_path: Path
) -> None:
    async with serving(OllamaServer()) as model:
        url, service = await served(tree_of(tmp_path, model.url, "ollama"))
        async with client_of(url) as client:
            told = await client.embeddings.create(model="m", input=["a", "bcd"])
        assert await paid(service) == (TokenUsage(5), 5 * 3_000)
    assert [row.embedding for row in told.data] == [[0.5, -1.25, 1.0], [0.5, -1.25, 3.0]]
