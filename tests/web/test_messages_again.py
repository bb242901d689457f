"""Answers of `/v1/messages` that are told again, streams left early, and silence."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from tests.gateway.wire_servers.anthropic_server import AnthropicServer
from tests.gateway.wire_servers.loopback import serving
from tests.gateway.wire_servers.openai_server import OpenAiServer
from tests.web.conftest import Served
from tests.web.messages_client import ASK, client_of, newest, tree_of

from buildwright.core.gateway_settings import TimeoutSettings
from buildwright.core.ledger import CallFilter

Server = type[AnthropicServer] | type[OpenAiServer]
OLD: dict[str, Any] = {**ASK, "extra_headers": {"anthropic-version": "2023-06-01"}}
BOTH: list[tuple[str, Server]] = [("anthropic", AnthropicServer), ("openai", OpenAiServer)]


@pytest.mark.parametrize(("wire", "server"), BOTH)
async def test_a_stored_answer_is_told_with_a_new_id_and_no_usage(
    wire: str, server: Server, served: Served, tmp_path: Path
) -> None:
    async with serving(server()) as model:
        url, service = await served(tree_of(tmp_path, model.url, wire))
        async with client_of(url) as client:
            first = await client.messages.create(**OLD)
            raw = await client.messages.with_raw_response.create(**OLD)
        rows = await service.ledger.calls(CallFilter())
    again = await raw.parse()
    assert (len(model.requests), len(rows)) == (1, 1)
    assert raw.headers["cache-status"].startswith("buildwright; hit; ")
    assert again.content == first.content
    assert again.id.startswith("msg_")
    assert again.id != first.id
    assert "created" not in again.to_dict()
    assert (again.usage.input_tokens, again.usage.output_tokens) == (0, 0)
    original: Any = again.to_dict()["buildwright"]
    assert original["original_usage"]["output_tokens"] == first.usage.output_tokens


@pytest.mark.parametrize(("wire", "server"), BOTH)
async def test_a_stored_stream_is_a_whole_stream_again(
    wire: str, server: Server, served: Served, tmp_path: Path
) -> None:
    async with serving(server()) as model:
        url, _ = await served(tree_of(tmp_path, model.url, wire))
        async with client_of(url) as client:
            async with client.messages.stream(**OLD) as stream:
                first = await stream.get_final_message()
            async with client.messages.stream(**OLD) as stream:
                names = [event.type async for event in stream]
                again = await stream.get_final_message()
    assert len(model.requests) == 1
    assert (names[0], names[-1]) == ("message_start", "message_stop")
    assert again.content == first.content
    assert (again.id != first.id, again.id[:4]) == (True, "msg_")
    assert (again.stop_reason, again.usage.output_tokens) == ("end_turn", 0)
    assert again.usage.service_tier == first.usage.service_tier


async def test_a_call_with_a_beta_is_neither_stored_nor_answered_from_the_store(
    served: Served, tmp_path: Path
) -> None:
    async with serving(AnthropicServer()) as model:
        url, _ = await served(tree_of(tmp_path, model.url, "anthropic"))
        async with client_of(url) as client:
            for beta in ("a-1", "b-1"):
                await client.messages.create(**ASK, extra_headers={"anthropic-beta": beta})
            await client.messages.create(**OLD)
    assert len(model.requests) == 3


async def test_a_key_of_the_client_brings_the_same_answer(served: Served, tmp_path: Path) -> None:
    async with serving(AnthropicServer()) as model:
        url, _ = await served(tree_of(tmp_path, model.url, "anthropic"))
        headers = {"idempotency-key": "k1", "cache-control": "no-store"}
        async with client_of(url) as client:
            first = await client.messages.create(**ASK, extra_headers=headers)
            again = await client.messages.create(**ASK, extra_headers=headers)
    assert (len(model.requests), again) == (1, first)


@pytest.mark.parametrize(("wire", "server"), BOTH)
async def test_a_client_that_leaves_pays_for_what_came(
    wire: str, server: Server, served: Served, tmp_path: Path
) -> None:
    model = server(faults=["stall"])
    async with serving(model):
        url, service = await served(tree_of(tmp_path, model.url, wire, timeouts=TimeoutSettings()))
        async with client_of(url) as client:
            stream = await client.messages.create(**ASK, stream=True)
            async for _ in stream:
                break
            await stream.close()
        row = await newest(service)
    assert row.settlement is not None
    assert (row.status, row.settlement.error) == ("done", "client_left")
    assert row.settlement.usage.input > 0
    assert row.settlement.cost_nano > 0


async def test_silence_is_filled_with_pings(served: Served, tmp_path: Path) -> None:
    model = OpenAiServer(faults=["stall"])
    timeouts = TimeoutSettings(heartbeat_s=0.02)
    async with serving(model):
        url, _ = await served(tree_of(tmp_path, model.url, "openai", timeouts=timeouts))
        body = orjson.dumps({**ASK, "stream": True})
        async with (
            asyncio.timeout(30),
            httpx.AsyncClient() as client,
            client.stream("POST", f"{url}/v1/messages", content=body) as answer,
        ):
            model.begun.set()
            lines = []
            async for line in answer.aiter_lines():
                lines.append(line)
                if lines.count("event: ping") == 2:
                    break
    assert lines[0] == "event: message_start"
    assert 'data: {"type":"ping"}' in lines
