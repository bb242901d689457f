"""The ASGI application: a table of routes in front of the doors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from buildwright.gateway.errors import GatewayError
from buildwright.web import wire
from buildwright.web.http import JSON, Receive, Scope, Send, respond

LOG = logging.getLogger("buildwright.web")
Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]
Routes = Mapping[tuple[str, str], Endpoint]


def make_app(routes: Routes) -> Endpoint:
    """Return an ASGI application; whatever fails inside becomes a 500 without details."""
    paths = {path for _, path in routes}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        endpoint = routes.get((scope["method"], scope["path"]))
        if endpoint is None:
            await _lost(scope, send, known=scope["path"] in paths)
            return
        try:
            await endpoint(scope, receive, send)
        except Exception:
            # One of the four named places for a broad catch: the door.
            LOG.exception("unexpected failure at %s", scope["path"])
            await _failed(send)

    return app


async def _lost(scope: Scope, send: Send, *, known: bool) -> None:
    status, what = (405, "method") if known else (404, "path")
    shown = f"{scope['method']} {scope['path'][:200]}"
    error = GatewayError(
        status, "invalid_request_error", f"unknown_{what}", f"no such route: {shown}"
    )
    await respond(send, status, [JSON], wire.openai_error(error))


async def _failed(send: Send) -> None:
    error = GatewayError(500, "api_error", "internal_error", "unexpected failure, our fault")
    try:
        await respond(send, 500, [JSON], wire.openai_error(error))
    except RuntimeError:
        # The response had begun: the server closes the connection.
        return
