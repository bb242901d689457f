"""A gateway over a model server of another wire, its calls, and what its ledger holds of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from buildwright.core.gateway_settings import (
    BreakerSettings,
    CacheSettings,
    GatewaySettings,
    GatewayTree,
    ModelSettings,
    ProviderSettings,
    RetrySettings,
    TimeoutSettings,
)
from buildwright.core.ledger import CallFilter, LedgerRow, Wire
from buildwright.gateway.call import LOCAL, Answer, Call, End
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.ledger_memory import MemoryLedger
from buildwright.gateway.opening import open_gateway
from buildwright.gateway.pipeline import Gateway
from buildwright.gateway.sse import data_of, events_of

KEY = "sk-secret-of-the-provider"
PRICES = {
    "input_usd_per_mtok": 3.0,
    "output_usd_per_mtok": 15.0,
    "cache_read_usd_per_mtok": 0.3,
    "cache_write_usd_per_mtok": 3.75,
}
USER = {"role": "user", "content": "Say hello."}
CHAT: dict[str, Any] = {"model": "m", "messages": [USER], "max_tokens": 50}


def tree_of(
    url: str, wire: str, *, retries: int = 0, cached: bool = True, **timeouts: float
) -> GatewayTree:
    """Return settings with model `m` of an upstream at `url`."""
    provider = ProviderSettings(url=url, wire=wire, key_variable="WIRE_TEST_KEY")  # type: ignore[arg-type]
    settings = GatewaySettings(
        retries=RetrySettings(times=retries, first_wait_s=0.001),
        breaker=BreakerSettings(calls=1000),
        timeouts=TimeoutSettings(**timeouts),
        cache=CacheSettings(enabled=cached),
        answer_limit_kib=1024,
    )
    models = {"m": ModelSettings(model="up/claude-test-1", **PRICES)}  # type: ignore[arg-type]
    return GatewayTree(Path(), models, {"up": provider}, settings)


@dataclass
class Opened:
    """An open gateway and its ledger in memory."""

    gateway: Gateway
    ledger: MemoryLedger

    async def ask(self, body: dict[str, Any], wire: Wire = "chat") -> tuple[Answer, Call]:
        """Send one call; its answer is not read yet."""
        around = self.gateway.around
        call = Call(around.new_id(), wire, body, LOCAL, around.now(), around.tick())
        return await self.gateway.handle(call), call

    async def whole(self, body: dict[str, Any], wire: Wire = "chat") -> dict[str, Any]:
        """Return the answer of a call that is not streamed."""
        answer, _ = await self.ask(body, wire)
        loaded: dict[str, Any] = orjson.loads(answer.body)
        return loaded

    async def streamed(
        self, body: dict[str, Any], wire: Wire = "chat", begun: asyncio.Event | None = None
    ) -> bytes:
        """Return all bytes of a stream; raises GatewayError where it breaks off.

        `begun` is set once a part of it is here.
        """
        answer, _ = await self.ask({**body, "stream": True}, wire)
        assert answer.frames is not None
        blocks = []
        how: End = "cut"
        try:
            async for block in answer.frames:
                assert block.endswith(b"\n\n")
                blocks.append(block)
                if begun:
                    begun.set()
            how = "complete"
        finally:
            answer.end(how)
        return b"".join(blocks)

    async def row(self) -> LedgerRow:
        """Return the newest row of the ledger once it is settled; a task may read its stream."""
        async with asyncio.timeout(5):
            while (row := (await self.ledger.calls(CallFilter()))[0]).settlement is None:
                await asyncio.sleep(0)
        return row


@asynccontextmanager
async def opened(tree: GatewayTree) -> AsyncIterator[Opened]:
    """Open a gateway."""
    ledger = MemoryLedger(time.time)
    async with open_gateway(tree, ledger) as gateway:
        yield Opened(gateway, ledger)


def chunks_in(stream: bytes) -> list[dict[str, Any]]:
    """Return the JSON of the events of a stream, without its `[DONE]`."""
    found = (data_of(event) for event in events_of(stream))
    return [orjson.loads(data) for data in found if data.startswith(b"{")]


async def refusal_of(asked: Any) -> GatewayError:
    """Return the error a call ends with."""
    try:
        await asked
    except GatewayError as error:
        return error
    raise AssertionError("the call was answered")
