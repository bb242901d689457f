"""Anthropic's package for Node against the served gateway, before models of both wires."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.answers import TEXT, word
from tests.clients.gateway import idle, settled
from tests.clients.model_server import Exchange
from tests.clients.node_programs import run
from tests.clients.serving import Front
from tests.gateway.faults.faults import refused
from tests.gateway.wire_servers.anthropic_server import AnthropicServer
from tests.gateway.wire_servers.loopback import serving
from tests.web.conftest import serving_gateway
from tests.web.messages_client import tree_of

USED = ["add_book", {"title": "Dune", "year": 1965}]
KINDS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop",
         "message_delta", "message_stop"]  # fmt: skip


async def talk(what: str, front: Front, modules: Path) -> Any:
    """Run one conversation of the script; return what it printed."""
    return await run("messages.mjs", what, front.url.removesuffix("/v1"), modules)


@pytest.fixture
async def native(tmp_path: Path) -> AsyncIterator[tuple[AnthropicServer, str]]:
    """A model server of Anthropic's own wire, and the address of a gateway before it."""
    model = AnthropicServer()
    async with (
        serving(model),
        serving_gateway(tree_of(tmp_path, model.url, "anthropic")) as (url, _),
    ):
        yield model, url


async def test_a_plain_answer(front: Front, modules: Path) -> None:
    told = await talk("plain", front, modules)
    rest = {"cost": "0.025", "same": True}
    assert told == {"blocks": [TEXT], "stop": "end_turn", "output": 7, **rest}


async def test_a_stream_comes_together(front: Front, modules: Path) -> None:
    told = await talk("stream", front, modules)
    assert told == {"blocks": [TEXT], "stop": "end_turn", "output": 7, "text": TEXT}


async def test_a_stream_has_the_events_of_the_wire(front: Front, modules: Path) -> None:
    told = await talk("events", front, modules)
    assert [kind for kind in told["kinds"] if kind != "ping"] == KINDS


@pytest.mark.parametrize("what", ["tool", "tool_stream"])
async def test_a_tool_is_called_with_its_arguments(front: Front, modules: Path, what: str) -> None:
    told = await talk(what, front, modules)
    assert told == {"blocks": [USED], "stop": "tool_use", "output": 7}


async def test_the_result_of_a_tool_reaches_a_model_of_the_other_wire(
    front: Front, modules: Path
) -> None:
    assert (await talk("result", front, modules))["blocks"] == [TEXT]
    (exchange,) = front.model.requests
    assert [row["role"] for row in exchange.body["messages"]] == ["user", "assistant", "tool"]
    assert exchange.body["messages"][2]["content"] == "added"


async def test_an_error_has_its_class(front: Front, modules: Path) -> None:
    told = await talk("error", front, modules)
    assert told == {"kind": "NotFoundError", "status": 404, "type": "not_found_error", "id": True}
    assert front.model.requests == []


async def test_it_tries_again_when_it_is_told(front: Front, modules: Path) -> None:
    front.model.script(refused(429, retry_after_ms="5"))
    assert (await talk("again", front, modules))["blocks"] == [TEXT]
    assert len(front.model.requests) == 2


async def test_a_cut_in_mid_stream_is_an_error_of_the_api(front: Front, modules: Path) -> None:
    async def cut(exchange: Exchange) -> None:
        await exchange.stream(word(0), end=False)
        exchange.close()

    front.model.script(cut)
    told = await talk("mid_stream_error", front, modules)
    assert told["api"]
    assert "the peer closed the connection in the middle of the body" in told["message"]
    (row,) = await settled(front.service)
    assert row.status == "in_doubt"


async def test_an_abort_in_mid_stream_reaches_the_upstream(front: Front, modules: Path) -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.stream(word(0), end=False)
        await exchange.until_left()

    front.model.script(endless)
    assert await talk("abort", front, modules) == {"first": "Hello"}
    async with asyncio.timeout(5):
        await front.model.requests[0].left.wait()
    (row,) = await settled(front.service)
    assert row.settlement is not None
    assert (row.status, row.settlement.error) == ("done", "client_left")
    assert idle(front.service)


async def test_tokens_are_counted_without_asking_a_model(front: Front, modules: Path) -> None:
    told = await talk("count", front, modules)
    assert told["input_tokens"] > 0
    assert (front.model.requests, await settled(front.service)) == ([], [])


async def test_models_are_listed(front: Front, modules: Path) -> None:
    assert await talk("models", front, modules) == {"ids": ["m"]}


@pytest.mark.parametrize("what", ["plain", "stream"])
async def test_a_model_of_the_same_wire_answers(
    native: tuple[AnthropicServer, str], modules: Path, what: str
) -> None:
    told = await run("messages.mjs", what, native[1], modules)
    assert (told["blocks"], told["stop"], told["output"]) == (["Hello there."], "end_turn", 9)


async def test_a_model_of_the_same_wire_calls_a_tool(
    native: tuple[AnthropicServer, str], modules: Path
) -> None:
    model, url = native
    model.content = [{"type": "tool_use", "id": "t1", "name": USED[0], "input": USED[1]}]
    model.stop_reason = "tool_use"
    for what in ("tool", "tool_stream"):
        told = await run("messages.mjs", what, url, modules)
        assert (told["blocks"], told["stop"]) == ([USED], "tool_use")
