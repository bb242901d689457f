"""A gateway that is served over real HTTP, in this process, on a free port of the loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from buildwright.app.gateway import GatewayService, open_gateway_service
from buildwright.core.gateway_settings import GatewayTree
from buildwright.gateway.surroundings import Surroundings
from buildwright.telemetry.calls import CallMetrics
from buildwright.web.app import App, make_app
from buildwright.web.routes import gateway_routes
from buildwright.web.server import listening_socket, serving

Served = Callable[..., Awaitable[tuple[str, GatewayService]]]
"""`url, service = await served(tree)`: the address without `/v1`; closed after the test."""


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """Open and serve gateways, as many as a test wants."""
    async with AsyncExitStack() as stack:

        async def serve(
            tree: GatewayTree, around: Surroundings | None = None
        ) -> tuple[str, GatewayService]:
            return await stack.enter_async_context(serving_gateway(tree, around))

        yield serve


@asynccontextmanager
async def serving_gateway(
    tree: GatewayTree, around: Surroundings | None = None
) -> AsyncIterator[tuple[str, GatewayService]]:
    """Yield the address of a served gateway, without a path, and what is behind it."""
    metrics = CallMetrics("test")
    async with open_gateway_service(tree, on_done=metrics.observe, around=around) as service:
        tick = service.gateway.around.tick
        app = make_app(gateway_routes(service, metrics), metrics.observe_http, tick)
        async with serving_app(app) as url:
            yield url, service


@asynccontextmanager
async def serving_app(app: App) -> AsyncIterator[str]:
    """Serve an ASGI application; yield its address."""
    listening = listening_socket("127.0.0.1", 0)
    async with serving(app, listening, drain_s=0.0):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
