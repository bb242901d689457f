"""`/v1/messages`: the Anthropic wire, whatever the upstream speaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from buildwright.gateway.call import Answer, Call, Caller
from buildwright.gateway.checking import (
    MAX_TOKENS,
    MESSAGES_FIELDS,
    check_common,
    check_fields,
    check_messages,
    unusable,
)
from buildwright.gateway.errors import GatewayError, invalid
from buildwright.gateway.pipeline import Gateway
from buildwright.gateway.pricing import estimate_tokens
from buildwright.gateway.translate.reading import a_list, a_text, an_object
from buildwright.services.access import check_model
from buildwright.web import wire
from buildwright.web.gateway import Authorize, Outgoing
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

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
USUAL_VERSION = b"2023-06-01"
FORWARDED = (b"anthropic-beta", b"anthropic-version")
MAX_HEADER_BYTES = 2_000


class MessagesDoor:
    """Messages and their count on the Anthropic wire."""

    def __init__(self, gateway: Gateway, authorize: Authorize) -> None:
        self._gateway, self._authorize, self._around = gateway, authorize, gateway.around
        settings = gateway.tree.gateway
        self._limit = settings.body_limit_kib * 1024
        self._heartbeat_s = settings.timeouts.heartbeat_s

    async def messages(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/v1/messages`."""
        call: Call | None = None
        try:
            check_load(scope)
            headers, caller, body = await self._read(scope, receive)
            call = self._call(headers, body, caller)
            self._forward(scope, call)
            check_model(caller, call.asked)
            answer = await self._gateway.handle(call)
        except GatewayError as error:
            return await self._refuse(scope, send, error, call)
        except ClientLeftError:
            return 499
        told = self._headers(call)
        if answer.frames is not None:
            return await self._stream(call, answer, receive, send)
        told += (JSON, wire.cost_header(call))
        return await respond(send, answer.status, told, answer.body)

    async def count_tokens(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/v1/messages/count_tokens` with our own estimate, which is rather too high."""
        try:
            _, caller, body = await self._read(scope, receive)
            check_request(body)
            check_model(caller, body["model"])
        except GatewayError as error:
            return await self._refuse(scope, send, error, None)
        except ClientLeftError:
            return 499
        told = {"input_tokens": estimate_tokens(body), "buildwright": {"estimated": True}}
        return await respond(send, 200, [JSON, *self._ids(scope)], orjson.dumps(told))

    async def _read(
        self, scope: Scope, receive: Receive
    ) -> tuple[Mapping[bytes, bytes], Caller, dict[str, Any]]:
        headers = dict(scope["headers"])
        caller = self._authorize(headers)
        return headers, caller, wire.parsed(await read_body(scope, receive, self._limit))

    def _call(self, headers: Mapping[bytes, bytes], body: dict[str, Any], caller: Caller) -> Call:
        check_request(body)
        check_answer(body)
        around = self._around
        call = Call(around.new_id(), "messages", body, caller, around.now(), around.tick())
        call.lets_go = True
        wire.read_headers(call, headers)
        return call

    def _forward(self, scope: Scope, call: Call) -> None:
        call.upstream_headers = forwarded(scope["headers"])

    def _headers(self, call: Call) -> Headers:
        headers = wire.gateway_headers(call, self._around.tick())
        headers += wire.anthropic_limits(headers, self._around.now())
        headers.append((b"request-id", call.request_id.encode()))
        return headers

    async def _refuse(
        self, scope: Scope, send: Send, error: GatewayError, call: Call | None
    ) -> int:
        headers = self._ids(scope) if call is None else self._headers(call)
        more = wire.error_headers(error)
        request_id = dict(headers)[b"request-id"].decode()
        headers += (JSON, *more, *wire.anthropic_limits(more, self._around.now()))
        status = wire.anthropic_status(error)
        return await respond(send, status, headers, wire.anthropic_error(error, request_id))

    def _ids(self, scope: Scope) -> Headers:
        made = wire.ids(scope["headers"], self._around.new_id)
        return [*made, (b"request-id", dict(made)[b"x-request-id"])]

    async def _stream(self, call: Call, answer: Answer, receive: Receive, send: Send) -> int:
        headers = self._headers(call)
        headers += (EVENTS, (b"cache-control", b"no-store"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        how = await OutgoingEvents(call, answer, send, self._heartbeat_s).run(receive)
        return {"complete": 200, "left": 499, "cut": 502}[how]


class OutgoingEvents(Outgoing):
    """One stream whose heartbeat is a ping and whose error is an event."""

    heartbeat = PING

    def _last_event(self, error: GatewayError) -> bytes:
        told = wire.anthropic_error(error, self._call.request_id)
        return b"event: error\ndata: " + told + b"\n\n"


def forwarded(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the client's headers that an Anthropic upstream has to see; raises GatewayError.

    Those that came several times are one, as HTTP allows for lists.
    """
    given = [(name, value.strip()) for name, value in headers if name in FORWARDED]
    found = []
    for name in FORWARDED:
        value = b",".join(value for other, value in given if other == name and value)
        if len(value) > MAX_HEADER_BYTES or not (value.isascii() and value.decode().isprintable()):
            raise invalid(
                f"{name.decode()} is {value[:40]!r}, expected at most {MAX_HEADER_BYTES} "
                "printable ASCII characters"
            )
        if value and value != USUAL_VERSION:
            found.append((name, value))
    return tuple(found)


def check_request(body: dict[str, Any]) -> None:
    """Check model, system and messages; raises GatewayError 400 that names the field."""
    check_common(body)
    check_messages(body)
    check_fields(body, MESSAGES_FIELDS)
    for number, message in enumerate(body["messages"]):
        where = f"messages[{number}].content"
        content = message.get("content")
        if not isinstance(content, str | list):
            raise unusable(where, content, "a string or a list of blocks")
        if isinstance(content, list):
            _check_blocks(where, content)
    system = body.get("system")
    if system is not None and not isinstance(system, str):
        _check_blocks("system", a_list("system", system))


def check_answer(body: dict[str, Any]) -> None:
    """Check what bounds the answer; raises GatewayError 400."""
    if body.get("max_tokens") is None:
        raise unusable("max_tokens", None, f"a whole number from 1 to {MAX_TOKENS}")
    for name in ("max_completion_tokens", "n"):
        if name in body:
            # The reservation would go by them, and no upstream of this wire does.
            raise invalid(f"{name} is no field of /v1/messages, expected max_tokens alone", name)
    for number, text in enumerate(a_list("stop_sequences", body.get("stop_sequences"))):
        a_text(f"stop_sequences[{number}]", text)


def _check_blocks(where: str, blocks: list[Any]) -> None:
    for number, block in enumerate(blocks):
        kind = an_object(f"{where}[{number}]", block).get("type")
        if not isinstance(kind, str):
            raise unusable(f"{where}[{number}].type", kind, "the type of a block")
