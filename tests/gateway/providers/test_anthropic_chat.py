"""Chat calls to an upstream on the Anthropic wire: translated both ways, paid to the token."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.gateway.providers.opened import CHAT, KEY, USER, chunks_in, opened, refusal_of, tree_of
from tests.gateway.wire_servers.anthropic_server import AnthropicServer, error_of
from tests.gateway.wire_servers.loopback import serving

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.chatform import Gathering
from buildwright.gateway.errors import GatewayError

TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
COST = 20 * 3_000 + 100 * 300 + 7 * 3_750 + 9 * 15_000
"""Nano-dollars of the server's usage at the prices of the settings."""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRE_TEST_KEY", KEY)


async def test_an_answer_comes_in_the_form_of_the_openai_wire() -> None:
    async with serving(AnthropicServer()) as server, opened(tree_of(server.url, "anthropic")) as it:
        answer = await it.whole(CHAT)
        row = await it.row()
    choice = answer["choices"][0]
    assert answer["object"] == "chat.completion"
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hello there.", "stop")
    assert answer["usage"]["prompt_tokens"] == 127
    assert answer["usage"]["prompt_tokens_details"] == {
        "cached_tokens": 100, "cache_write_tokens": 7,
    }  # fmt: skip
    assert row.settlement is not None
    assert row.settlement.usage == TokenUsage(20, 100, 7, 9)
    assert row.settlement.cost_nano == COST


async def test_what_is_sent_is_of_the_anthropic_wire() -> None:
    async with serving(AnthropicServer()) as server, opened(tree_of(server.url, "anthropic")) as it:
        await it.whole({**CHAT, "messages": [{"role": "system", "content": "Be brief."}, USER]})
    sent = server.requests[0]
    assert sent.path == "/messages"
    assert (sent.headers["x-api-key"], sent.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "authorization" not in sent.headers
    assert sent.body == {
        "model": "claude-test-1",
        "max_tokens": 50,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}],
    }


async def test_an_answer_without_a_bound_gets_the_one_that_was_reserved() -> None:
    async with serving(AnthropicServer()) as server, opened(tree_of(server.url, "anthropic")) as it:
        await it.whole({"model": "m", "messages": [USER]})
    assert server.requests[0].body["max_tokens"] == 4096


async def test_a_streamed_answer_ends_with_its_usage_where_it_was_asked_for() -> None:
    async with serving(AnthropicServer()) as server, opened(tree_of(server.url, "anthropic")) as it:
        plain = await it.streamed(CHAT)
        asked = await it.streamed({**CHAT, "stream_options": {"include_usage": True}})
        row = await it.row()
    assert plain.endswith(b"data: [DONE]\n\n")
    assert asked.endswith(b"data: [DONE]\n\n")
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks_in(plain))
    last = chunks_in(asked)[-1]
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 136)
    texts = [c["choices"][0]["delta"].get("content") for c in chunks_in(plain)]
    assert "".join(text for text in texts if text) == "Hello there."
    assert row.settlement is not None
    assert (row.settlement.usage, row.settlement.cost_nano) == (TokenUsage(20, 100, 7, 9), COST)


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_of_tools_keep_their_order_and_arguments(*, stream: bool) -> None:
    other: dict[str, Any] = {"type": "tool_use", "id": "toolu_2", "name": "clock", "input": {}}
    content: list[dict[str, Any]] = [
        THOUGHT,
        {"type": "text", "text": "Let me see."},
        TOOL_USE,
        other,
    ]
    server = AnthropicServer(content=content, stop_reason="tool_use")
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        if stream:
            gathered = Gathering()
            gathered.take(await it.streamed(CHAT))
            calls = [gathered.calls[0], gathered.calls[1]]
            finish, text = gathered.finish, "".join(gathered.text)
        else:
            choice = (await it.whole(CHAT))["choices"][0]
            said, finish = choice["message"], choice["finish_reason"]
            calls = [{"id": c["id"], **c["function"]} for c in said["tool_calls"]]
            text = said["content"]
            assert said["reasoning_content"] == "Hm."
    assert (finish, text) == ("tool_calls", "Let me see.")
    assert [(c["id"], c["name"], orjson.loads(c["arguments"])) for c in calls] == [
        ("toolu_1", "weather", {"city": "Ulm"}),
        ("toolu_2", "clock", {}),
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_tokens", "length"), ("refusal", "content_filter"), ("pause_turn", "stop"),
     ("something_new", "stop")],
)  # fmt: skip
async def test_reasons_to_stop_have_the_names_of_openai(
    reason: str, finish: str, *, stream: bool
) -> None:
    server = AnthropicServer(stop_reason=reason)
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        if stream:
            choices = chunks_in(await it.streamed(CHAT))[-1]["choices"]
        else:
            choices = (await it.whole(CHAT))["choices"]
    assert choices[0]["finish_reason"] == finish


