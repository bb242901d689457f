"""The ASGI application: a table of routes in front of the doors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from buildwright.core.clock import make_call_ids
from buildwright.gateway.errors import GatewayError
from buildwright.web import wire
from buildwright.web.http import JSON, Receive, Scope, Send, respond

LOG = logging.getLogger("buildwright.web")
Endpoint = Callable[[Scope, Receive, Send], Awaitable[int]]
"""Answers one request and returns the status it answered with."""

NewId = Callable[[], str]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Observe = Callable[[str, str, int, float], None]
"""Told of every request: method, route ("other" for unknown ones), status, seconds."""

Routes = Mapping[tuple[str, str], Endpoint]


def make_app(
    routes: Routes,
    observe: Observe,
    tick: Callable[[], float],
    new_id: NewId | None = None,
) -> App:
    """Return an ASGI application; whatever fails inside becomes a 500 without details.

    A path that ends in `{name}` stands for all that begin with what is before it.
    """
    paths = {path for _, path in routes}
    open_ended = [(path.partition("{")[0], path) for path in paths if path.endswith("}")]
    make_id = new_id or make_call_ids()

    def known(path: str) -> str:
        """Return the path of the table that leads to this one, "" for none."""
        if path in paths:
            return path
        return next(
            (to for begin, to in open_ended if path.startswith(begin) and path != begin), ""
        )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        start, method, path = tick(), scope["method"], scope["path"]
        endpoint = routes.get((method, path))
        if endpoint is None:
            path = known(path)
            endpoint = routes.get((method, path))
        try:
            if endpoint is None:
                status = await _lost(scope, send, make_id, known=bool(path))
            else:
                status = await endpoint(scope, receive, send)
        except Exception:
            # One of the four named places for a broad catch: the door.
            LOG.exception("unexpected failure at %s", path)
            status = await _failed(scope, send, make_id)
        route = path if endpoint is not None else "other"
        observe(method if endpoint is not None else "other", route, status, tick() - start)

    return app


async def _lost(scope: Scope, send: Send, new_id: NewId, *, known: bool) -> int:
    status, what = (405, "method") if known else (404, "path")
    shown = f"{scope['method']} {scope['path'][:200]}"
    error = GatewayError(
        status, "invalid_request_error", f"unknown_{what}", f"no such route: {shown}"
    )
    headers = [JSON, *wire.ids(scope["headers"], new_id)]
    return await respond(send, status, headers, wire.openai_error(error))


async def _failed(scope: Scope, send: Send, new_id: NewId) -> int:
    error = GatewayError(500, "api_error", "internal_error", "unexpected failure, our fault")
    headers = [JSON, *wire.ids(scope["headers"], new_id)]
    try:
        return await respond(send, 500, headers, wire.openai_error(error))
    except RuntimeError:
        # The response had begun: the server closes the connection.
        return 500
