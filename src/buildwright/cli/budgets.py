"""`buildwright budgets`: caps on money, and where it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from buildwright.cli.books import print_table, with_books
from buildwright.cli.calls import print_calls
from buildwright.cli.common import print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildwright.app.books import Books
    from buildwright.core.ledger import Budget, Spend
    from buildwright.services.budgets import BudgetView

PERIODS = click.Choice(["total", "day", "month"])
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(epilog="Example: buildwright budgets set org:local --usd 20 --period month")
def budgets() -> None:
    """Cap what calls may cost, and see what they did.

    SCOPE is org:NAME, user:NAME, key:NAME, build:ID or stage:BUILD/STAGE. Builds and calls without
    a key count against org:local.
    """


@budgets.command("set", epilog="Example: buildwright budgets set key:ci --usd 5 --period day")
@click.argument("scope")
@click.option("--usd", required=True, help="US dollars, at most.")
@click.option("--period", type=PERIODS, default="total", show_default=True)
@as_json
@click.pass_context
def set_budget(ctx: click.Context, /, **given: Any) -> None:
    """Set or change a cap; what the scope has spent counts. Days and months are in UTC."""
    from buildwright.services.budgets import Budgets, budget_row

    async def work(books: Books) -> Budget:
        caps = Budgets(books.ledger, books.keys)
        return await caps.set(given["scope"], given["usd"], given["period"])

    done = budget_row(with_books(ctx, work))
    if given["as_json"]:
        print_json(done)
    else:
        click.echo(
            f"{done['scope']} may cost {done['cap_usd']} USD ({done['period']}); "
            f"{done['left_usd']} left"
        )


@budgets.command("list", epilog="Example: buildwright budgets list --json")
@as_json
@click.pass_context
def list_budgets(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click
    """List all caps with what is spent, held by calls on their way, and left."""
    from buildwright.services.budgets import Budgets, budget_row

    async def work(books: Books) -> tuple[Sequence[Budget], dict[str, str]]:
        caps = Budgets(books.ledger, books.keys)
        return await caps.list(), caps.known_names()

    found, names = with_books(ctx, work)
    if as_json:
        print_json([budget_row(one) for one in found])
    elif not found:
        click.echo("no budgets yet; set one with: buildwright budgets set org:local --usd 20")
    else:
        _print_budgets(found, names)


@budgets.command("show", epilog="Example: buildwright budgets show org:local")
@click.argument("scope")
@as_json
@click.pass_context
def show(ctx: click.Context, scope: str, as_json: bool) -> None:  # noqa: FBT001 - click
    """Show the caps of a scope, its latest calls, and those whose fate is unknown."""
    from buildwright.services.budgets import Budgets, budget_row
    from buildwright.services.ledger_rows import call_row

    async def work(books: Books) -> BudgetView:
        return await Budgets(books.ledger, books.keys).show(scope)

    view = with_books(ctx, work)
    if as_json:
        print_json(
            {
                "scope": view.scope,
                "budgets": [budget_row(one) for one in view.budgets],
                "latest": [call_row(row) for row in view.latest],
                "in_doubt": [call_row(row) for row in view.in_doubt],
            }
        )
        return
    if view.budgets:
        _print_budgets(view.budgets, {})
    else:
        click.echo(f"{view.scope} has no cap")
    click.echo("\nlatest calls:")
    print_calls(view.latest)
    if view.in_doubt:
        click.echo("\nin doubt (settle with: buildwright calls settle ID --usd X | --failed):")
        print_calls(view.in_doubt)


@budgets.command("remove", epilog="Example: buildwright budgets remove key:ci")
@click.argument("scope")
@click.option("--period", type=PERIODS, help="Only this one; default all of the scope.")
@click.pass_context
def remove(ctx: click.Context, scope: str, period: Any) -> None:
    """Remove a cap."""
    from buildwright.services.budgets import Budgets

    async def work(books: Books) -> tuple[Budget, ...]:
        return await Budgets(books.ledger, books.keys).remove(scope, period)

    for gone in with_books(ctx, work):
        click.echo(f"{gone.scope} has no {gone.period} cap any more")


@budgets.command("spend", epilog="Example: buildwright budgets spend --by day --since 7d")
@click.option("--by", type=click.Choice(["model", "scope", "day"]), default="model")
@click.option("--since", default="", metavar="SPAN", help="E.g. 24h, 7d, 2026-11-20; default all.")
@click.option("--scope", default="", help="Only calls of this scope.")
@as_json
@click.pass_context
def spend(ctx: click.Context, /, **given: Any) -> None:
    """Sum up what calls cost."""
    from buildwright.services.budgets import Budgets, spend_row
    from buildwright.services.durations import moment_of

    async def work(books: Books) -> Sequence[Spend]:
        since = moment_of(given["since"], "--since", books.now())
        caps = Budgets(books.ledger, books.keys)
        return await caps.spend(given["by"], since, given["scope"])

    rows = [spend_row(one) for one in with_books(ctx, work)]
    if given["as_json"]:
        print_json(rows)
    elif not rows:
        click.echo("no calls in that time")
    else:
        head = (given["by"], "calls", "tokens in", "cached", "tokens out", "USD", "uncertain",
                "in doubt")  # fmt: skip
        print_table(head, [[str(value) for value in row.values()] for row in rows])


def _print_budgets(found: Sequence[Budget], names: dict[str, str]) -> None:
    from buildwright.services.budgets import budget_row

    rows = []
    for row in map(budget_row, found):
        name = names.get(row["scope"])
        shown = f"{row['scope']} ({name})" if name else row["scope"]
        rows.append((shown, *list(row.values())[1:]))
    print_table(("scope", "period", "window", "cap USD", "spent", "held", "left"), rows)