@pytest.mark.parametrize("fault", ["unknown events", "no end"])
async def test_what_is_new_or_missing_at_the_end_does_not_break_a_stream(fault: str) -> None:
    new: dict[str, Any] = {"type": "hologram", "of": {"type": "hologram"}}
    server = AnthropicServer(content=[new, {"type": "text", "text": "Hi."}], faults=[fault])
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        gathered = Gathering()
        gathered.take(await it.streamed(CHAT))
    assert ("".join(gathered.text), gathered.finish) == ("Hi.", "stop")


@pytest.mark.parametrize(
    ("field", "value"),
    [("n", 2), ("logprobs", True), ("tool_choice", {"type": "allowed_tools"}),
     ("response_format", {"type": "json_object"}), ("modalities", ["audio"])],
)  # fmt: skip
async def test_what_the_wire_cannot_say_is_refused_by_name_and_costs_nothing(
    field: str, value: object
) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    async with serving(AnthropicServer()) as server, opened(tree_of(server.url, "anthropic")) as it:
        error = await refusal_of(it.whole({**CHAT, "tools": tools, field: value}))
        row = await it.row()
    assert (error.status, (error.param or "").split(".")[0]) == (400, field)
    assert field in error.message
    assert server.requests == []
    assert row.settlement is not None
    assert (row.status, row.settlement.cost_nano) == ("failed", 0)


async def test_there_are_no_embeddings_on_this_wire() -> None:
    async with serving(AnthropicServer()) as server, opened(tree_of(server.url, "anthropic")) as it:
        error = await refusal_of(it.ask({"model": "m", "input": "x"}, "embeddings"))
    assert (error.status, server.requests) == (400, [])
    assert "has no embeddings" in error.message


async def test_a_key_that_is_not_taken_is_our_fault_and_stays_secret() -> None:
    async with (
        serving(AnthropicServer(faults=["401"])) as server,
        opened(tree_of(server.url, "anthropic")) as it,
    ):
        with pytest.raises(GatewayError) as caught:
            await it.ask(CHAT)
    assert (caught.value.status, caught.value.error_code) == (502, "upstream_auth")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_of_the_provider_make_the_cost_an_estimate(*, stream: bool) -> None:
    server = AnthropicServer()
    server.usage["server_tool_use"] = {"web_search_requests": 2}
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        await (it.streamed(CHAT) if stream else it.whole(CHAT))
        row = await it.row()
    assert row.settlement is not None
    assert (row.settlement.usage.estimated, row.settlement.cost_nano) == (True, COST)


@pytest.mark.parametrize(("field", "value"), [("speed", "fast"), ("inference_geo", "us")])
async def test_what_is_priced_apart_is_not_sent_unpriced(field: str, value: str) -> None:
    async with serving(AnthropicServer()) as server, opened(tree_of(server.url, "anthropic")) as it:
        error = await refusal_of(it.ask({**CHAT, field: value}, "messages"))
        await it.ask({**CHAT, "speed": "standard"}, "messages")
    assert (error.status, error.param, len(server.requests)) == (400, field, 1)


async def test_an_error_that_comes_as_an_answer_is_an_error() -> None:
    server = AnthropicServer(content=[], stop_reason="x")
    server.message = lambda: error_of("overloaded_error")  # type: ignore[method-assign]
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        error = await refusal_of(it.ask(CHAT))
    assert (error.status, error.again, error.billed) == (503, True, "no")
