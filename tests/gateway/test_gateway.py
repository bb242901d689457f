"""The gateway port: the OpenAI wire over real HTTP, faults, bounds of money and time, models."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.model_server import ModelServer, serving

from buildwright.core.chat import ChatRequest, Message, ToolSpec
from buildwright.core.errors import BudgetError, ModelError, SettingsError, UnknownNameError
from buildwright.core.gateway_settings import (
    GatewaySettings,
    GatewayTree,
    ModelSettings,
    RetrySettings,
)
from buildwright.core.ledger import nano_of
from buildwright.core.settings import load_settings
from buildwright.gateway.call import Call, Caller
from buildwright.gateway.ledger_memory import MemoryLedger
from buildwright.gateway.opening import open_gateway
from buildwright.gateway.port import Port
from buildwright.gateway.targets import Directory

TOOL = ToolSpec("file_operation", "files", {"type": "object"})
ASK = ChatRequest("m", (Message("user", "Say hello."),), max_tokens=50, key="k")
PRICED: dict[str, Any] = {"input_usd_per_mtok": 1000.0, "output_usd_per_mtok": 2000.0}
QUICK = GatewaySettings(retries=RetrySettings(first_wait_s=0.01), answer_limit_kib=16_384)


@asynccontextmanager
async def gateway(
    server: ModelServer, *, timeout_s: float = 5.0, max_usd: float = 1.0, **model: Any
) -> AsyncIterator[Port]:
    row = ModelSettings(
        **{"model": "small", "url": server.url, "free": "input_usd_per_mtok" not in model, **model}
    )
    ledger = MemoryLedger(time.time)
    await ledger.set_budget("build:b", nano_of(max_usd), "total")
    tree = GatewayTree(Path(), {"m": row}, {}, QUICK)
    async with open_gateway(tree, ledger) as opened:
        yield Port(opened, Caller("b", scopes=("build:b",)), timeout_s=timeout_s)


async def test_an_answer_comes_together_from_its_stream() -> None:
    with serving(ModelServer()) as server:
        async with gateway(server) as it:
            reply = await it.complete(ASK)
    assert (reply.text, reply.finish_reason) == ("Hello from the wire.", "stop")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (11, 7)
    sent = server.requests[0]
    assert (sent["model"], sent["stream"], sent["max_tokens"]) == ("small", True, 50)
    assert sent["messages"] == [{"role": "user", "content": "Say hello."}]


async def test_tool_calls_come_together_from_their_parts() -> None:
    calls = [{"name": "file_operation", "arguments": {"action": "list"}}] * 2
    with serving(ModelServer(text="", calls=calls)) as server:
        async with gateway(server) as it:
            reply = await it.complete(ChatRequest("m", ASK.messages, (TOOL,), key="k"))
    assert [(c.name, c.arguments) for c in reply.tool_calls] == [
        ("file_operation", '{"action": "list"}')
    ] * 2
    assert server.requests[0]["tools"][0]["function"]["name"] == "file_operation"


async def test_usage_that_is_not_reported_is_estimated_and_says_so() -> None:
    with serving(ModelServer(usage=None)) as server:
        async with gateway(server) as it:
            reply = await it.complete(ASK)
    assert reply.usage.estimated
    assert reply.usage.output_tokens >= 5


async def test_a_priced_call_costs_what_its_usage_says() -> None:
    with serving(ModelServer()) as server:
        async with gateway(server, **PRICED) as it:
            reply = await it.complete(ASK)
    assert reply.cost_usd == pytest.approx((11 * 1000 + 7 * 2000) / 1e6)


PASSING = ["500", "502", "503", "529", "reset", "cut", "malformed", "bad utf-8", "broken off",
           "no end", "429 after 0.01"]  # fmt: skip


@pytest.mark.parametrize("fault", PASSING)
async def test_a_passing_fault_is_tried_again(fault: str) -> None:
    with serving(ModelServer(faults=[fault])) as server:
        async with gateway(server) as it:
            reply = await it.complete(ASK)
    assert reply.text == "Hello from the wire."
    assert len(server.requests) == 2


async def test_a_lasting_fault_ends_after_two_more_tries() -> None:
    with serving(ModelServer(faults=["500"] * 9)) as server:
        async with gateway(server) as it:
            with pytest.raises(ModelError, match="HTTP 500"):
                await it.complete(ASK)
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", ["400", "401", "404"])
async def test_a_refusal_is_not_tried_again(fault: str) -> None:
    with serving(ModelServer(faults=[fault])) as server:
        async with gateway(server) as it:
            with pytest.raises(ModelError):
                await it.complete(ASK)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["silent", "stall"])
async def test_silence_ends_at_the_deadline(fault: str) -> None:
    with serving(ModelServer(faults=[fault] * 5)) as server:
        async with gateway(server, timeout_s=0.5) as it:
            with pytest.raises(ModelError, match=r"no answer|time"):
                await it.complete(ASK)


async def test_an_endless_answer_is_cut_off() -> None:
    with serving(ModelServer(faults=["endless"])) as server:
        async with gateway(server, timeout_s=20.0) as it:
            with pytest.raises(ModelError, match="larger than 16 MiB"):
                await it.complete(ASK)


async def test_an_endpoint_that_is_not_there_is_named() -> None:
    async with gateway(ModelServer(url="http://127.0.0.1:9/v1")) as it:
        with pytest.raises(ModelError, match=r"127\.0\.0\.1:9"):
            await it.complete(ASK)


async def test_a_key_is_sent_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with serving(ModelServer(faults=["401"])) as server:
        async with gateway(server, key_variable="MY_KEY") as it:
            with pytest.raises(ModelError) as caught:
                await it.complete(ASK)
    assert server.keys == ["Bearer sk-very-secret"]
    assert "sk-very-secret" not in str(caught.value)


async def test_a_call_that_could_break_the_cap_is_never_sent() -> None:
    with serving(ModelServer()) as server:
        async with gateway(server, max_usd=0.05, **PRICED) as it:
            with pytest.raises(BudgetError, match="could cost"):
                await it.complete(ASK)
    assert server.requests == []


def directory(**models: ModelSettings) -> Directory:
    return Directory(GatewayTree(Path(), models), lambda: 0.5)


def test_a_local_provider_is_free_and_a_paid_one_wants_a_price() -> None:
    assert directory().resolve("ollama/qwen2.5-coder").model == "qwen2.5-coder"
    with pytest.raises(SettingsError, match="no price is known"):
        directory().resolve("openai/nobody-knows-this")
    with pytest.raises(UnknownNameError, match="did you mean 'ollama/qwen'"):
        directory().resolve("olama/qwen")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ModelSettings(model="x", free=True), "url is missing"),
        (ModelSettings(model="openai/nobody-knows-this"), "has no price"),
    ],
)
def test_a_model_that_lacks_something_is_named(row: ModelSettings, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        directory(mine=row).resolve("mine")


def test_a_price_that_is_no_number_is_refused() -> None:
    with pytest.raises(SettingsError, match="input_usd_per_mtok"):
        load_settings({"models": {"mine": {"input_usd_per_mtok": float("nan")}}})


@pytest.mark.parametrize("key", ["", "k1"])
async def test_a_stream_that_is_left_early_costs_what_was_seen_of_it(key: str) -> None:
    with serving(ModelServer(text="a " * 50)) as server:
        row = ModelSettings(model="small", url=server.url, **PRICED)
        ledger = MemoryLedger(time.time)
        tree = GatewayTree(Path(), {"m": row}, {}, QUICK)
        async with open_gateway(tree, ledger) as opened:
            body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
            call = Call("c1", "chat", body, Caller("b"), time.time(), time.monotonic())
            call.key = key
            answer = await opened.handle(call)
            assert answer.frames is not None
            await anext(answer.frames)
            await answer.frames.aclose()
            answer.end("left")
        stored = await ledger.get("c1")
    assert stored is not None
    assert stored.settlement is not None
    assert stored.settlement.cost_nano > 0
