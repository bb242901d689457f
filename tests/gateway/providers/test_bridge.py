"""Calls of the Anthropic wire to upstreams that do not keep to their own."""

from __future__ import annotations

from typing import Any

import pytest
from tests.gateway.providers.opened import CHAT, opened, refusal_of, tree_of
from tests.gateway.translate.conversations import message_in
from tests.gateway.wire_servers.loopback import serving
from tests.gateway.wire_servers.ollama_server import OllamaServer
from tests.gateway.wire_servers.openai_server import OpenAiServer


def calling(arguments: str) -> OpenAiServer:
    """Return a server that calls a tool with these arguments."""
    function = {"name": "f", "arguments": arguments}
    return OpenAiServer(text="", calls=[{"id": "c", "type": "function", "function": function}])


@pytest.mark.parametrize("text", ['{"a": ', "[1]", "no json"])
async def test_arguments_that_are_no_object_reach_the_client_as_they_are(text: str) -> None:
    async with serving(calling(text)) as server, opened(tree_of(server.url, "openai")) as it:
        answer = await it.whole(CHAT, "messages")
    assert answer["content"][0]["input"] == {"arguments": text}
    assert answer["stop_reason"] == "tool_use"


async def test_a_call_without_arguments_has_an_empty_input() -> None:
    async with serving(calling("")) as server, opened(tree_of(server.url, "openai")) as it:
        answer = await it.whole(CHAT, "messages")
        again = message_in(await it.streamed(CHAT, "messages"))
    assert answer["content"][0]["input"] == {}
    assert again["content"][0]["input"] == {}
    assert answer["stop_reason"] == again["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("choices", "stream"), [([None], False), (["x"], False), ([7], True), (["x"], True)]
)
async def test_choices_that_are_none_are_an_upstreams_fault(
    choices: list[Any], *, stream: bool
) -> None:
    server = OpenAiServer(choices=choices)
    async with serving(server), opened(tree_of(server.url, "openai")) as it:
        asked = it.streamed(CHAT, "messages") if stream else it.whole(CHAT, "messages")
        error = await refusal_of(asked)
        row = await it.row()
    assert (error.status, error.upstream) == (502, True)
    assert row.status in ("failed", "in_doubt")


@pytest.mark.parametrize("finish", ["length", "content_filter", "stop", "odd"])
async def test_reasons_to_stop_have_the_names_of_the_wire(finish: str) -> None:
    stops = {"length": "max_tokens", "content_filter": "refusal"}
    server = OpenAiServer(finish=finish)
    async with serving(server), opened(tree_of(server.url, "openai")) as it:
        whole = await it.whole(CHAT, "messages")
        stream = message_in(await it.streamed(CHAT, "messages"))
    assert whole["stop_reason"] == stream["stop_reason"] == stops.get(finish, "end_turn")


async def test_usage_that_is_not_told_is_estimated_in_answer_and_ledger_alike() -> None:
    server = OpenAiServer(usage=None)
    async with serving(server), opened(tree_of(server.url, "openai")) as it:
        told = message_in(await it.streamed(CHAT, "messages"))["usage"]
        row = await it.row()
    assert row.settlement is not None
    usage = row.settlement.usage
    assert usage.estimated
    assert (told["input_tokens"], told["output_tokens"]) == (usage.fresh_input, usage.output)


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"error": "out of memory"}, "out of memory"), ({"done": True}, "has no message"),
     ([], "no object")],
)  # fmt: skip
async def test_an_odd_answer_of_ollama_says_what_is_odd(answer: Any, words: str) -> None:
    server = OllamaServer(odd=answer)
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        error = await refusal_of(it.whole(CHAT))
    assert error.status == 502
    assert words in error.message


@pytest.mark.parametrize("answer", [{}, {"embeddings": []}, {"embeddings": [["x"]]}])
async def test_embeddings_that_are_none_are_an_upstreams_fault(answer: Any) -> None:
    server = OllamaServer(odd=answer)
    async with serving(server), opened(tree_of(server.url, "ollama")) as it:
        body = {"model": "m", "input": "x", "encoding_format": "base64"}
        error = await refusal_of(it.whole(body, "embeddings"))
    assert (error.status, error.upstream) == (502, True)
