"""The `openai` package for Node against the served gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.clients.answers import TEXT, word
from tests.clients.gateway import idle, settled
from tests.clients.model_server import Exchange
from tests.clients.node_programs import run
from tests.clients.serving import Front
from tests.gateway.faults.faults import refused


async def talk(what: str, front: Front, modules: Path) -> Any:
    """Run one conversation of the script; return what it printed."""
    return await run("talk.mjs", what, front.url, modules)


async def test_a_plain_answer(front: Front, modules: Path) -> None:
    told = await talk("plain", front, modules)
    assert told == {"text": TEXT, "total": 18, "cost": "0.025"}


async def test_a_stream_with_its_usage(front: Front, modules: Path) -> None:
    assert await talk("stream", front, modules) == {"text": TEXT, "total": 18}


async def test_an_error_has_its_class(front: Front, modules: Path) -> None:
    told = await talk("error", front, modules)
    assert told == {"kind": "NotFoundError", "status": 404, "code": "model_not_found"}
    assert front.model.requests == []


async def test_it_tries_again_when_it_is_told(front: Front, modules: Path) -> None:
    front.model.script(refused(429, retry_after_ms="5"))
    assert await talk("again", front, modules) == {"text": TEXT}
    assert len(front.model.requests) == 2


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


async def test_embeddings_of_several_texts(front: Front, modules: Path) -> None:
    assert await talk("embeddings", front, modules) == {"firsts": [1, 3]}
