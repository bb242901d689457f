"""`buildwright cache`: the answers that a running server keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from buildwright.cli.books import tree_of, with_books
from buildwright.cli.common import plain, print_json

if TYPE_CHECKING:
    from buildwright.app.books import Books
    from buildwright.services.debugging import Miss

PATH = "/api/admin/cache"
AT_ONCE = 1 << 20
"""Bytes of lines that are sent to the server at a time."""

at = click.option("--url", default="", help="The server; default gateway.host and gateway.port.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(epilog="Example: buildwright cache stats")
def cache() -> None:
    """Look into, clear and fill the cache of a running server.

    Where API keys exist, BUILDWRIGHT_KEY has to hold one with the scope admin.
    """


@cache.command("stats", epilog="Example: buildwright cache stats --json")
@at
@as_json
@click.pass_context
def stats(ctx: click.Context, url: str, as_json: bool) -> None:  # noqa: FBT001 - click
    """Print size and hit rate."""
    from buildwright.services.admin_client import client_of

    told = client_of(tree_of(ctx), url).ask("GET", PATH)
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        shown = f"{value:.1%}" if name == "hit_rate" else f"{value}"
        click.echo(f"{name:<12} {plain(shown)}")


@cache.command("clear", epilog="Example: buildwright cache clear 'org:acme/*'")
@click.argument("pattern", default="*")
@at
@click.pass_context
def clear(ctx: click.Context, pattern: str, url: str) -> None:
    """Delete answers whose TENANT/MODEL or key matches PATTERN (`*` as a wildcard); default all."""
    from buildwright.services.admin_client import client_of

    told = client_of(tree_of(ctx), url).ask("DELETE", PATH, {"pattern": pattern})
    click.echo(f"{told['cleared']} answers deleted")


@cache.command("warm", epilog="Example: buildwright cache warm calls.jsonl --tenant org:acme")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant", default="", help="Whose cache: org:NAME or key:ID; default your own.")
@at
@as_json
@click.pass_context
def warm(ctx: click.Context, /, **given: Any) -> int:
    """Fill the cache from FILE: {"request": {...}, "answer": {...}} a line.

    `buildwright calls export` and `debug replay --json` write such lines. Exit code 1 when a line
    was refused.
    """
    from buildwright.services.admin_client import client_of

    client = client_of(tree_of(ctx), given["url"])
    query = {"tenant": given["tenant"]} if given["tenant"] else None
    sums: dict[str, Any] = {"kept": 0, "refused": 0, "reasons": []}
    for first, lines in _pieces(given["file"]):
        told = client.ask("POST", PATH, query, lines)
        sums["kept"] += told["kept"]
        sums["refused"] += told["refused"]
        sums["reasons"] += [_at(reason, first) for reason in told["reasons"]]
    if given["as_json"]:
        print_json(sums)
    else:
        click.echo(f"{sums['kept']} answers put into the cache, {sums['refused']} refused")
        for reason in sums["reasons"]:
            click.echo(plain(f"  {reason}"), err=True)
    return 1 if sums["refused"] else 0


@cache.command("why-miss", epilog="Example: buildwright cache why-miss 019b2c")
@click.argument("call_id")
@as_json
@click.pass_context
def why_miss(ctx: click.Context, call_id: str, as_json: bool) -> None:  # noqa: FBT001 - click
    """Tell which part of a call's request kept it from being answered from the cache.

    Needs the requests of both calls in the ledger: gateway.keep_bodies.
    """
    from dataclasses import asdict

    from buildwright.services.debugging import why_miss

    tree = tree_of(ctx)

    async def work(books: Books) -> Miss:
        return await why_miss(books.ledger, tree, call_id)

    miss = with_books(ctx, work)
    if as_json:
        print_json(asdict(miss))
    else:
        click.echo(plain(f"{miss.call_id}: {miss.text}"))


def _pieces(file: Path) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines, about AT_ONCE bytes at a time, with the number of lines before them."""
    held: list[bytes] = []
    size = first = 0
    with file.open("rb") as handle:
        for number, line in enumerate(handle):
            if held and size + len(line) > AT_ONCE:
                yield first, b"".join(held)
                held, size, first = [], 0, number
            held.append(line)
            size += len(line)
    if held:
        yield first, b"".join(held)


def _at(reason: str, first: int) -> str:
    """Return a reason with the line's number in the whole file."""
    word, number, text = reason.split(" ", 2)
    return f"{word} {int(number.rstrip(':')) + first}: {text}"
