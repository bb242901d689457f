"""`buildwright sandbox`: how foreign code is kept in."""

from __future__ import annotations

import click

from buildwright.cli.common import print_json, settings_of
from buildwright.cli.selftest import self_test


@click.group(epilog="Example: buildwright sandbox status")
def sandbox() -> None:
    """See how foreign code is kept in on this machine."""


@sandbox.command("status", epilog="Example: buildwright sandbox status --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click
    """Prove the backend that builds would use, and list the layers that hold."""
    import asyncio

    from buildwright.services.sandboxes import proven_sandbox

    name, layers = asyncio.run(proven_sandbox(settings_of(ctx)))
    if as_json:
        print_json({"backend": name, "layers": list(layers)})
        return
    click.echo(f"backend  {name}")
    click.echo(f"layers   {', '.join(layers)}")


sandbox.add_command(self_test)
