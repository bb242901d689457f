"""`buildwright serve`: the gateway over HTTP."""

from __future__ import annotations

import importlib
from typing import Any

import click

SERVERS = {"gateway": "buildwright.web.running:run_gateway"}
"""What can be served; loaded when it is picked."""


@click.command(epilog="Example: buildwright serve --port 4000")
@click.option("--host", help="Address to listen on (gateway.host).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@click.option("--only", type=click.Choice(list(SERVERS)), help="Load nothing but this.")
@click.pass_context
def serve(ctx: click.Context, host: str | None, port: int | None, only: str | None) -> None:
    """Serve the OpenAI-compatible gateway until Ctrl-C."""
    from dataclasses import replace

    from buildwright import __version__
    from buildwright.core.quick_settings import load_gateway_tree

    home = ctx.obj.get("home")
    flags: dict[str, Any] = {"home": home} if home else {}
    tree = load_gateway_tree(flags, config=ctx.obj.get("config"), version=__version__)
    usual = tree.gateway
    listening = replace(usual, host=host or usual.host, port=usual.port if port is None else port)
    module, _, name = SERVERS[only or "gateway"].partition(":")
    run = getattr(importlib.import_module(module), name)
    run(replace(tree, gateway=listening), lambda url: click.echo(f"gateway: {url} (Ctrl-C ends)"))
