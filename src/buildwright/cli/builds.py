"""`buildwright builds`: what was built, and going on with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from buildwright.cli.common import plain, print_json, settings_of, shown_time, with_app
from buildwright.cli.progress import line_of, progress
from buildwright.cli.prompts import print_prompts
from buildwright.cli.result import show_result

if TYPE_CHECKING:
    from buildwright.app import App
    from buildwright.core.build import Build
    from buildwright.core.events import Event
    from buildwright.core.ledger import Budget, Spend
    from buildwright.core.report import Report

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(epilog="Example: buildwright builds list --json")
def builds() -> None:
    """List, show, resume, cancel and export builds. IDs may be shortened while unique."""


@builds.command("list", epilog="Example: buildwright builds list --limit 5")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@as_json
@click.pass_context
def list_builds(ctx: click.Context, limit: int, as_json: bool) -> None:  # noqa: FBT001 - click
    """List the newest builds first."""
    from buildwright.services.calls import build_costs

    async def work(app: App) -> tuple[tuple[Build, ...], dict[str, Spend]]:
        return await app.builds.store.list(limit), await build_costs(app.ledger)

    found, costs = with_app(settings_of(ctx), work)
    if as_json:
        print_json([_row(build, costs.get(build.id)) for build in found])
        return
    if not found:
        click.echo('no builds yet; start with: buildwright build "..."')
    for build in found:
        state = build.outcome.value if build.outcome else build.status.value
        when = shown_time(build.created_at)
        click.echo(
            f"{build.id}  {when}  {state:<11}  {_usd(costs.get(build.id)):>10} USD  "
            f"{plain(build.name)}  {plain(build.request.out)}"
        )


@builds.command("show", epilog="Example: buildwright builds show 0abc --json")
@click.argument("build_id")
@as_json
@click.pass_context
def show(ctx: click.Context, build_id: str, as_json: bool) -> None:  # noqa: FBT001 - click
    """Show one build: outcome, items, tests, scores, times, cost."""

    from buildwright.services.calls import build_costs, caps_of

    async def work(app: App) -> tuple[Build, Report | None, Spend | None, tuple[Budget, ...]]:
        build = await app.builds.store.get(build_id)
        spend = (await build_costs(app.ledger)).get(build.id)
        caps = await caps_of(app.ledger, build.id)
        return build, await app.builds.report(build.id), spend, caps

    build, report, spend, caps = with_app(settings_of(ctx), work)
    show_result(build, report, as_json=as_json, caps=caps)
    if not as_json and spend is not None:
        click.echo(_calls_line(spend))


@builds.command("logs", epilog="Example: buildwright builds logs 0abc")
@click.argument("build_id")
@click.option("--prompts", is_flag=True, help="What a model was sent, and what it answered.")
@as_json
@click.pass_context
def logs(
    ctx: click.Context,
    build_id: str,
    prompts: bool,  # noqa: FBT001 - click
    as_json: bool,  # noqa: FBT001 - click
) -> None:
    """Print the events of a build, oldest first."""
    if prompts:
        print_prompts(settings_of(ctx), build_id, as_json=as_json)
        return

    async def work(app: App) -> tuple[Event, ...]:
        build = await app.builds.store.get(build_id)
        return await app.builds.store.events(build.id)

    for event in with_app(settings_of(ctx), work):
        if as_json:
            _print_event(event)
        else:
            click.echo(f"{event.seq:>4}  {shown_time(event.at)}  {line_of(event)}")


@builds.command("resume", epilog="Example: buildwright builds resume 0abc")
@click.argument("build_id")
@click.option(
    "--max-usd",
    type=click.FloatRange(min=0),
    help="A new cap, else it stays as it is; a build that is over budget needs one.",
)
@as_json
@click.pass_context
def resume(
    ctx: click.Context,
    build_id: str,
    max_usd: float | None,
    as_json: bool,  # noqa: FBT001 - click
) -> int:
    """Go on with a build from its first unfinished stage, or with more money."""
    from buildwright.services.calls import caps_of

    settings = settings_of(ctx, {} if max_usd is None else {"agent": {"max_usd": max_usd}})

    async def work(app: App) -> tuple[Build, Report | None, tuple[Budget, ...]]:
        build = await app.builds.store.get(build_id)
        done = await app.builds.resume(build.id, max_usd=max_usd)
        return done, await app.builds.report(done.id), await caps_of(app.ledger, done.id)

    with progress(silent=as_json) as listener:
        done, report, caps = with_app(settings, work, (listener,))
    return show_result(done, report, as_json=as_json, caps=caps)


@builds.command("cancel", epilog="Example: buildwright builds cancel 0abc")
@click.argument("build_id")
@click.pass_context
def cancel(ctx: click.Context, build_id: str) -> None:
    """Stop a build; it can be resumed later."""

    async def work(app: App) -> Build:
        build = await app.builds.store.get(build_id)
        return await app.builds.cancel(build.id)

    build = with_app(settings_of(ctx), work)
    if build.outcome is None:
        click.echo(f"asked the process that runs build {build.id} to stop")
    else:
        click.echo(
            f"build {build.id} is cancelled; go on with: buildwright builds resume {build.id}"
        )


@builds.command("export", epilog="Example: buildwright builds export 0abc --out ./copy")
@click.argument("build_id")
@click.option(
    "--out",
    "-o",
    required=True,
    type=click.Path(path_type=Path),
    help="New or empty folder for the project.",
)
@click.pass_context
def export(ctx: click.Context, build_id: str, out: Path) -> None:
    """Write the project of a build, as far as it has come, to another folder."""

    folder = out.absolute()

    async def work(app: App) -> Path:
        build = await app.builds.store.get(build_id)
        return await app.builds.export(build.id, folder)

    click.echo(f"exported to {with_app(settings_of(ctx), work)}")


def _usd(spend: Spend | None) -> str:
    from buildwright.core.ledger import NANO

    return f"{(spend.cost_nano + spend.uncertain_nano) / NANO if spend else 0.0:.4f}"


def _calls_line(spend: Spend) -> str:
    from buildwright.core.ledger import NANO

    usage = spend.usage
    doubt = f", {spend.in_doubt_nano / NANO:.4f} USD in doubt" if spend.in_doubt_nano else ""
    return (
        f"\nmodel calls: {spend.calls}, {usage.input} tokens in ({usage.cache_read} cached), "
        f"{usage.output + usage.reasoning} out, {_usd(spend)} USD{doubt}"
    )


def _row(build: Build, spend: Spend | None) -> dict[str, Any]:
    from buildwright.core.ledger import usd

    return {
        "id": build.id,
        "name": build.name,
        "status": build.status.value,
        "outcome": build.outcome.value if build.outcome else None,
        "reason": build.reason,
        "out": build.request.out,
        "created_at": build.created_at,
        "updated_at": build.updated_at,
        "model_calls": spend.calls if spend else 0,
        "cost_usd": usd(spend.cost_nano + spend.uncertain_nano if spend else 0),
        "in_doubt_usd": usd(spend.in_doubt_nano if spend else 0),
    }


def _print_event(event: Event) -> None:
    import json

    row = {
        "build_id": event.build_id,
        "seq": event.seq,
        "at": event.at,
        "kind": event.kind.value,
        "stage": event.stage.value if event.stage else None,
        "attempt": event.attempt,
        "data": dict(event.data),
    }
    click.echo(json.dumps(row, ensure_ascii=False))
