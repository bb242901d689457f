"""`buildwright debug`: what was said to a model, and how well we count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from buildwright.cli.books import print_table, tree_of, with_books
from buildwright.cli.common import plain, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from buildwright.app.books import Books
    from buildwright.core.ledger import LedgerRow
    from buildwright.services.debugging import LiveAnswer

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(epilog="Example: buildwright debug replay 019b2c")
def debug() -> None:
    """Replay calls, and compare our token counts with the providers'."""


@debug.command("replay", epilog="Example: buildwright debug replay 019b2c --live")
@click.argument("call_id")
@click.option("--live", is_flag=True, help="Send the request again, show what is different.")
@as_json
@click.pass_context
def replay(ctx: click.Context, call_id: str, live: bool, as_json: bool) -> None:  # noqa: FBT001
    """Print a call's request and answer from the ledger; --live sends it again and costs money.

    --json prints one line that `cache warm` reads.
    """
    if live:
        _replay_live(ctx, call_id, as_json=as_json)
        return
    row = with_books(ctx, lambda books: _row(books, call_id))
    if as_json:
        _print_line(row)
    else:
        _print_transcript(row)


@debug.command("tokens", epilog="Example: buildwright debug tokens --since 7d")
@click.argument("call_id", required=False)
@click.option("--since", default="", metavar="SPAN", help="E.g. 24h, 7d, 2026-11-20; default all.")
@as_json
@click.pass_context
def tokens(ctx: click.Context, call_id: str | None, since: str, as_json: bool) -> None:  # noqa: FBT001
    """Compare our estimate of input tokens with what providers reported, per model.

    1.00 is exact; above 1 more was reserved than needed, below 1 less.
    """
    from dataclasses import asdict

    from buildwright.services.debugging import token_checks
    from buildwright.services.ledger_rows import KEEP

    found = token_checks(with_books(ctx, lambda books: _rows(books, call_id, since)))
    if as_json:
        print_json([asdict(one) for one in found])
    elif not found:
        click.echo(f"no call has both its request and a reported usage kept; {KEEP}")
    else:
        head = ("model", "calls", "mean", "p5", "p95")
        rows = [
            (r.model, str(r.calls), *(f"{n:.2f}" for n in (r.mean, r.p5, r.p95))) for r in found
        ]
        print_table(head, rows)


async def _row(books: Books, call_id: str) -> LedgerRow:
    from buildwright.services.ledger_rows import find_call

    return await find_call(books.ledger, call_id)


async def _rows(books: Books, call_id: str | None, since: str) -> Sequence[LedgerRow]:
    from buildwright.core.ledger import CallFilter
    from buildwright.services.durations import moment_of

    if call_id:
        return [await _row(books, call_id)]
    moment = moment_of(since, "--since", books.now())
    return await books.ledger.calls(CallFilter(("done",), since=moment, limit=100_000))


def _replay_live(ctx: click.Context, call_id: str, *, as_json: bool) -> None:
    import asyncio
    from dataclasses import asdict

    from buildwright.app.gateway import open_gateway_service
    from buildwright.core.ledger import usd
    from buildwright.services.debugging import ask_again
    from buildwright.services.ledger_rows import find_call

    tree = tree_of(ctx)

    async def whole() -> LiveAnswer:
        async with open_gateway_service(tree) as service:
            row = await find_call(service.ledger, call_id)
            return await ask_again(service.gateway, row)

    live = asyncio.run(whole())
    if as_json:
        print_json({**asdict(live), "cost_usd": usd(live.cost_nano)})
        return
    for line in live.diff:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        click.secho(plain(line), fg=colour)
    if not live.diff:
        click.echo("the answer is the same")
    click.echo(f"{plain(live.model)}: {usd(live.cost_nano)} USD", err=True)


def _print_line(row: LedgerRow) -> None:
    import json

    from buildwright.services.debugging import body_of
    from buildwright.services.ledger_rows import json_of

    answer = json_of(row.settlement.answer if row.settlement else None)
    line = {"wire": row.intent.wire, "request": body_of(row), "answer": answer}
    click.echo(json.dumps(line, ensure_ascii=False))


def _print_transcript(row: LedgerRow) -> None:
    from buildwright.core.ledger import usd
    from buildwright.services.debugging import answer_text, body_of
    from buildwright.services.ledger_rows import KEEP, cost_nano, model_of

    body = body_of(row)
    cost = usd(cost_nano(row))
    click.secho(plain(f"{row.intent.id}  {model_of(row)}  {row.status}  {cost} USD"), bold=True)
    for message in _messages(body):
        click.secho(f"--- {plain(str(message.get('role', '?')))}", fg="cyan")
        click.echo(plain(_said(message)))
    click.secho("--- answer", fg="green")
    answer = row.settlement.answer if row.settlement else None
    if answer is not None:
        click.echo(plain(answer_text(answer)))
    elif row.status == "done":
        click.echo(f"not kept; {KEEP}")
    else:
        click.echo(plain((row.settlement and row.settlement.error) or "none so far"))


def _messages(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "messages" not in body:
        return [{"role": "input", "content": body.get("input")}]
    system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    return [*system, *body["messages"]]


def _said(message: Mapping[str, Any]) -> str:
    import json

    content = message.get("content")
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    calls = message.get("tool_calls") or ()
    tools = [f"[{c['function']['name']}] {c['function'].get('arguments', '')}" for c in calls]
    return "\n".join([*([text] if content else []), *tools])
