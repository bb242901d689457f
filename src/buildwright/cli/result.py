"""The summary of a build: outcome, tests, scores, time, cost, where everything is, what next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from buildwright.cli.common import plain, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildwright.core.build import Build
    from buildwright.core.ledger import Budget
    from buildwright.core.report import Report

_COLOURS = {"passed": "green", "partial": "yellow"}


def show_result(
    build: Build, report: Report | None, *, as_json: bool, caps: Sequence[Budget] = ()
) -> int:
    """Print the result of a build, with the caps that can stop it, and return its exit code."""
    outcome = build.outcome
    if as_json:
        print_json(_document(build, report, caps))
    elif report is None:
        _show_without_report(build)
    else:
        _show(build, report, caps)
    if not as_json:
        _show_caps(caps)
    return outcome.exit_code if outcome else 3


def _document(build: Build, report: Report | None, caps: Sequence[Budget]) -> object:
    import json

    from buildwright.core import codec

    if report is not None:
        document = json.loads(codec.dump(report))
        more = _more_money(build, caps)
        return {**document, "next_step": more} if more else document
    outcome = build.outcome.value if build.outcome else None
    return {"build_id": build.id, "outcome": outcome, "reason": build.reason}


def _show_caps(caps: Sequence[Budget]) -> None:
    by_scope: dict[str, list[Budget]] = {}
    for cap in caps:
        by_scope.setdefault(cap.scope, []).append(cap)
    if by_scope:
        click.echo()
    for scope, its in by_scope.items():
        click.echo(f"budget {scope}: {', '.join(map(_cap, its))}")


def _cap(cap: Budget) -> str:
    from buildwright.core.ledger import usd

    return f"{usd(cap.spent_nano)} of {usd(cap.cap_nano)} USD ({cap.period})"


def _show_without_report(build: Build) -> None:
    outcome = build.outcome.value if build.outcome else build.status.value
    click.echo(f"\n{click.style(outcome, fg='red', bold=True)}  build {build.id}")
    click.echo(plain(f"  {build.reason}"))
    if outcome in ("error", "cancelled", "interrupted"):
        click.echo(f"  go on with: buildwright builds resume {build.id}")


def _more_money(build: Build, caps: Sequence[Budget]) -> str:
    """Return the command that goes on with a build which ended over budget, else ""."""
    from buildwright.core.build import Outcome
    from buildwright.services.reopening import with_more

    return with_more(build.id, caps) if build.outcome is Outcome.OVER_BUDGET else ""


def _show(build: Build, report: Report, caps: Sequence[Budget]) -> None:
    colour = _COLOURS.get(report.outcome, "red")
    click.echo(f"\n{click.style(report.outcome, fg=colour, bold=True)}  {plain(report.reason)}")
    if report.unsafe:
        click.secho("UNSAFE: the tests ran without isolation (--unsafe)", fg="red", bold=True)
    for name, value in _rows(report):
        click.echo(f"  {name:<9} {value}")
    _show_failures(report)
    _show_open_items(report)
    _show_questions(report)
    click.echo("\nnext:")
    more = _more_money(build, caps)
    if more:
        click.echo(f"  {more}")
    click.echo(f"  cd {_quoted(report.out)} && make run")
    click.echo(f"  open {_quoted(report.out + '/.buildwright/report.html')}")


def _rows(report: Report) -> list[tuple[str, str]]:
    cover = "" if report.coverage is None else f", {report.coverage:.0%} of lines covered"
    tests = f"{report.tests_passed} of {report.tests_total} passed{cover} (in {report.backend})"
    scores = ", ".join(f"{score.kind} {score.value:.0f}" for score in report.scores)
    spent = ", ".join(f"{t.stage} {t.seconds:.1f} s" for t in report.timings)
    wanted = [item for item in report.items if item.status != "out_of_scope"]
    covered = sum(1 for item in wanted if item.status == "covered")
    return [
        ("items", f"{covered} of {len(wanted)} covered by passing tests"),
        ("tests", tests),
        ("scores", scores),
        ("time", spent),
        ("cost", f"{report.cost_usd:.2f} USD (model: {report.model})"),
        ("project", plain(report.out)),
        ("build", report.build_id),
    ]


def _show_failures(report: Report) -> None:
    for case in report.failures[:10]:
        message = plain(case.message).replace("\n", " ")
        click.echo(f"  failed    {plain(case.id)}: {message[:200]}")


def _show_open_items(report: Report) -> None:
    open_items = [item for item in report.items if item.status in ("uncovered", "failing")]
    if open_items:
        click.echo("\nnot covered (a model could implement these):")
    for item in open_items:
        click.echo(f"  {item.id:<7} {plain(_shortened(item.text))}")


def _show_questions(report: Report) -> None:
    if report.questions:
        click.echo("\nopen questions, with what was built:")
    for question in report.questions[:6]:
        click.echo(f"  {question.id:<7} {plain(_shortened(question.text))} → {question.default}")
    if len(report.questions) > 6:
        click.echo(f"  … {len(report.questions) - 6} more in .buildwright/report.md")


def _shortened(text: str, width: int = 100) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)
