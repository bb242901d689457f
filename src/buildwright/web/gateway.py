"""`/v1/*`: model calls over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from buildwright.core.ledger import Wire
from buildwright.gateway.call import Answer, Call, Caller, End
from buildwright.gateway.checking import check_chat, check_common, check_input
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.pipeline import Gateway
from buildwright.services.access import check_model, may_use
from buildwright.web import wire
from buildwright.web.http import (
    EVENTS,
    JSON,
    ClientLeftError,
    Headers,
    Receive,
    Scope,
    Send,
    check_load,
    read_body,
    respond,
)

LOG = logging.getLogger("buildwright.web")
COMMENT = b": waiting\n\n"
Authorize = Callable[[Mapping[bytes, bytes]], Caller]


class ChatDoor:
    """Chat completions and embeddings on the OpenAI wire."""

    def __init__(self, gateway: Gateway, authorize: Authorize) -> None:
        self._gateway, self._authorize = gateway, authorize
        settings = gateway.tree.gateway
        self._limit = settings.body_limit_kib * 1024
        self._heartbeat_s = settings.timeouts.heartbeat_s

    async def chat(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/v1/chat/completions`."""
        return await self._answer(scope, receive, send, "chat")

    async def embeddings(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/v1/embeddings`."""
        return await self._answer(scope, receive, send, "embeddings")

    async def models(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/v1/models`: the names that the settings give and the caller may ask for."""
        try:
            caller = self._authorize(dict(scope["headers"]))
        except GatewayError as error:
            return await self._refuse(scope, send, error, None)
        names = self._gateway.directory.names()
        rows = [_model_row(name) for name in names if may_use(caller, name)]
        told = [JSON, *self._ids(scope)]
        return await respond(send, 200, told, orjson.dumps({"object": "list", "data": rows}))

    async def model(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/v1/models/{model}` for every name a call could ask for."""
        name = scope["path"].removeprefix("/v1/models/")
        try:
            check_model(self._authorize(dict(scope["headers"])), name)
            self._gateway.find(name)
        except GatewayError as error:
            return await self._refuse(scope, send, error, None)
        return await respond(send, 200, [JSON, *self._ids(scope)], orjson.dumps(_model_row(name)))

    async def _answer(self, scope: Scope, receive: Receive, send: Send, kind: Wire) -> int:
        call: Call | None = None
        try:
            check_load(scope)
            headers = dict(scope["headers"])
            caller = self._authorize(headers)
            raw = await read_body(scope, receive, self._limit)
            call = self._call(headers, wire.parsed(raw), caller, kind)
            check_model(caller, call.asked)
            answer = await self._gateway.handle(call)
        except GatewayError as error:
            return await self._refuse(scope, send, error, call)
        except ClientLeftError:
            return 499
        if answer.frames is not None:
            return await self._stream(call, answer, receive, send)
        told = wire.gateway_headers(call, self._gateway.around.tick())
        told += (JSON, wire.cost_header(call))
        return await respond(send, answer.status, told, answer.body)

    def _call(
        self, headers: Mapping[bytes, bytes], body: dict[str, Any], caller: Caller, kind: Wire
    ) -> Call:
        check_common(body)
        (check_chat if kind == "chat" else check_input)(body)
        around = self._gateway.around
        call = Call(around.new_id(), kind, body, caller, around.now(), around.tick())
        call.lets_go = True
        wire.read_headers(call, headers)
        return call

    async def _stream(self, call: Call, answer: Answer, receive: Receive, send: Send) -> int:
        headers = wire.gateway_headers(call, self._gateway.around.tick())
        headers += (EVENTS, (b"cache-control", b"no-store"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        how = await Outgoing(call, answer, send, self._heartbeat_s).run(receive)
        return {"complete": 200, "left": 499, "cut": 502}[how]

    async def _refuse(
        self, scope: Scope, send: Send, error: GatewayError, call: Call | None
    ) -> int:
        tick = self._gateway.around.tick
        headers = self._ids(scope) if call is None else wire.gateway_headers(call, tick())
        headers += (JSON, *wire.error_headers(error))
        return await respond(send, error.status, headers, wire.openai_error(error))

    def _ids(self, scope: Scope) -> Headers:
        return wire.ids(scope["headers"], self._gateway.around.new_id)


class Outgoing:
    """One stream on its way to a client: frames, heartbeats, and notice of its leaving."""

    heartbeat = COMMENT

    def __init__(self, call: Call, answer: Answer, send: Send, heartbeat_s: float) -> None:
        self._call, self._answer, self._send = call, answer, send
        self._heartbeat_s = heartbeat_s
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._beat: asyncio.TimerHandle | None = None
        self._beats: set[asyncio.Task[None]] = set()
        self._pumping = True

    async def run(self, receive: Receive) -> End:
        """Send every frame; the answer's end is told exactly once, whatever happens."""
        pump = asyncio.current_task()
        assert pump is not None  # noqa: S101 - a coroutine that runs is in a task
        watch = self._loop.create_task(_left(receive))
        watch.add_done_callback(lambda _: self._leave(pump))
        self._beat = self._loop.call_later(self._heartbeat_s, self._tick)
        how: End = "left"
        try:
            how = await self._pump()
        except asyncio.CancelledError:
            if not watch.done():
                raise
        finally:
            self._pumping = False
            self._beat.cancel()
            watch.cancel()
            await _close(self._answer)
            self._answer.end(how)
        return how

    def _leave(self, pump: asyncio.Task[object]) -> None:
        # Others may listen to the same stream: then the frames end by themselves.
        if self._pumping and not self._answer.let_go():
            pump.cancel()

    async def _pump(self) -> End:
        send, loop = self._send, self._loop
        assert self._answer.frames is not None  # noqa: S101 - only streams come here
        try:
            async for frame in self._answer.frames:
                await send({"type": "http.response.body", "body": frame, "more_body": True})
                self._last = loop.time()
        except GatewayError as error:
            LOG.info("call %s: stream broke off: %s", self._call.id, error.error_code)
            await send({"type": "http.response.body", "body": self._last_event(error)})
            return "cut"
        await send({"type": "http.response.body", "body": b""})
        return "complete"

    def _tick(self) -> None:
        silent = self._loop.time() - self._last
        if silent >= self._heartbeat_s:
            beat = self._loop.create_task(self._send_heartbeat())
            self._beats.add(beat)
            beat.add_done_callback(self._beats.discard)
            silent = 0.0
        self._beat = self._loop.call_later(self._heartbeat_s - silent, self._tick)

    def _last_event(self, error: GatewayError) -> bytes:
        """Return the event that tells why a stream broke off."""
        return b"data: " + wire.openai_error(error) + b"\n\n"

    async def _send_heartbeat(self) -> None:
        await self._send({"type": "http.response.body", "body": self.heartbeat, "more_body": True})


async def _close(answer: Answer) -> None:
    if answer.frames is not None:
        await answer.frames.aclose()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _model_row(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "buildwright"}
