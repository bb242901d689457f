"""Progress of a build: a live table on a terminal, one line an event anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from buildwright.cli.common import plain
from buildwright.core.build import StageName

if TYPE_CHECKING:
    from rich.progress import TaskID

    from buildwright.core.events import Event, Listener

_WIDTH = 10


@contextmanager
def progress(*, silent: bool) -> Iterator[Listener]:
    """Yield a listener that shows events while the block runs; on standard error."""
    if silent:
        yield lambda event: None
    elif sys.stderr.isatty():
        with _live() as listener:
            yield listener
    else:
        yield _print_line


def line_of(event: Event) -> str:
    """Return an event as one line of text."""
    name = event.stage.value if event.stage else "build"
    what = event.kind.value.partition(".")[2]
    data = event.data
    detail = str(
        event.data.get("summary") or event.data.get("text") or event.data.get("reason", "")
    )
    seconds = data.get("seconds")
    took = f" ({seconds:.1f} s)" if isinstance(seconds, float) else ""
    return plain(f"{name:<{_WIDTH}} {what:<9} {detail}{took}".rstrip())


def _print_line(event: Event) -> None:
    click.echo(line_of(event), err=True)


@contextmanager
def _live() -> Iterator[Listener]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.text import Text

    class Seconds(ProgressColumn):
        """Elapsed time with a tenth of a second."""

        def render(self, task: Task) -> Text:
            spent = task.finished_time if task.finished else task.elapsed
            return Text(f"{spent or 0.0:5.1f} s", style="progress.elapsed")

    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.fields[stage]:<9}"),
        Seconds(),
        TextColumn("{task.description}"),
    )
    tasks: dict[StageName, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bar:

        def listen(event: Event) -> None:
            stage = event.stage
            if stage is None:
                return
            if stage not in tasks:
                tasks[stage] = bar.add_task("", stage=stage.value, total=1)
            text = str(event.data.get("summary") or event.data.get("text") or "")
            done = event.kind.value == "stage.done"
            bar.update(tasks[stage], description=escape(plain(text)), completed=int(done))

        yield listen
