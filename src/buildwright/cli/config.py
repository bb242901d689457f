"""`buildwright config`: the settings."""

from __future__ import annotations

import json

import click

from buildwright.cli.common import print_json, settings_of


@click.group(epilog="Example: buildwright config show")
def config() -> None:
    """Show, check and describe the settings."""


@config.command("show", epilog="Example: buildwright config show")
@click.pass_context
def show(ctx: click.Context) -> None:
    """Print the settings in force, as JSON."""
    click.echo(settings_of(ctx).model_dump_json(indent=2))


@config.command("validate", epilog="Example: buildwright --config my.yaml config validate")
@click.pass_context
def validate(ctx: click.Context) -> None:
    """Check file and environment; exit 2 with the key and its nearest name when one is wrong."""
    from buildwright.services.models import check_models

    check_models(settings_of(ctx))
    click.echo("settings are valid")


@config.command("schema", epilog="Example: buildwright config schema > settings.schema.json")
def schema() -> None:
    """Print the JSON schema of the settings."""
    from buildwright.core.settings import Settings

    click.echo(json.dumps(Settings.model_json_schema(), indent=2))


@config.command("models", epilog="Example: buildwright config models")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def models(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001
    """List models, routes and providers, what they cost, and whether their key is set."""
    from dataclasses import asdict

    from buildwright.services.models import model_rows

    rows = model_rows(settings_of(ctx))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"{row.name:{width}}  {row.kind:9} {row.price:36} {row.note}")
