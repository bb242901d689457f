"""`app.gateway`: the same policies and the same ledger as over HTTP, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.services.answering import Answering, answering

from buildwright import App, load_settings, open_app
from buildwright.core.chat import ChatRequest, Message
from buildwright.core.errors import BudgetError, ModelError
from buildwright.core.ledger import NANO, CallFilter, LedgerRow


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as state:
        yield state


@pytest.fixture
async def app(server: Answering, tmp_path: Path) -> AsyncIterator[App]:
    priced = {"input_usd_per_mtok": 100_000, "output_usd_per_mtok": 200_000}
    models = {"m": {"model": "small", "url": server.url, "context_tokens": 1_000, **priced}}
    settings = load_settings({"home": tmp_path / "home", "models": models})
    async with open_app(settings) as app:
        yield app


def request(text: str, **other: str) -> ChatRequest:
    return ChatRequest(other.get("model", "m"), (Message("user", text),), key=other.get("key", ""))


async def rows(app: App) -> list[LedgerRow]:
    await app.ledger.set_budget("user:nobody", None, "total")
    return list(await app.ledger.calls(CallFilter()))


async def test_a_chat_is_answered_counted_and_in_the_ledger(app: App) -> None:
    reply = await app.gateway.complete(request("hello"))
    assert (reply.text, reply.finish_reason, reply.model) == ("HELLO", "stop", "m")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (10, 5)
    assert reply.cost_usd == 2.0
    (row,) = await rows(app)
    assert row.settlement is not None
    assert (row.status, row.settlement.cost_nano) == ("done", 2 * NANO)
    assert (row.intent.tenant, row.intent.scopes) == ("local", ("org:local",))


async def test_an_equal_chat_comes_from_the_cache_and_costs_nothing(
    app: App, server: Answering
) -> None:
    first = await app.gateway.complete(request("hello"))
    again = await app.gateway.complete(request("hello"))
    assert (again.text, again.cost_usd) == (first.text, 0.0)
    assert len(server.requests) == 1
    assert len(await rows(app)) == 1


async def test_a_stream_yields_text_as_it_comes(app: App) -> None:
    pieces = [piece async for piece in app.gateway.stream(request("hello"))]
    assert "".join(pieces) == "HELLO"


async def test_texts_are_embedded_in_order(app: App) -> None:
    assert await app.gateway.embed("m", ["one"]) == [[0.25, 0.5]]
    (row,) = await rows(app)
    assert (row.intent.wire, row.status) == ("embeddings", "done")


async def test_a_key_is_bought_once_even_after_a_restart(
    app: App, server: Answering, tmp_path: Path
) -> None:
    await app.gateway.complete(request("hello", key="k1"))
    async with open_app(app.settings) as second:
        again = await second.gateway.complete(request("hello", key="k1"))
    assert again.text == "HELLO"
    assert len(server.requests) == 1


async def test_a_spent_budget_is_told_before_anything_is_sent(app: App, server: Answering) -> None:
    await app.ledger.set_budget("org:local", NANO, "total")
    with pytest.raises(BudgetError, match=r"budget org:local \(total\) has 1 USD left") as caught:
        await app.gateway.complete(request("hello"))
    assert caught.value.next_step == "buildwright budgets set org:local --usd AMOUNT"
    assert (server.requests, await rows(app)) == ([], [])


REFUSED = [
    ("refuse this", "m", "HTTP 400: not this one"),
    ("hello", "nobody/x", "unknown model 'nobody/x'"),
    ("hello", "mm", "unknown model 'mm': did you mean 'm'"),
    ("word " * 2_000, "m", "and 'm' takes 1000"),
]


@pytest.mark.parametrize(("text", "model", "message"), REFUSED)
async def test_what_cannot_be_answered_is_a_model_error_that_costs_nothing(
    app: App, text: str, model: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        await app.gateway.complete(request(text, model=model))
    assert sum(row.reserved_nano for row in await rows(app)) == 0
    spends = await app.ledger.spend("scope", CallFilter())
    assert sum(one.cost_nano for one in spends) == 0


async def test_nobody_there_is_a_model_error_that_names_the_next_step(tmp_path: Path) -> None:
    models = {"m": {"model": "small", "url": "http://127.0.0.1:9/v1", "free": True}}
    quick = {"retries": {"times": 0}}
    settings = load_settings({"home": tmp_path / "home", "models": models, "gateway": quick})
    async with open_app(settings) as app:
        with pytest.raises(ModelError, match="m: connect: ") as caught:
            await app.gateway.complete(request("hello"))
    assert "check that m is up" in caught.value.next_step
