"""`buildwright db`: the database."""

from __future__ import annotations

import click

from buildwright.cli.common import settings_of, with_app


@click.group(epilog="Example: buildwright db upgrade")
def db() -> None:
    """Look after the database."""


@db.command("upgrade", epilog="Example: buildwright db upgrade")
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Bring the schema up to date; every command that opens the database does so too."""

    async def nothing(_app: object) -> None:
        return None

    settings = settings_of(ctx)
    with_app(settings, nothing)
    click.echo(f"database {settings.home / 'buildwright.db'} is up to date")
