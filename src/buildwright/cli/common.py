"""What every command shares: settings from context and flags, and running a coroutine."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from buildwright.app import App
    from buildwright.core.events import Listener
    from buildwright.core.settings import Settings

T = TypeVar("T")


def settings_of(ctx: click.Context, flags: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings for a command; flags that are None leave the setting alone."""
    from buildwright.core.settings import load_settings

    given = {"home": ctx.obj.get("home"), **(flags or {})}
    return load_settings(given, config=ctx.obj.get("config"))


def with_app(
    settings: Settings,
    work: Callable[[App], Coroutine[Any, Any, T]],
    listeners: tuple[Listener, ...] = (),
) -> T:
    """Open the application, run the work and close it; SIGTERM interrupts like Ctrl-C."""
    import asyncio

    from buildwright.app import open_app

    async def whole() -> T:
        _stop_on_sigterm()
        async with open_app(settings, listeners=listeners) as app:
            return await work(app)

    try:
        return asyncio.run(whole())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _stop_on_sigterm() -> None:
    import asyncio
    import signal

    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def print_json(value: object) -> None:
    """Print a JSON document for scripts."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def shown_time(seconds: float) -> str:
    """Return seconds since the epoch as local time for people."""
    local = datetime.fromtimestamp(seconds, UTC).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S")


def plain(text: str) -> str:
    """Return text without control characters, so that it cannot steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
