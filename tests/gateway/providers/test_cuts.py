"""However a network cuts a stream into pieces, what comes out is the same."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire_servers.anthropic_server import AnthropicServer

from buildwright.core.ledger import TokenUsage, Wire
from buildwright.gateway.call import LOCAL, Call
from buildwright.gateway.pricing import FREE
from buildwright.gateway.providers.anthropic_messages import MessageStream
from buildwright.gateway.providers.ollama_chat import LineStream
from buildwright.gateway.targets import Target

Stream = MessageStream | LineStream
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "ü\n\n"}}
EVENTS = b"".join(AnthropicServer(content=[{"type": "text", "text": "Hé, you."}, USE]).events())
LINES = b"".join(
    orjson.dumps(row) + b"\n"
    for row in (
        {"message": {"role": "assistant", "content": "Hé"}, "done": False},
        {"message": {"content": ", you."}, "done": False},
        {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 2},
    )
)


def stream_of(wire: Wire, speech: str) -> Stream:
    """Return what reads a stream of an upstream for a call of a wire."""
    body = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
    call = Call("id", wire, body, LOCAL, 0.0, 0.0)
    target = Target("m", "p", "m", "openai", FREE)
    return MessageStream(call, target) if speech == "anthropic" else LineStream(call, target)


def read(stream: Stream, pieces: list[bytes]) -> tuple[bytes, TokenUsage]:
    """Return all a client gets of a stream that comes in pieces, and its usage."""
    made = [stream.take(block) for block in map(stream.feed, pieces) if block]
    if not stream.done:
        made.append(stream.close())
    return b"".join(made), stream.usage()


def cut_at(raw: bytes, places: list[int]) -> list[bytes]:
    """Return bytes cut at some places."""
    edges = [0, *sorted(place % len(raw) for place in places), len(raw)]
    return [raw[edges[n] : edges[n + 1]] for n in range(len(edges) - 1)]


@pytest.mark.parametrize(
    ("wire", "speech", "raw", "usage"),
    [
        ("messages", "anthropic", EVENTS, TokenUsage(20, 100, 7, 9)),
        ("chat", "anthropic", EVENTS, TokenUsage(20, 100, 7, 9)),
        ("chat", "anthropic", EVENTS.replace(b"\n", b"\r\n"), TokenUsage(20, 100, 7, 9)),
        ("chat", "ollama", LINES, TokenUsage(3, output=2)),
        ("chat", "ollama", LINES[:-1], TokenUsage(3, output=2)),
    ],
)
@settings(max_examples=60)
@given(places=st.lists(st.integers(0, 10_000), max_size=30))
def test_pieces_make_no_difference(
    wire: Wire, speech: str, raw: bytes, usage: TokenUsage, places: list[int]
) -> None:
    whole = read(stream_of(wire, speech), [raw])
    assert read(stream_of(wire, speech), cut_at(raw, places)) == whole
    assert whole[1] == usage
    end = b'data: {"type": "message_stop"}\n\n' if wire == "messages" else b"data: [DONE]\n\n"
    assert whole[0].endswith(end)
