"""Faults of an upstream on the Anthropic wire: the right error, number of tries and money."""

from __future__ import annotations

import pytest
from tests.gateway.providers.opened import CHAT, opened, refusal_of, tree_of
from tests.gateway.wire_servers.anthropic_server import AnthropicServer
from tests.gateway.wire_servers.loopback import serving

from buildwright.core.ledger import TokenUsage, Wire
from buildwright.gateway.call import Answer
from buildwright.gateway.errors import GatewayError

WIRES: tuple[Wire, ...] = ("chat", "messages")
AGAIN = ["429 after 0", "529", "500", "reset"]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", [*AGAIN, "error first"])
@pytest.mark.parametrize("stream", [False, True])
async def test_what_may_pass_is_tried_again(fault: str, wire: Wire, *, stream: bool) -> None:
    server = AnthropicServer(faults=[fault] if stream or fault != "error first" else ["529"])
    async with serving(server), opened(tree_of(server.url, "anthropic", retries=1)) as it:
        if stream:
            assert b"Hello" in await it.streamed(CHAT, wire)
        else:
            assert b"Hello there." in (await it.ask(CHAT, wire))[0].body
        row = await it.row()
    assert len(server.requests) == 2
    assert row.settlement is not None
    assert row.settlement.usage == TokenUsage(20, 100, 7, 9)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("429 after 3", 429, "rate_limit_exceeded"), ("529", 503, "upstream_unavailable"),
     ("500", 500, "upstream_error"), ("400", 400, None),
     ("400 says prompt is too long: 9 > 8", 400, "context_length_exceeded"),
     ("404", 404, "model_not_found"),
     ("malformed", 502, "upstream_error"), ("reset", 502, "upstream_error")],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_keeps_its_meaning(
    fault: str, status: int, code: str | None, *, stream: bool
) -> None:
    server = AnthropicServer(faults=[fault])
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        error = await refusal_of(it.ask({**CHAT, "stream": stream}))
        row = await it.row()
    assert (error.status, error.error_code, error.upstream) == (status, code, status != 400)
    assert error.retry_after_s == (3.0 if "after" in fault else None)
    doubtful = fault in ("malformed", "reset")
    assert row.status == ("in_doubt" if doubtful else "failed")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("fault", "words"),
    [("cut", "cut"), ("stall", "between_timeout"), ("error inside", "overloaded_error: try later"),
     ("ends early", "cut off")],
)  # fmt: skip
async def test_a_stream_that_breaks_off_says_why_and_stays_in_doubt(
    fault: str, words: str, wire: Wire
) -> None:
    server = AnthropicServer(faults=[fault])
    async with (
        serving(server),
        opened(tree_of(server.url, "anthropic", retries=2, between_s=0.2)) as it,
    ):
        error = await refusal_of(it.streamed(CHAT, wire, server.begun))
        row = await it.row()
    assert words in error.message
    assert (len(server.requests), error.billed, row.status) == (1, "unknown", "in_doubt")


async def test_an_answer_larger_than_allowed_is_given_up() -> None:
    long = [{"type": "text", "text": "x" * 3_000_000}]
    server = AnthropicServer(content=long, faults=["", ""])
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        whole = await refusal_of(it.ask(CHAT))
        stream = await refusal_of(it.streamed(CHAT, "messages"))
    assert "larger" in whole.message
    assert "larger than 1 MiB" in stream.message


async def test_a_stream_left_early_pays_for_what_was_told() -> None:
    server = AnthropicServer(faults=["stall"])
    async with serving(server), opened(tree_of(server.url, "anthropic", cached=False)) as it:
        await _leave_after_one((await it.ask({**CHAT, "stream": True}, "messages"))[0])
        row = await it.row()
    assert row.settlement is not None
    usage = row.settlement.usage
    assert (usage.fresh_input, usage.cache_read, usage.cache_write) == (20, 100, 7)
    assert usage.estimated
    assert row.settlement.error == "client_left"


async def _leave_after_one(answer: Answer) -> None:
    assert answer.frames is not None
    assert b"message_start" in await anext(aiter(answer.frames))
    await answer.frames.aclose()
    answer.end("left")


async def test_an_error_of_the_request_itself_is_not_tried_again() -> None:
    server = AnthropicServer(faults=["400", "400"])
    async with serving(server), opened(tree_of(server.url, "anthropic", retries=2)) as it:
        with pytest.raises(GatewayError, match="refused with 400"):
            await it.ask(CHAT)
    assert len(server.requests) == 1


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [("silent", 504, "first_timeout"), ("page", 502, "answer"), ("bad utf-8", 502, "answer"),
     ("malformed", 502, "malformed JSON")],
)  # fmt: skip
async def test_what_is_no_answer_is_told_and_stays_in_doubt(
    fault: str, status: int, words: str, wire: Wire, *, stream: bool
) -> None:
    server = AnthropicServer(faults=[fault])
    async with (
        serving(server),
        opened(tree_of(server.url, "anthropic", first_token_s=0.2)) as it,
    ):
        error = await refusal_of(it.ask({**CHAT, "stream": stream}, wire))
        row = await it.row()
    assert (error.status, error.upstream, row.status) == (status, True, "in_doubt")
    assert words in error.message


async def test_an_empty_stream_was_cut_off() -> None:
    server = AnthropicServer(faults=["empty"])
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        error = await refusal_of(it.streamed(CHAT))
    assert (error.status, error.again, error.billed) == (502, True, "unknown")


@pytest.mark.parametrize("stream", [False, True])
async def test_usage_that_is_nonsense_is_replaced_and_flagged(*, stream: bool) -> None:
    server = AnthropicServer(usage={"input_tokens": -4, "output_tokens": "many"})
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        await (it.streamed(CHAT, "messages") if stream else it.ask(CHAT, "messages"))
        row = await it.row()
    assert row.settlement is not None
    usage = row.settlement.usage
    assert usage.estimated
    assert min(usage.fresh_input, usage.output) > 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_without_a_temperature_is_asked_without_it(*, stream: bool) -> None:
    server = AnthropicServer(faults=["400 says temperature is not supported by this model"])
    body = {**CHAT, "temperature": 0.0, "top_p": 0.5}
    async with serving(server), opened(tree_of(server.url, "anthropic", cached=False)) as it:
        for _ in range(2):
            await (it.streamed(body) if stream else it.whole(body))
        row = await it.row()
    assert ["temperature" in request.body for request in server.requests] == [True, False, False]
    assert "top_p" not in server.requests[-1].body
    assert row.settlement is not None
    assert (row.status, row.settlement.usage) == ("done", TokenUsage(20, 100, 7, 9))


async def test_a_temperature_in_a_call_of_the_own_wire_is_the_clients_affair() -> None:
    server = AnthropicServer(faults=["400 says temperature is not supported by this model"])
    async with serving(server), opened(tree_of(server.url, "anthropic")) as it:
        error = await refusal_of(it.ask({**CHAT, "temperature": 0.5}, "messages"))
    assert (error.status, len(server.requests)) == (400, 1)
