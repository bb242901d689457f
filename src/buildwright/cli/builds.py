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
    found = with_app(settings_of(ctx), lambda app: app.builds.store.list(limit))
    if as_json:
        print_json([_row(build) for build in found])
        return
    if not found:
        click.echo('no builds yet; start with: buildwright build "..."')
    for build in found:
        state = build.outcome.value if build.outcome else build.status.value
        when = shown_time(build.created_at)
        click.echo(
            f"{build.id}  {when}  {state:<11}  {plain(build.name)}  {plain(build.request.out)}"
        )


@builds.command("show", epilog="Example: buildwright builds show 0abc --json")
@click.argument("build_id")
@as_json
@click.pass_context
def show(ctx: click.Context, build_id: str, as_json: bool) -> None:  # noqa: FBT001 - click
    """Show one build: outcome, items, tests, scores, times, cost."""

    async def work(app: App) -> tuple[Build, Report | None]:
        build = await app.builds.store.get(build_id)
        return build, await app.builds.report(build.id)

    show_result(*with_app(settings_of(ctx), work), as_json=as_json)


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
@as_json
@click.pass_context
def resume(ctx: click.Context, build_id: str, as_json: bool) -> int:  # noqa: FBT001 - click
    """Go on with a build from its first unfinished stage."""

    async def work(app: App) -> tuple[Build, Report | None]:
        build = await app.builds.store.get(build_id)
        done = await app.builds.resume(build.id)
        return done, await app.builds.report(done.id)

    with progress(silent=as_json) as listener:
        result = with_app(settings_of(ctx), work, (listener,))
    return show_result(*result, as_json=as_json)


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


def _row(build: Build) -> dict[str, Any]:
    return {
        "id": build.id,
        "name": build.name,
        "status": build.status.value,
        "outcome": build.outcome.value if build.outcome else None,
        "reason": build.reason,
        "out": build.request.out,
        "created_at": build.created_at,
        "updated_at": build.updated_at,
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
