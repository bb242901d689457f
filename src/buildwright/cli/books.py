"""What the commands around money and keys share: the books, opened; and plain tables."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from buildwright.cli.common import plain

if TYPE_CHECKING:
    from buildwright.app.books import Books
    from buildwright.core.gateway_settings import GatewayTree

T = TypeVar("T")


def tree_of(ctx: click.Context) -> GatewayTree:
    """Return the gateway's settings for a command."""
    from buildwright import __version__
    from buildwright.core.quick_settings import load_gateway_tree

    home = ctx.obj.get("home")
    flags = {"home": home} if home else {}
    return load_gateway_tree(flags, config=ctx.obj.get("config"), version=__version__)


def with_books(ctx: click.Context, work: Callable[[Books], Coroutine[Any, Any, T]]) -> T:
    """Open ledger and keys, run the work and close them."""
    import asyncio

    from buildwright.app.books import open_books

    home = tree_of(ctx).home

    async def whole() -> T:
        async with open_books(home) as books:
            return await work(books)

    return asyncio.run(whole())


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as they need; numbers (`1.5`) to the right."""
    shown = [[plain(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(head, *shown, strict=True)]
    titles = [f"{title:<{width}}" for title, width in zip(head, widths, strict=True)]
    click.secho("  ".join(titles).rstrip(), bold=True)
    for row in shown:
        cells = [
            f"{cell:>{width}}" if _number(cell) else f"{cell:<{width}}"
            for cell, width in zip(row, widths, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def _number(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "").isdecimal()
