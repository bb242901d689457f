"""Stored answers of both wires told again: new ids, no usage, otherwise as they were."""

from __future__ import annotations

from typing import Any

import orjson
from tests.gateway.providers.opened import chunks_in
from tests.gateway.wire_servers.anthropic_server import AnthropicServer

from buildwright.gateway.cache.entries import Entry, finished
from buildwright.gateway.sse import events_of, name_of


def told(answer: bytes, *, stream: bool) -> bytes:
    """Return a stored answer as a call with id `new` gets it."""
    return Entry("t/m", answer, stream, 0.0, 9.0).told("chatcmpl-new", 5.0)


def test_a_message_gets_an_id_of_its_wire_and_no_time() -> None:
    stored = AnthropicServer().message()
    again: dict[str, Any] = orjson.loads(told(orjson.dumps(stored), stream=False))
    assert again.pop("buildwright") == {"cached": True, "original_usage": stored["usage"]}
    usage = again.pop("usage")
    assert {name: value for name, value in usage.items() if value} == {"service_tier": "standard"}
    assert again == {**{k: v for k, v in stored.items() if k != "usage"}, "id": "msg_new"}


def test_events_keep_their_names_and_only_usage_and_ids_change() -> None:
    stored = b"".join(AnthropicServer().events())
    again = told(stored, stream=True)
    assert list(map(name_of, events_of(again))) == list(map(name_of, events_of(stored)))
    first, *rest, delta, last = chunks_in(again)
    assert first["message"]["id"] == "msg_new"
    assert first["message"]["usage"]["input_tokens"] == 0
    assert rest == chunks_in(stored)[1:-2]
    assert (delta["usage"], delta["buildwright"]["original_usage"]) == (
        {"output_tokens": 0},
        {"output_tokens": 9},
    )
    assert last == {"type": "message_stop"}


def test_a_completion_gets_its_id_and_time_as_before() -> None:
    stored = {"id": "a", "created": 1, "choices": [], "usage": {"prompt_tokens": 3, "x": {"y": 4}}}
    again = orjson.loads(told(orjson.dumps(stored), stream=False))
    assert (again["id"], again["created"]) == ("chatcmpl-new", 5)
    assert again["usage"] == {"prompt_tokens": 0, "x": {"y": 0}}


def test_only_a_message_with_a_reason_to_stop_is_worth_keeping() -> None:
    whole = AnthropicServer().message()
    assert finished(orjson.dumps(whole))
    assert finished(b"".join(AnthropicServer().events()))
    assert not finished(orjson.dumps({**whole, "stop_reason": None}))
