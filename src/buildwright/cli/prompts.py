"""What a model was sent and what it answered, readable in one place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from buildwright.cli.common import plain, with_app

if TYPE_CHECKING:
    from buildwright.app import App
    from buildwright.core.settings import Settings
    from buildwright.services.calls import BuildCall


def print_prompts(settings: Settings, build_id: str, *, as_json: bool) -> None:
    """Print the model calls of a build, oldest first; as JSON one document a line."""

    async def work(app: App) -> tuple[BuildCall, ...]:
        build = await app.builds.store.get(build_id)
        return await app.builds.calls.list(build.id)

    calls = with_app(settings, work)
    if not calls and not as_json:
        click.echo("no model was called")
    for call in calls:
        if as_json:
            from buildwright.core import codec

            click.echo(json.dumps(json.loads(codec.dump(call)), ensure_ascii=False))
        else:
            _print(call)


def _print(call: BuildCall) -> None:
    click.secho(f"=== {call.key}: {call.status}, {call.cost_usd:.6f} USD", bold=True)
    for message in call.request.messages:
        click.secho(f"--- {message.role}", fg="cyan")
        click.echo(plain(message.content))
        for tool in message.tool_calls:
            click.echo(plain(f"[{tool.name}] {tool.arguments}"))
    click.secho("--- answer", fg="green")
    if call.reply is None:
        click.echo(plain(call.error or "none so far"))
        return
    click.echo(plain(call.reply.text))
    for tool in call.reply.tool_calls:
        click.echo(plain(f"[{tool.name}] {tool.arguments}"))
