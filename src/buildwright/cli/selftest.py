"""`buildwright sandbox self-test`: hostile code against the boxes of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from buildwright.cli.common import plain, print_json, settings_of

if TYPE_CHECKING:
    from buildwright.sandbox.selftest import Result
    from buildwright.services.selftest import SelfTest

COLOURS = {"held": "green", "not held": "red", "unproven": "red"}
TITLE, LAYER = 44, 34


@click.command("self-test", epilog="Example: buildwright sandbox self-test --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def self_test(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click
    """Run hostile code on every backend and show what holds (about 20 seconds).

    Exit code 1 if a required threat does not hold on the backend that builds would use.
    """
    import asyncio

    from buildwright.services.selftest import as_rows, run_self_test

    test = asyncio.run(run_self_test(settings_of(ctx)))
    if as_json:
        print_json({"backend": test.backend, "holds": test.holds, "results": as_rows(test)})
    else:
        show(test)
    if not test.holds:
        ctx.exit(1)


def show(test: SelfTest) -> None:
    """Print the table and what it comes to."""
    click.echo(
        f"{'threat':<7}{'title':<{TITLE + 2}}{'backend':<12}{'result':<15}{'layer':<{LAYER + 2}}s"
    )
    for row in test.results:
        outcome = click.style(f"{row.outcome.value:<15}", fg=COLOURS.get(row.outcome.value))
        click.echo(
            f"{row.threat:<7}{_fit(row.title, TITLE)}  {row.backend:<12}{outcome}"
            f"{_fit(row.layer or '-', LAYER)}  {row.seconds:.2f}"
        )
    bad = [row for row in test.results if row.counts_against]
    for row in bad:
        click.echo(f"{row.threat} on {row.backend}: {plain(row.reason)}", err=True)
    click.echo(summary(test, bad))


def summary(test: SelfTest, bad: Sequence[Result]) -> str:
    """One line: what builds would use, and whether they may start."""
    held = sum(row.outcome.value == "held" for row in test.results)
    counted = f"{held} of {len(test.results)} held"
    if not test.backend:
        return f"{counted}; builds cannot start: {test.why_not or 'no backend holds here'}"
    others = sum(row.backend not in (test.backend, "host") for row in bad)
    more = f"; {others} not on the other backend" if others else ""
    answer = "builds may start" if test.holds else "builds cannot start"
    return f"{counted}; builds use {test.backend}: {answer}{more}"


def _fit(text: str, width: int) -> str:
    short = text if len(text) <= width else text[: width - 1] + "…"
    return f"{short:<{width}}"
