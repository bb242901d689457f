"""Serving an ASGI application until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from buildwright.core.errors import MachineError
from buildwright.web.app import App
from buildwright.web.http1 import Accepting, Connection, Patience, State

DRAIN_S = 30.0
BACKLOG = 65_535
"""As many as the system allows: what does not fit asks again after a second."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a bound socket; raises MachineError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise MachineError(
            f"address {host}:{port} cannot be listened on: {error.strerror or error}",
            next_step="choose another with --port, or stop what uses it",
        ) from error
    return made


async def serve(app: App, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; calls in flight have `DRAIN_S` seconds to end.

    `ready` is called once connections are taken. A second signal ends at once what is in flight.
    """
    loop = asyncio.get_running_loop()
    ended, hurried = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurried if ended.is_set() else ended).set()

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        async with serving(app, listening, hurried=hurried):
            ready()
            await ended.wait()
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def serving(
    app: App,
    listening: socket.socket,
    *,
    patience: Patience | None = None,
    drain_s: float = DRAIN_S,
    hurried: asyncio.Event | None = None,
) -> AsyncIterator[State]:
    """Serve while the block runs; then calls in flight have `drain_s` seconds, at most.

    `hurried` ends that wait early.
    """
    loop = asyncio.get_running_loop()
    state = State(app, patience or Patience(), loop)
    try:
        listening.listen(BACKLOG)
        listening.setblocking(False)
        accepting = Accepting(listening, partial(Connection, state))
        accepting.begin()
        try:
            yield state
        finally:
            accepting.end()
            state.end()
            await _any_of(state.drained, hurried or asyncio.Event(), within_s=drain_s)
    finally:
        await state.abort()


async def _any_of(*events: asyncio.Event, within_s: float) -> None:
    """Wait until one of the events happens, or for `within_s` seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
