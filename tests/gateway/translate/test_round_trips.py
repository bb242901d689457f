"""What is translated there and back again means the same; nothing of others makes us fail."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.providers.opened import chunks_in
from tests.gateway.translate.conversations import (
    ANY_OBJECT,
    ODD_EVENTS,
    ODD_REQUESTS,
    chats,
    contents,
    message_in,
)
from tests.gateway.wire_servers.anthropic_server import block_events, event_of

from buildwright.core.ledger import NO_USAGE, TokenUsage
from buildwright.gateway.chatform import Gathering
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.sse import data_of, events_of
from buildwright.gateway.translate.answers import chat_answer, message_answer, message_usage
from buildwright.gateway.translate.chat_request import chat_request
from buildwright.gateway.translate.chunks import Chunks
from buildwright.gateway.translate.events import Events
from buildwright.gateway.translate.messages_request import messages_request
from buildwright.gateway.translate.ollama import ollama_request, spoken

Json = dict[str, Any]


def said(messages: list[Json]) -> list[Json]:
    """Return messages with arguments as JSON instead of text, in whatever spelling they were."""
    made = []
    for message in messages:
        calls = [
            (call["id"], call["function"]["name"], orjson.loads(call["function"]["arguments"]))
            for call in message.get("tool_calls", ())
        ]
        made.append({**message, "tool_calls": calls})
    return made


@given(messages=chats())
def test_a_conversation_survives_the_way_there_and_back(messages: list[Json]) -> None:
    body = {"model": "m", "messages": messages, "max_tokens": 9}
    back = chat_request(messages_request(body, "m", 1))
    assert said(back["messages"]) == said(messages)
    assert back["max_tokens"] == 9


@given(messages=chats())
def test_turns_alternate_and_every_result_follows_its_call(messages: list[Json]) -> None:
    made = messages_request({"model": "m", "messages": messages}, "m", 9)
    roles = [turn["role"] for turn in made["messages"]]
    assert all(one != other for one, other in pairwise(roles))
    for turn, after in pairwise(made["messages"]):
        used = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        results = [b["tool_use_id"] for b in after["content"] if b["type"] == "tool_result"]
        assert used == results


@given(content=contents())
def test_a_stream_of_events_says_what_the_whole_answer_says(content: list[Json]) -> None:
    stop = "tool_use" if any(b["type"] == "tool_use" for b in content) else "end_turn"
    message = {"id": "msg_1", "model": "c", "content": content, "stop_reason": stop}
    whole = chat_answer(message, NO_USAGE, 1.0)["choices"][0]
    chunks = Chunks("c", 1.0, with_usage=False)
    events = [event_of({"type": "message_start", "message": {**message, "content": []}})]
    for index, block in enumerate(content):
        events += block_events(index, block)
    events.append(event_of({"type": "message_delta", "delta": {"stop_reason": stop}}))
    stream = b"".join(chunks.of(orjson.loads(data_of(e))) for e in events) + chunks.end(NO_USAGE)
    gathered = Gathering()
    gathered.take(stream)
    assert "".join(gathered.text) == (whole["message"]["content"] or "")
    assert gathered.finish == whole["finish_reason"]
    assert [
        (c["id"], c["name"], orjson.loads(c["arguments"])) for c in gathered.calls.values()
    ] == [
        (c["id"], c["function"]["name"], orjson.loads(c["function"]["arguments"]))
        for c in whole["message"].get("tool_calls", ())
    ]


@given(content=contents(), cuts=st.lists(st.integers(0, 3), max_size=6))
def test_chunks_become_the_same_message_as_the_whole_answer(
    content: list[Json], cuts: list[int]
) -> None:
    usage = TokenUsage(5, 3, 2, 7, 4)
    message = {"id": "msg_1", "model": "c", "content": content, "stop_reason": "end_turn"}
    answer = chat_answer(message, usage, 1.0)
    whole = message_answer(answer, usage, "x")
    events = Events("x", "c")
    stream = b"".join(events.of(block) for block in _streamed(answer, cuts)) + events.end(usage)
    for block in whole["content"]:
        block.pop("citations", None)
    assert message_in(stream) == whole
    assert whole["usage"] == message_usage(usage)


def _streamed(answer: Json, cuts: list[int]) -> list[bytes]:
    message = answer["choices"][0]["message"]
    text = message["content"] or ""
    calls = message.get("tool_calls", ())
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text[:1]}, {"content": text[1:]}]
    for index, call in enumerate(calls):
        first = {**call["function"], "arguments": ""}
        deltas.append({"tool_calls": [{**call, "index": index, "function": first}]})
    for part in (0, 1):
        for index, call in enumerate(calls):
            at = cuts[index] if index < len(cuts) else 1
            arguments = call["function"]["arguments"]
            piece = (arguments[:at], arguments[at:])[part]
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    rows = [{"model": "c", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    rows.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return [b"data: " + orjson.dumps(row) + b"\n\n" for row in rows]


@settings(max_examples=200)
@given(body=ODD_REQUESTS)
def test_no_request_makes_a_translation_fail_other_than_by_a_refusal(body: Json) -> None:
    for translate in (
        lambda: messages_request(body, "m", 9),
        lambda: chat_request({"model": "m", "max_tokens": 9, **body}),
        lambda: ollama_request(body, "m"),
    ):
        with suppress(GatewayError):
            assert orjson.dumps(translate())  # type: ignore[no-untyped-call]


@settings(max_examples=200)
@given(events=st.lists(ODD_EVENTS, max_size=5), lines=st.lists(ANY_OBJECT, max_size=3))
def test_no_event_of_an_upstream_makes_a_stream_fail(events: list[Json], lines: list[Json]) -> None:
    chunks = Chunks("c", 1.0, with_usage=True)
    stream = b"".join(chunks.of(event) for event in events) + chunks.end(NO_USAGE)
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks_in(stream))
    assert events_of(stream)[-1] == b"data: [DONE]"
    for line in lines:
        delta, finish = spoken(line, "x", 0)
        assert finish is None or bool(line["done"])
        assert orjson.dumps(delta)
