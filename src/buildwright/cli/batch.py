"""`buildwright batch`: a file of prompts in, a file of answers out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from buildwright.cli.common import print_json, settings_of

if TYPE_CHECKING:
    from buildwright.core.settings import Settings
    from buildwright.services.batch_files import Prompts


@click.command(
    epilog="Example: buildwright batch prompts.jsonl -o results.jsonl --model ollama/qwen3"
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help="Answers (JSONL)."
)
@click.option("--model", default="", help="Model of the lines that name none.")
@click.option(
    "--max-concurrent", type=click.IntRange(1, 10_000), default=5, help="Calls at a time."
)
@click.option("--json", "as_json", is_flag=True, help="Print the sums as JSON.")
@click.pass_context
def batch(
    ctx: click.Context,
    file: Path,
    out: Path,
    model: str,
    max_concurrent: int,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Answer every line of FILE: {"prompt": "..."}, or OpenAI's batch format.

    Run the same command again after an interruption: finished lines are kept, and a call that was
    paid is not bought twice. Exit code 1 when a line failed.
    """
    from buildwright.services.batch_files import read_prompts

    settings = settings_of(ctx)
    prompts = read_prompts(file, model or (settings.model if settings.model != "none" else ""))
    sums = _run(settings, prompts, out, max_concurrent, quiet=as_json)
    if as_json:
        print_json(sums)
    else:
        click.echo(
            f"{sums['done']} answered, {sums['failed']} failed, {sums['kept']} kept from before, "
            f"{sums['cost_usd']:.6f} USD: {out}"
        )
    return 1 if sums["failed"] else 0


def _run(
    settings: Settings, prompts: Prompts, out: Path, max_concurrent: int, *, quiet: bool
) -> dict[str, float]:
    import asyncio

    return asyncio.run(_answered(settings, prompts, out, max_concurrent, quiet=quiet))


async def _answered(
    settings: Settings, prompts: Prompts, out: Path, max_concurrent: int, *, quiet: bool
) -> dict[str, float]:
    from buildwright.app.gateway import open_gateway_service
    from buildwright.core.settings import gateway_tree
    from buildwright.services import batch_files
    from buildwright.services.batch import Processor

    kept = batch_files.finished(out, prompts)
    sums = {"done": 0.0, "failed": 0.0, "kept": float(len(kept)), "cost_usd": 0.0}
    wanted = [(i, one) for i, one in enumerate(prompts.requests) if i not in kept]
    with batch_files.open_results(out) as handle, _bar(len(wanted), quiet=quiet) as step:
        async with open_gateway_service(gateway_tree(settings)) as service:
            processor = Processor(service.gateway, max_concurrent=max_concurrent)
            async for answer in processor.stream_places(wanted, prompts.batch_id):
                batch_files.write_result(handle, answer, prompts)
                sums["failed" if answer.status == "error" else "done"] += 1
                sums["cost_usd"] += answer.cost_usd
                step()
    batch_files.put_in_order(out)
    return {name: value if name == "cost_usd" else int(value) for name, value in sums.items()}


def _nothing() -> None:
    """Show nothing."""


@contextmanager
def _bar(total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Yield what is called after each answer: it moves a bar on a terminal, else does nothing."""
    if quiet or not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total)

        def step() -> None:
            progress.advance(task)

        yield step
