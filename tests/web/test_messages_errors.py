"""Errors of `/v1/messages` as the real Anthropic client sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import httpx
import pytest
from tests.gateway.wire_servers.anthropic_server import AnthropicServer
from tests.gateway.wire_servers.loopback import ModelServer, serving
from tests.gateway.wire_servers.ollama_server import OllamaServer
from tests.gateway.wire_servers.openai_server import OpenAiServer
from tests.web.conftest import Served
from tests.web.messages_client import ASK, client_of, newest, tree_of

from buildwright.core.gateway_settings import LimitSettings, RetrySettings
from buildwright.core.ledger import CallFilter

Server = type[AnthropicServer] | type[OpenAiServer]
BOTH: list[tuple[str, Server]] = [("anthropic", AnthropicServer), ("openai", OpenAiServer)]
BAD: list[tuple[str, Any]] = [
    ("max_tokens", None), ("max_tokens", 0), ("max_tokens", "9"), ("max_tokens", 10**9),
    ("messages", []), ("messages", "hi"), ("messages[0]", ["hi"]),
    ("messages[0].content", [{"role": "user", "content": 7}]),
    ("messages[0].content[0].type", [{"role": "user", "content": [{}]}]),
    ("model", ""), ("stream", "yes"), ("system", 7), ("stop_sequences[0]", [1]),
    ("max_completion_tokens", 5), ("n", 2), ("temperature", "hot"), ("top_p", True),
    ("top_k", 1.5), ("tools", {}), ("tools[0]", ["f"]), ("tool_choice", "auto"), ("metadata", []),
    ("thinking", True),
]  # fmt: skip


def error_in(caught: pytest.ExceptionInfo[anthropic.APIStatusError]) -> dict[str, Any]:
    """Return the inner error of a whole envelope."""
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["type"] == "error"
    assert body["request_id"] == caught.value.response.headers["request-id"]
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize(("field", "value"), BAD)
async def test_a_bad_field_is_named_and_nothing_is_sent(
    field: str, value: object, served: Served, tmp_path: Path
) -> None:
    async with serving(AnthropicServer()) as model:
        url, service = await served(tree_of(tmp_path, model.url, "anthropic"))
        body = {**ASK, field.partition("[")[0]: value}
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{url}/v1/messages", json=body)
        rows = await service.ledger.calls(CallFilter())
    told = answer.json()
    assert (answer.status_code, told["type"]) == (400, "error")
    assert told["error"]["type"] == "invalid_request_error"
    assert told["error"]["message"].startswith(field)
    assert (model.requests, list(rows)) == ([], [])


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [("429 after 3", 429, "rate_limit_error"), ("529", 529, "overloaded_error"),
     ("500", 500, "api_error"), ("401", 502, "api_error"), ("400", 400, "invalid_request_error")],
)  # fmt: skip
@pytest.mark.parametrize("both", BOTH)
async def test_a_refusal_of_the_upstream_keeps_its_type(
    fault: str, status: int, kind: str, both: tuple[str, Server], served: Served, tmp_path: Path
) -> None:
    wire, server = both
    async with serving(server(faults=[fault])) as model:
        url, service = await served(tree_of(tmp_path, model.url, wire))
        async with client_of(url) as client:
            with pytest.raises(anthropic.APIStatusError) as caught:
                await client.messages.create(**ASK)
        row = await newest(service)
    assert (caught.value.status_code, error_in(caught)["type"]) == (status, kind)
    assert caught.value.response.headers.get("retry-after") == ("3" if "after" in fault else None)
    assert row.settlement is not None
    assert (row.status, row.settlement.cost_nano) == ("failed", 0)


async def test_an_unknown_model_is_not_found(served: Served, tmp_path: Path) -> None:
    url, _ = await served(tree_of(tmp_path, "http://127.0.0.1:9", "anthropic"))
    async with client_of(url) as client:
        with pytest.raises(anthropic.NotFoundError) as caught:
            await client.messages.create(**{**ASK, "model": "nobody"})
    assert error_in(caught)["type"] == "not_found_error"


async def test_a_body_too_large_or_malformed_is_told_in_the_envelope(
    served: Served, tmp_path: Path
) -> None:
    tree = tree_of(tmp_path, "http://127.0.0.1:9", "anthropic", body_limit_kib=1)
    url, _ = await served(tree)
    async with httpx.AsyncClient() as client:
        large = await client.post(f"{url}/v1/messages", content=b"x" * 2000)
        broken = await client.post(f"{url}/v1/messages", content=b'{"model": ')
    assert (large.status_code, large.json()["error"]["type"]) == (413, "request_too_large")
    assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(("wire", "server"), BOTH)
async def test_the_gateway_tries_again_after_a_429(
    wire: str, server: Server, served: Served, tmp_path: Path
) -> None:
    retries = RetrySettings(times=1, first_wait_s=0.001)
    async with serving(server(faults=["429 after 0"])) as model:
        url, _ = await served(tree_of(tmp_path, model.url, wire, retries=retries))
        async with client_of(url) as client:
            raw = await client.messages.with_raw_response.create(**ASK)
    assert (len(model.requests), raw.headers["x-buildwright-attempts"]) == (2, "2")


async def test_the_client_tries_again_after_a_429_but_not_when_it_is_told_not_to(
    served: Served, tmp_path: Path
) -> None:
    async with serving(AnthropicServer(faults=["429 after 0", "", "400"])) as model:
        url, _ = await served(tree_of(tmp_path, model.url, "anthropic"))
        async with client_of(url, max_retries=2) as client:
            told = await client.messages.create(**ASK)
            with pytest.raises(anthropic.BadRequestError):
                await client.messages.create(**{**ASK, "max_tokens": 65})
    assert told.stop_reason == "end_turn"
    assert len(model.requests) == 3


async def test_a_limit_is_told_by_the_names_of_the_wire(served: Served, tmp_path: Path) -> None:
    limits = (LimitSettings(scope="global", requests_per_minute=1, tokens_per_minute=100_000),)
    async with serving(AnthropicServer()) as model:
        url, _ = await served(tree_of(tmp_path, model.url, "anthropic", limits=limits))
        async with client_of(url) as client:
            raw = await client.messages.with_raw_response.create(**ASK)
            with pytest.raises(anthropic.RateLimitError) as caught:
                await client.messages.create(**{**ASK, "max_tokens": 65})
    refused = caught.value.response.headers
    assert raw.headers["anthropic-ratelimit-requests-limit"] == "1"
    assert 0 < int(raw.headers["anthropic-ratelimit-tokens-remaining"]) < 100_000
    assert refused["anthropic-ratelimit-requests-remaining"] == "0"
    assert refused["anthropic-ratelimit-requests-reset"].endswith("Z")
    assert error_in(caught)["type"] == "rate_limit_error"
    assert int(refused["retry-after"]) <= 60


STREAMS: list[tuple[str, ModelServer]] = [
    ("anthropic", AnthropicServer(faults=["cut"])),
    ("anthropic", AnthropicServer(faults=["error inside"])),
    ("anthropic", AnthropicServer(faults=["stall"])),
    ("openai", OpenAiServer(faults=["cut"])),
    ("ollama", OllamaServer(faults=["error inside"])),
]


@pytest.mark.parametrize(("wire", "model"), STREAMS)
async def test_a_stream_that_breaks_off_ends_with_an_error_event(
    wire: str, model: Any, served: Served, tmp_path: Path
) -> None:
    async with serving(model):
        url, service = await served(tree_of(tmp_path, model.url, wire))
        seen: list[str] = []

        async def read() -> None:
            async with client_of(url) as client:
                async for event in await client.messages.create(**ASK, stream=True):
                    seen.append(event.type)
                    model.begun.set()

        with pytest.raises(anthropic.APIStatusError) as caught:
            await read()
        row = await newest(service)
    assert seen[0] == "message_start"
    assert "message_stop" not in seen
    body = caught.value.body
    assert isinstance(body, dict)
    assert (body["type"], bool(body["request_id"])) == ("error", True)
    assert row.status == "in_doubt"


async def test_a_count_of_tokens_says_that_it_is_an_estimate(
    served: Served, tmp_path: Path
) -> None:
    url, service = await served(tree_of(tmp_path, "http://127.0.0.1:9", "anthropic"))
    short = {name: ASK[name] for name in ("model", "messages")}
    async with client_of(url) as client:
        few = await client.messages.count_tokens(**short)
        many = await client.messages.count_tokens(**short, system="word " * 1000)
        with pytest.raises(anthropic.BadRequestError, match="messages"):
            await client.messages.count_tokens(model="m", messages=[])
    assert 3 <= few.input_tokens < 100
    assert 1000 <= many.input_tokens < 3000
    assert few.to_dict()["buildwright"] == {"estimated": True}
    assert list(await service.ledger.calls(CallFilter())) == []
