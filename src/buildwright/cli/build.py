"""`buildwright build`: the main job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from buildwright.cli.common import settings_of, with_app
from buildwright.cli.progress import progress
from buildwright.cli.result import show_result
from buildwright.core.errors import RequirementError, UsageError

if TYPE_CHECKING:
    from buildwright.app import App
    from buildwright.core.build import Build
    from buildwright.core.ledger import Budget
    from buildwright.core.report import Report

MAX_READ = 2 << 20
"""Bytes read of a requirement; the limit of the settings is far below."""


@click.command(
    epilog='Example: buildwright build "A REST API that tracks books with title, author and year"'
)
@click.argument("requirement", required=False)
@click.option(
    "--file",
    "-f",
    "file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read the requirement from a file, or from - (standard input).",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder for the project: new or empty. Default: ./NAME.",
)
@click.option("--template", "-t", help="Use this template instead of choosing one.")
@click.option("--model", help="Model for the stages; none builds by rules.")
@click.option(
    "--tests",
    "tests",
    type=click.Path(path_type=Path),
    help="Acceptance tests of your own: a folder; they are locked and decide.",
)
@click.option(
    "--into",
    "into",
    type=click.Path(path_type=Path),
    help="Work on the project in this folder, in place, instead of making one.",
)
@click.option(
    "--scope", multiple=True, metavar="GLOB", help="With --into: what may change, e.g. 'src/**'."
)
@click.option("--max-usd", type=click.FloatRange(min=0), help="US dollars the build may cost.")
@click.option(
    "--answer",
    "-a",
    "answers",
    multiple=True,
    metavar="KEY=VALUE",
    help="Answer a question of the template, e.g. license=Apache-2.0.",
)
@click.option(
    "--answers",
    "answers_file",
    type=click.Path(path_type=Path),
    help="Answers from a file, as in .buildwright/answers.yaml of an earlier build.",
)
@click.option(
    "--sandbox",
    "backend",
    type=click.Choice(["auto", "bubblewrap", "sandlock"]),
    help="How the generated code is kept in while it is tested.",
)
@click.option(
    "--unsafe",
    is_flag=True,
    help="Run the generated tests without isolation. Printed on every result.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write every model call to files in this folder.",
)
@click.option(
    "--replay",
    type=click.Path(path_type=Path, file_okay=False),
    help="Take the model's answers from such a folder: nothing is sent.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, no progress.")
@click.option("--quiet", "-q", is_flag=True, help="Print the summary only.")
@click.pass_context
def build(ctx: click.Context, /, **given: Any) -> int:
    """Turn REQUIREMENT into a tested project.

    Exit codes: 0 passed or partial, 1 failed, 2 usage, 3 error of the machine, 4 over budget,
    130 interrupted (go on with `buildwright builds resume`).
    """
    from buildwright.services.calls import caps_of
    from buildwright.services.replay import Tape
    from buildwright.services.request import Wish

    flags: dict[str, Any] = {"model": given["model"]}
    if given["max_usd"] is not None:
        flags["agent"] = {"max_usd": given["max_usd"]}
    if given["backend"]:
        flags["sandbox"] = {"backend": given["backend"]}
    settings = settings_of(ctx, flags)
    wish = Wish(
        text=_requirement(given["requirement"], given["file"]),
        folder=Path.cwd(),
        out=given["out"],
        template=given["template"],
        answers=_answers(given["answers"], given["answers_file"]),
        tests=given["tests"],
        into=given["into"],
        scope=given["scope"],
    )

    async def work(app: App) -> tuple[Build, Report | None, tuple[Budget, ...]]:
        tape = Tape(given["record"], given["replay"])
        done = await app.builds.build(wish, unsafe=given["unsafe"], tape=tape)
        caps = await caps_of(app.ledger, done.id)
        return done, await app.builds.report(done.id), caps

    silent = given["quiet"] or given["as_json"]
    with progress(silent=silent) as listener:
        done, report, caps = with_app(settings, work, (listener,))
    return show_result(done, report, as_json=given["as_json"], caps=caps)


def _requirement(argument: str | None, file: Path | None) -> str:
    if (argument is None) == (file is None):
        what = "both a requirement and --file" if argument else "no requirement"
        raise RequirementError(
            f"{what} given",
            next_step='buildwright build "A REST API that tracks books with a title", or --file',
        )
    if argument is not None:
        return argument
    return read_text_file(file)


def read_text_file(file: Path | None) -> str:
    """Return a requirement from a file, or from standard input for `-`."""
    from buildwright.services.request import decode_requirement

    if file is None or str(file) == "-":
        return decode_requirement(sys.stdin.buffer.read(MAX_READ), "standard input")
    try:
        with file.open("rb") as handle:
            return decode_requirement(handle.read(MAX_READ), f"file {str(file)!r}")
    except OSError as error:
        raise RequirementError(
            f"file {str(file)!r} cannot be read: {error.strerror}", next_step="check the path"
        ) from error


def _answers(pairs: tuple[str, ...], file: Path | None) -> dict[str, str]:
    answers = _answers_from(file) if file else {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--answer {pair!r} is not KEY=VALUE", next_step="see --help")
        answers[key.strip()] = value.strip()
    return answers


def _answers_from(file: Path) -> dict[str, str]:
    import yaml

    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
        return {str(key): str(value) for key, value in dict(loaded["answers"]).items()}
    except OSError as error:
        raise UsageError(
            f"answers file {str(file)!r} cannot be read: {error.strerror}", next_step="check it"
        ) from error
    except (yaml.YAMLError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"answers file {str(file)!r} has no mapping 'answers'",
            next_step="take .buildwright/answers.yaml of an earlier build as a pattern",
        ) from error
