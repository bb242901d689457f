"""`buildwright`: a lazy group, and the door where errors become messages and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from buildwright import __version__
from buildwright.core.errors import BuildwrightError

COMMANDS: dict[str, tuple[str, str]] = {
    "build": ("buildwright.cli.build:build", "Turn a requirement into a tested project."),
    "builds": ("buildwright.cli.builds:builds", "List, show, resume, cancel and export builds."),
    "templates": ("buildwright.cli.templates:templates", "See what can be built."),
    "config": ("buildwright.cli.config:config", "Show, check and describe the settings."),
    "sandbox": ("buildwright.cli.sandbox:sandbox", "See how foreign code is kept in."),
    "batch": ("buildwright.cli.batch:batch", "Answer a file of prompts, some at a time."),
    "serve": ("buildwright.cli.serve:serve", "Serve the gateway to every model."),
    "keys": ("buildwright.cli.keys:keys", "Make, list and end API keys of the gateway."),
    "budgets": ("buildwright.cli.budgets:budgets", "Cap what calls may cost; see what they did."),
    "calls": ("buildwright.cli.calls:calls", "List, show, settle and export model calls."),
    "cache": ("buildwright.cli.cache:cache", "Look into the cache of a running server."),
    "debug": ("buildwright.cli.debug:debug", "Replay calls; compare token counts."),
    "db": ("buildwright.cli.db:db", "Look after the database."),
}


class LazyGroup(click.Group):
    """Loads a command's module when it is called, so that help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for a misspelt one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from buildwright.core.errors import UnknownNameError

            raise UnknownNameError("command", args[0], COMMANDS, next_step="buildwright --help")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    epilog='Example: buildwright build "A REST API that tracks books with title and author"',
)
@click.option("--config", "config", type=click.Path(path_type=Path), help="Settings file (YAML).")
@click.option("--home", type=click.Path(path_type=Path), help="Where Buildwright keeps its data.")
@click.version_option(__version__, prog_name="buildwright")
@click.pass_context
def main(ctx: click.Context, config: Path | None, home: Path | None) -> None:
    """Turn a written requirement into a designed, generated and tested project.

    Without a key, a server or a broker: everything runs on this machine.
    """
    ctx.obj = {"config": config, "home": home.absolute() if home else None}


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(exit_code_of(arguments))


def exit_code_of(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; nothing but a message reaches the user."""
    try:
        result: Any = main(arguments, prog_name="buildwright", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BuildwrightError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except Exception:  # noqa: BLE001 - one of the four named places: the door
        return _unexpected()


def _unexpected() -> int:
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="buildwright-error-", suffix=".txt")
    with os.fdopen(descriptor, "w") as handle:
        handle.write(f"buildwright {__version__}, python {sys.version}\n{traceback.format_exc()}")
    kind = sys.exc_info()[0]
    click.echo(f"error: unexpected {kind.__name__ if kind else 'failure'}, our fault", err=True)
    click.echo(f"  next: details are in {path}; builds can be resumed", err=True)
    return 3
