"""Clients of one stream in this process, and a model server that says a word when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.answers import chunks, word
from tests.clients.gateway import ASK, CACHING, budget, capped, idle, settled, tree
from tests.clients.model_server import Exchange, ModelServer, serving_model

from buildwright.app.gateway import GatewayService, open_gateway_service
from buildwright.core.call_events import CallDone
from buildwright.core.gateway_settings import RetrySettings, TimeoutSettings
from buildwright.core.ledger import LedgerRow
from buildwright.gateway.call import LOCAL, Answer, Call, Caller, End
from buildwright.gateway.errors import GatewayError


class Spoken:
    """A stream that the test leads: `say`, then `finish` or `cut`; it notices being left."""

    def __init__(self) -> None:
        self._turns: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.left = asyncio.Event()
        self.whole = b""

    def say(self, count: int = 1) -> None:
        for number in range(count):
            self._turns.put_nowait(word(number % 4))
            self.whole += word(number % 4)

    def finish(self) -> None:
        """End well, with the usage."""
        self._turns.put_nowait(None)

    def cut(self) -> None:
        """Close the connection in the middle."""
        self._turns.put_nowait(b"")

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.stream(end=False)
        speaking = asyncio.create_task(self._speak(exchange))
        leaving = asyncio.create_task(exchange.until_left())
        await asyncio.wait({speaking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            self.left.set()
        for task in (speaking, leaving):
            task.cancel()
        exchange.close()

    async def _speak(self, exchange: Exchange) -> None:
        while turn := await self._turns.get():
            await exchange.chunk(turn)
        if turn is None:
            for event in chunks(exchange.body)[-3:]:
                await exchange.chunk(event)
            await exchange.send(b"0\r\n\r\n")


class Client:
    """Reads a stream like a door does; stops while `reads` is cleared."""

    def __init__(self, service: GatewayService, call: Call) -> None:
        self.call, self._gateway = call, service.gateway
        self.got, self.frames = b"", 0
        self.how: End | None = None
        self.error: GatewayError | None = None
        self.answer: Answer | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self._more = asyncio.Condition()
        self.task = asyncio.create_task(self._run())

    async def has(self, words: int) -> None:
        """Wait until so many events have come."""
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: self.got.count(b"data: ") >= words)

    async def done(self) -> End | None:
        """Wait for the end; return how it was, None when there was no stream."""
        async with asyncio.timeout(10):
            await asyncio.wait({self.task})
        return self.how

    async def leave(self) -> None:
        """Go like a door's client; one that is let go ends by itself, maybe later."""
        if self.call.lets_go and self.answer is not None and self.answer.let_go():
            return
        self.task.cancel()
        await self.done()

    async def _run(self) -> None:
        try:
            answer = self.answer = await self._gateway.handle(self.call)
        except GatewayError as error:
            self.error = error
            return
        await self._read(answer)

    async def _read(self, answer: Answer) -> None:
        assert answer.frames is not None
        self.how = "left"
        try:
            async for frame in answer.frames:
                self.got += frame
                self.frames += 1
                async with self._more:
                    self._more.notify_all()
                await self.reads.wait()
            self.how = "complete"
        except GatewayError as error:
            self.error, self.how = error, "cut"
        finally:
            await answer.frames.aclose()
            answer.end(self.how)


@dataclass
class Shared:
    """A gateway before a model server, and the calls that metering was told of."""

    model: ModelServer
    service: GatewayService
    told: list[CallDone] = field(default_factory=list)
    lets_go: bool = False

    def speaking(self) -> Spoken:
        """Return the model's next answer."""
        spoken = Spoken()
        self.model.script(spoken)
        return spoken

    def call(self, caller: Caller = LOCAL, **changed: Any) -> Call:
        around = self.service.gateway.around
        body = {**ASK, "stream": True, **changed}
        made = Call(around.new_id(), "chat", body, caller, around.now(), around.tick())
        made.lets_go = self.lets_go
        return made

    def client(self, call: Call | None = None, **changed: Any) -> Client:
        return Client(self.service, call or self.call(**changed))

    async def two(self, spoken: Spoken) -> tuple[Client, Client]:
        """Return the first client and one that joined it after two words."""
        first = self.client()
        spoken.say(2)
        await first.has(2)
        second = self.client()
        await second.has(2)
        return first, second

    async def rows(self) -> Sequence[LedgerRow]:
        return await settled(self.service)

    async def money(self) -> tuple[int, int]:
        """Return what is spent and held, in nano-dollars."""
        await self.rows()
        found = await budget(self.service)
        return found.spent_nano, found.held_nano

    def ends(self) -> dict[str, tuple[int, str, str, int]]:
        """Return status, error, cache status and cost of every call that ended, by id."""
        assert len({done.call_id for done in self.told}) == len(self.told)
        return {one.call_id: (one.status, one.error, one.cache, one.cost_nano)
                for one in self.told}  # fmt: skip

    def idle(self) -> bool:
        """True when no slot is taken and no connection is in use."""
        pools = self.service.gateway.providers.pools.all().values()
        return idle(self.service) and all(pool.open == pool.idle for pool in pools)


@asynccontextmanager
async def opened(home: Path, *, lets_go: bool = False, **changed: Any) -> AsyncIterator[Shared]:
    """Open a gateway that asks once and waits long, with its cache and a budget."""
    told: list[CallDone] = []
    patient = {"timeouts": TimeoutSettings(), "retries": RetrySettings(times=0)}
    settings = {"cache": CACHING, **patient, **changed}
    async with (
        serving_model() as model,
        open_gateway_service(tree(home, model.url, **settings), on_done=told.append) as service,
    ):
        await capped(service)
        yield Shared(model, service, told, lets_go)
