"""Running what is served; the command line finds it by name."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

from buildwright import __version__
from buildwright.app.gateway import open_gateway_service
from buildwright.core.gateway_settings import GatewayTree
from buildwright.telemetry.calls import CallMetrics
from buildwright.web.app import make_app
from buildwright.web.routes import gateway_routes
from buildwright.web.server import listening_socket, serve

YOUNG_OBJECTS = 10_000
"""Of calls that are on their way 64 have some 6,000; to look for cycles among these costs 5 %."""


def run_gateway(tree: GatewayTree, ready: Callable[[str], None]) -> None:
    """Serve the gateway until SIGINT or SIGTERM; `ready` is told its address."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(tree, ready))


async def _serve(tree: GatewayTree, ready: Callable[[str], None]) -> None:
    listening = listening_socket(tree.gateway.host, tree.gateway.port)
    host, port = listening.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
    try:
        metrics = CallMetrics(__version__)
        async with open_gateway_service(tree, on_done=metrics.observe) as service:
            tick = service.gateway.around.tick
            app = make_app(gateway_routes(service, metrics), metrics.observe_http, tick)
            # What is loaded now stays: no full collection need look through it and hold up calls.
            gc.freeze()
            gc.set_threshold(YOUNG_OBJECTS)
            await serve(app, listening, lambda: ready(url))
    finally:
        listening.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop where it exists; the platform's own elsewhere."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
