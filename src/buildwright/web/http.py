"""Requests and responses of plain ASGI, with no framework in the hot path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from buildwright.gateway.errors import GatewayError, busy
from buildwright.web.http1.admission import OVERLOADED

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")


class ClientLeftError(Exception):
    """The client closed the connection before its request was complete."""


def check_load(scope: Scope) -> None:
    """Raise GatewayError 503 for a request that came when the server had too much to do."""
    if OVERLOADED in scope:
        raise busy("more calls come than this gateway can answer in time")


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return the request's body; raises GatewayError 413 above `limit` bytes."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body"):
        _check_size(len(body), limit)
        return body
    parts, size = [body], len(body)
    while True:
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        _check_size(size, limit)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise GatewayError(
            413,
            "invalid_request_error",
            "request_too_large",
            f"the request is larger than {limit} bytes (gateway.body_limit_kib)",
        )


async def respond(send: Send, status: int, headers: Headers, body: bytes) -> int:
    """Send a whole response, its content length added; return its status."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return status
