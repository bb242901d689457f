"""A gateway that is served over real HTTP, in this process, on a free port of the loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import Server

from buildwright.app.gateway import GatewayService, open_gateway_service
from buildwright.core.gateway_settings import GatewayTree
from buildwright.gateway.surroundings import Surroundings
from buildwright.telemetry.calls import CallMetrics
from buildwright.web.app import App, make_app
from buildwright.web.routes import gateway_routes
from buildwright.web.server import listening_socket

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
    server = _Server(_config(app))
    running = asyncio.create_task(server.serve([listening]))
    try:
        await server.up.wait()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await running
        listening.close()


class _Server(Server):
    """A server that tells when it is up and leaves the signals of the tests alone."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: App) -> Config:
    return Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
