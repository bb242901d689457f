"""Calls to an upstream on Ollama's own wire."""

from __future__ import annotations

import base64
import struct

import pytest
from tests.gateway.providers.opened import CHAT, USER, chunks_in, opened, refusal_of, tree_of
from tests.gateway.wire_servers.loopback import serving
from tests.gateway.wire_servers.ollama_server import OllamaServer

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.chatform import Gathering

CALLS = [{"name": "weather", "arguments": {"city": "Ulm"}}, {"name": "clock", "arguments": {}}]


async def test_a_whole_answer_has_the_form_of_the_openai_wire() -> None:
    server = OllamaServer(thinking="Hm.")
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        answer = await it.whole({**CHAT, "temperature": 0.5, "seed": 7, "stop": "END"})
        row = await it.row()
    said = answer["choices"][0]["message"]
    assert (said["content"], said["reasoning_content"]) == ("Hello from here.", "Hm.")
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (26, 8)
    assert row.settlement is not None
    assert row.settlement.usage == TokenUsage(26, output=8)
    assert row.settlement.cost_nano == 26 * 3_000 + 8 * 15_000
    assert server.requests[0].path == "/api/chat"
    assert server.requests[0].body == {
        "model": "claude-test-1",
        "messages": [USER],
        "stream": False,
        "options": {"temperature": 0.5, "seed": 7, "num_predict": 50, "stop": ["END"]},
    }


async def test_a_stream_of_lines_becomes_chunks_with_usage_and_an_end() -> None:
    server = OllamaServer(thinking="Hm.", done_reason="length")
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        stream = await it.streamed({**CHAT, "stream_options": {"include_usage": True}})
        row = await it.row()
    gathered = Gathering()
    gathered.take(stream)
    assert ("".join(gathered.text), gathered.finish) == ("Hello from here. ", "length")
    assert stream.endswith(b"data: [DONE]\n\n")
    assert chunks_in(stream)[-1]["usage"]["total_tokens"] == 34
    assert row.settlement is not None
    assert row.settlement.usage == TokenUsage(26, output=8)


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_of_tools_get_ids_and_arguments_as_text(*, stream: bool) -> None:
    server = OllamaServer(text="", calls=CALLS)
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        if stream:
            gathered = Gathering()
            gathered.take(await it.streamed(CHAT))
            calls = [gathered.calls[0], gathered.calls[1]]
            finish = gathered.finish
        else:
            choice = (await it.whole(CHAT))["choices"][0]
            calls = [{"id": c["id"], **c["function"]} for c in choice["message"]["tool_calls"]]
            finish = choice["finish_reason"]
    assert finish == "tool_calls"
    assert [(c["name"], c["arguments"]) for c in calls] == [
        ("weather", '{"city":"Ulm"}'),
        ("clock", "{}"),
    ]
    assert calls[0]["id"] != calls[1]["id"]


async def test_results_of_tools_and_pictures_find_their_places() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "See:"}, picture]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    schema = {"type": "object"}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    server = OllamaServer()
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        await it.whole(
            {**CHAT, "messages": messages, "response_format": form, "reasoning_effort": "high"}
        )
    sent = server.requests[0].body
    assert sent["messages"] == [
        {"role": "user", "content": "See:", "images": ["QUJD"]},
        {"role": "assistant", "content": "",
         "tool_calls": [{"function": {"name": "weather", "arguments": {}}}]},
        {"role": "tool", "content": "rain", "tool_name": "weather"},
    ]  # fmt: skip
    assert (sent["format"], sent["think"]) == (schema, "high")


@pytest.mark.parametrize("packed", [False, True])
async def test_embeddings_come_as_numbers_or_as_base64(*, packed: bool) -> None:
    body = {"model": "m", "input": ["a", "bcd"]}
    server = OllamaServer()
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        answer = await it.whole(
            {**body, "encoding_format": "base64"} if packed else body, "embeddings"
        )
        row = await it.row()
    vectors = [row["embedding"] for row in answer["data"]]
    if packed:
        vectors = [list(struct.unpack("<3f", base64.b64decode(text))) for text in vectors]
    assert vectors == [[0.5, -1.25, 1.0], [0.5, -1.25, 3.0]]
    assert answer["usage"] == {"prompt_tokens": 5, "total_tokens": 5}
    assert row.settlement is not None
    assert row.settlement.usage == TokenUsage(5)


async def test_embeddings_of_tokens_are_refused() -> None:
    server = OllamaServer()
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        error = await refusal_of(it.ask({"model": "m", "input": [1, 2]}, "embeddings"))
    assert (error.status, error.param, server.requests) == (400, "input", [])


@pytest.mark.parametrize(
    ("fault", "words"),
    [("cut", "cut"), ("stall", "between_timeout"), ("ends early", "cut off"),
     ("error inside", "model runner has stopped")],
)  # fmt: skip
async def test_a_stream_that_breaks_off_says_why_and_stays_in_doubt(fault: str, words: str) -> None:
    server = OllamaServer(faults=[fault])
    async with serving(server), opened(tree_of(server.url, "ollama", between_s=0.2)) as it:
        error = await refusal_of(it.streamed(CHAT, begun=server.begun))
        row = await it.row()
    assert words in error.message
    assert (error.billed, row.status) == ("unknown", "in_doubt")


@pytest.mark.parametrize("fault", ["500", "503", "error first", "malformed"])
async def test_what_fails_at_the_start_is_tried_again(fault: str) -> None:
    server = OllamaServer(faults=[fault])
    async with serving(server), opened(tree_of(server.url, "ollama", retries=1)) as it:
        assert b"Hello" in await it.streamed(CHAT)
    assert len(server.requests) == 2


async def test_a_cached_prompt_without_a_count_is_estimated() -> None:
    server = OllamaServer(counts={"eval_count": 8})
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        _, call = await it.ask(CHAT)
    assert call.usage == TokenUsage(call.input_tokens, output=8, estimated=True)


async def test_a_forced_choice_of_a_tool_is_refused_by_name() -> None:
    server = OllamaServer()
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        error = await refusal_of(it.ask({**CHAT, "tool_choice": "required"}))
    assert (error.status, error.param, server.requests) == (400, "tool_choice", [])
