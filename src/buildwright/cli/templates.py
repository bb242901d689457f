"""`buildwright templates`: what can be built."""

from __future__ import annotations

import click

from buildwright.cli.common import print_json, settings_of


@click.group(epilog="Example: buildwright templates show rest-api")
def templates() -> None:
    """See the project templates. A template is a folder: settings key `templates` adds more."""


@templates.command("list", epilog="Example: buildwright templates list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_all(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click
    """List the templates."""
    from buildwright.services.templates import known_templates

    rows = known_templates(settings_of(ctx))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']}@{row['version']}  for {row['kind']}: {row['title']}")


@templates.command("show", epilog="Example: buildwright templates show cli-tool")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:  # noqa: FBT001 - click
    """Show a template: what it is for and what it asks."""
    from buildwright.services.templates import one_template

    row = one_template(settings_of(ctx), name)
    if as_json:
        print_json(row)
        return
    for key, value in row.items():
        click.echo(f"{key:<12} {value}")
