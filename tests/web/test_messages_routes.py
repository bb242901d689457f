"""`/v1/messages` over routes: fallbacks to another wire, scripted models, spent budgets."""

from __future__ import annotations

from pathlib import Path

import anthropic
import pytest
from tests.gateway.wire_servers.anthropic_server import AnthropicServer
from tests.gateway.wire_servers.loopback import serving
from tests.gateway.wire_servers.openai_server import OpenAiServer
from tests.web.conftest import Served
from tests.web.messages_client import ASK, PRICES, client_of, newest, tree_of

from buildwright.core.gateway_settings import (
    GatewaySettings,
    GatewayTree,
    ModelSettings,
    ProviderSettings,
    RetrySettings,
    RouteSettings,
    TargetSettings,
)
from buildwright.core.ledger import TokenUsage, nano_of


def routed(home: Path, first: str, then: str) -> GatewayTree:
    """Return settings with a route `m` from an Anthropic upstream to one of OpenAI's wire."""
    providers = {
        "one": ProviderSettings(url=first, wire="anthropic"),
        "two": ProviderSettings(url=then, wire="openai"),
    }
    models = {
        "a": ModelSettings(model="one/x", **PRICES),  # type: ignore[arg-type]
        "b": ModelSettings(model="two/y", free=True),
    }
    route = RouteSettings(targets=(TargetSettings(model="a"),), fallbacks=("b",))
    settings = GatewaySettings(retries=RetrySettings(times=0), routes={"m": route})
    return GatewayTree(home, models, providers, settings)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_fallback_may_speak_another_wire(
    served: Served, tmp_path: Path, *, stream: bool
) -> None:
    first, then = AnthropicServer(faults=["529"]), OpenAiServer()
    async with serving(first), serving(then):
        url, service = await served(routed(tmp_path, first.url, then.url))
        async with client_of(url) as client:
            if stream:
                async with client.messages.stream(**ASK) as events:
                    told: anthropic.types.Message = await events.get_final_message()
            else:
                told = await client.messages.create(**ASK)
        row = await newest(service)
    assert (told.content[0].to_dict()["text"], told.usage.output_tokens) == ("Hello there.", 12)
    assert row.settlement is not None
    assert (row.settlement.model, row.settlement.fallbacks) == ("y", 1)
    assert row.settlement.usage == TokenUsage(20, 10, 0, 8, 4, reported_total=42)
    assert row.settlement.cost_nano == 0
    assert (first.requests[0].body["model"], then.requests[0].body["model"]) == ("x", "y")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_scripted_model_answers_on_this_wire_too(
    served: Served, tmp_path: Path, *, stream: bool
) -> None:
    tree = GatewayTree(tmp_path, {"m": ModelSettings(script="saboteur")})
    url, _ = await served(tree)
    async with client_of(url) as client:
        if stream:
            async with client.messages.stream(**ASK) as events:
                told: anthropic.types.Message = await events.get_final_message()
        else:
            told = await client.messages.create(**ASK)
    assert (told.type, told.role, told.stop_reason is not None) == ("message", "assistant", True)
    assert told.usage.input_tokens > 0


async def test_a_spent_budget_is_told_and_not_tried_again(served: Served, tmp_path: Path) -> None:
    async with serving(AnthropicServer()) as model:
        url, service = await served(tree_of(tmp_path, model.url, "anthropic"))
        await service.ledger.set_budget("org:local", nano_of(0.000001), "total")
        async with client_of(url, max_retries=3) as client:
            with pytest.raises(anthropic.RateLimitError, match="budget org:local") as caught:
                await client.messages.create(**ASK)
    assert model.requests == []
    assert caught.value.response.headers["x-should-retry"] == "false"
