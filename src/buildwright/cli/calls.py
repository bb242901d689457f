"""`buildwright calls`: the rows of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from buildwright.cli.books import print_table, with_books
from buildwright.cli.common import plain, print_json, shown_time
from buildwright.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildwright.app.books import Books
    from buildwright.core.ledger import LedgerRow
    from buildwright.services.ledger_rows import Settled

STATUS = click.Choice(["intent", "sent", "done", "failed", "in_doubt"])
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(epilog="Example: buildwright calls list --status in_doubt")
def calls() -> None:
    """List, show, settle and export model calls. IDs may be shortened while unique."""


@calls.command("list", epilog="Example: buildwright calls list --since 24h --scope org:local")
@click.option("--status", type=STATUS, multiple=True, help="Only these.")
@click.option("--scope", default="", help="Only of this budget scope, e.g. build:0abc.")
@click.option("--since", default="", metavar="SPAN", help="E.g. 24h, 7d, 2026-11-20.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True)
@as_json
@click.pass_context
def list_calls(ctx: click.Context, /, **given: Any) -> None:
    """List the newest calls first."""
    from buildwright.services.ledger_rows import call_row

    rows = with_books(ctx, lambda books: _found(books, given))
    if given["as_json"]:
        print_json([call_row(row) for row in rows])
    else:
        print_calls(rows)


@calls.command("show", epilog="Example: buildwright calls show 019b2c")
@click.argument("call_id")
@as_json
@click.pass_context
def show(ctx: click.Context, call_id: str, as_json: bool) -> None:  # noqa: FBT001 - click
    """Show one call: usage, price version, cost, attempts, and its bodies if they were kept."""
    from buildwright.services.ledger_rows import KEEP, call_details, find_call

    async def work(books: Books) -> LedgerRow:
        return await find_call(books.ledger, call_id)

    details = call_details(with_books(ctx, work))
    if as_json:
        print_json(details)
        return
    bodies = {name: details.pop(name, None) for name in ("request", "answer")}
    for name, value in details.items():
        click.echo(f"{name:<14} {plain(_shown(name, value))}")
    for name, body in bodies.items():
        click.secho(f"\n{name}", bold=True)
        click.echo(plain(_pretty(body)) if body is not None else f"not kept; {KEEP}")


@calls.command("settle", epilog="Example: buildwright calls settle 019b2c --usd 0.012")
@click.argument("call_id")
@click.option("--usd", help="What the provider's bill says it cost.")
@click.option("--failed", is_flag=True, help="It never reached the provider: it cost nothing.")
@click.pass_context
def settle(ctx: click.Context, call_id: str, usd: str | None, failed: bool) -> None:  # noqa: FBT001
    """Decide what a call in doubt cost; until then its bound stays held."""
    from buildwright.core.ledger import usd as shown_usd
    from buildwright.services.budgets import money_of
    from buildwright.services.ledger_rows import cost_nano, settle_by_hand

    if (usd is None) != failed:
        raise UsageError("give either --usd AMOUNT or --failed", next_step="see --help")
    nano = None if usd is None else money_of(usd)

    async def work(books: Books) -> Settled:
        return await settle_by_hand(books.ledger, call_id, nano, books.now())

    done = with_books(ctx, work)
    click.echo(
        f"call {done.row.intent.id} is {done.row.status}: {shown_usd(done.held_nano)} USD were "
        f"held, {shown_usd(cost_nano(done.row))} USD are spent"
    )
    if done.row.over_bound:
        click.echo("that is more than was held for it: its budgets may be over their cap", err=True)


@calls.command("export", epilog="Example: buildwright calls export --since 7d -o calls.jsonl")
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--scope", default="", help="Only of this budget scope.")
@click.option("--since", default="", metavar="SPAN", help="E.g. 24h, 7d, 2026-11-20.")
@click.pass_context
def export(ctx: click.Context, out: Path, scope: str, since: str) -> None:
    """Write requests and answers that were kept, a JSON object a line, for `cache warm`."""
    import json

    from buildwright.core.errors import DiskError
    from buildwright.services.ledger_rows import KEEP, exported

    given = {"status": ("done",), "scope": scope, "since": since, "limit": 1_000_000}
    rows = with_books(ctx, lambda books: _found(books, given))
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in exported(rows)]
    try:
        out.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise DiskError(f"{str(out)!r} cannot be written: {error.strerror}") from error
    click.echo(f"{len(lines)} of {len(rows)} finished calls written to {out}")
    if len(lines) < len(rows):
        click.echo(f"the bodies of the others were not kept; {KEEP}", err=True)


def print_calls(rows: Sequence[LedgerRow]) -> None:
    """Print calls as a table."""
    from buildwright.services.ledger_rows import call_row

    if not rows:
        click.echo("no calls")
        return
    head = ("id", "when", "status", "model", "USD", "held", "scopes", "error")
    print_table(head, [_cells(call_row(row)) for row in rows])


async def _found(books: Books, given: dict[str, Any]) -> Sequence[LedgerRow]:
    from buildwright.core.ledger import CallFilter
    from buildwright.services.budgets import Budgets
    from buildwright.services.durations import moment_of

    scope = given["scope"] and Budgets(books.ledger, books.keys).scope(given["scope"])
    since = moment_of(given["since"], "--since", books.now())
    wanted = CallFilter(given["status"], scope=scope, since=since, limit=given["limit"])
    return await books.ledger.calls(wanted)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["id"],
        shown_time(row["at"]),
        row["status"],
        row["model"],
        row["cost_usd"],
        row["held_usd"],
        ",".join(row["scopes"]),
        row["error"][:60],
    )


def _shown(name: str, value: Any) -> str:
    if name in ("at", "settled_at"):
        return shown_time(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items() if inner is not None)
    return ", ".join(value) if isinstance(value, list) else str(value)


def _pretty(body: Any) -> str:
    import json

    return body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
