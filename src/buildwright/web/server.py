"""Serving an ASGI application with uvicorn."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

from buildwright.core.errors import MachineError

DRAIN_S = 30
BACKLOG = 2048


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a bound socket; raises MachineError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise MachineError(
            f"address {host}:{port} cannot be listened on: {error.strerror or error}",
            next_step="choose another with --port, or stop what uses it",
        ) from error
    return made


async def serve(app: Any, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; calls in flight have `DRAIN_S` seconds to end.

    `ready` is called once connections are taken.
    """
    from uvicorn.config import Config
    from uvicorn.server import Server

    class Announcing(Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # uvicorn's own raises the signal again at the end: the process would be gone before
            # the ledger has written what it was told last.
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True

    config = Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=DRAIN_S,
    )
    await Announcing(config).serve([listening])
