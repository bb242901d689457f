"""`buildwright keys`: who may use the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from buildwright.cli.books import print_table, with_books
from buildwright.cli.common import plain, print_json, shown_time

if TYPE_CHECKING:
    from buildwright.app.books import Books
    from buildwright.core.keys import ApiKey

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(epilog="Example: buildwright keys create my-laptop")
def keys() -> None:
    """Make, list and end API keys of the gateway."""


@keys.command("create", epilog="Example: buildwright keys create ci --models 'ollama/*' --rpm 60")
@click.argument("name")
@click.option("--org", default="", help="Organisation; its keys share a cache and a budget.")
@click.option("--user", default="", help="User whose budget it counts against.")
@click.option("--models", default="", help="Models it is for, e.g. gpt-4o,ollama/*; default all.")
@click.option("--rpm", type=int, help="Requests a minute, at most.")
@click.option("--tpm", type=int, help="Tokens a minute, at most.")
@click.option("--expires", default="", metavar="SPAN", help="Ends after e.g. 30d.")
@click.option("--scope", multiple=True, default=("gateway",), help="gateway (default), admin.")
@as_json
@click.pass_context
def create(ctx: click.Context, /, **given: Any) -> None:
    """Make a key and print it: once, it is not stored."""
    from buildwright.services.keys import KeyWish, create_key

    models = given["models"]
    wish = KeyWish(
        name=given["name"],
        org=given["org"],
        user=given["user"],
        models=tuple(one.strip() for one in models.split(",")) if models else (),
        requests_per_minute=given["rpm"],
        tokens_per_minute=given["tpm"],
        expires=given["expires"],
        scopes=given["scope"],
    )

    async def work(books: Books) -> tuple[ApiKey, str]:
        return create_key(books.keys, wish, books.now())

    _tell(*with_books(ctx, work), as_json=given["as_json"])


@keys.command("list", epilog="Example: buildwright keys list --json")
@as_json
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click
    """List all keys, ended ones too; of the key itself only the last four characters."""
    from buildwright.services.keys import key_row

    async def work(books: Books) -> list[Any]:
        return [key_row(key, books.now()) for key in books.keys.list()]

    rows = with_books(ctx, work)
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo("no keys yet; make one with: buildwright keys create NAME")
    else:
        head = ("id", "name", "ends in", "state", "for", "scopes", "models", "until", "last used")
        print_table(head, [_cells(row) for row in rows])


@keys.command("revoke", epilog="Example: buildwright keys revoke my-laptop")
@click.argument("name")
@click.pass_context
def revoke(ctx: click.Context, name: str) -> None:
    """End a key now, by name or id. A running server refuses it within a second."""

    async def work(books: Books) -> ApiKey:
        return books.keys.revoke(name)

    key = with_books(ctx, work)
    click.echo(f"key {plain(key.name)} ({key.id}) is revoked")


@keys.command("rotate", epilog="Example: buildwright keys rotate my-laptop --overlap 1h")
@click.argument("name")
@click.option("--overlap", default="1h", show_default=True, help="How long the old one works on.")
@as_json
@click.pass_context
def rotate(ctx: click.Context, name: str, overlap: str, as_json: bool) -> None:  # noqa: FBT001
    """Give a key a new text; id, limits and budget stay."""
    from buildwright.services.keys import rotate_key

    async def work(books: Books) -> tuple[ApiKey, str]:
        return rotate_key(books.keys, name, overlap)

    _tell(*with_books(ctx, work), as_json=as_json)
    if not as_json:
        click.echo(f"the old one works for {overlap} more", err=True)


def _tell(key: ApiKey, plaintext: str, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json({**asdict(key), "key": plaintext})
        return
    click.echo(plaintext)
    click.echo(f"key {plain(key.name)} ({key.id}): shown this once, keep it safe", err=True)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    whose = " ".join(f"{kind}:{row[kind]}" for kind in ("org", "user") if row[kind])
    times = [shown_time(row[at]) if row[at] else "-" for at in ("expires_at", "last_used_at")]
    listed = [",".join(row[name]) or "all" for name in ("scopes", "models")]
    first = (row["id"], row["name"], f"...{row['tail']}", row["state"], whose or "-")
    return (*first, *listed, *times)
