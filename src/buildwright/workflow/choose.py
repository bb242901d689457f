"""Which template builds a requirement; refuses before anything is written when none fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from buildwright.core.errors import RequirementError
from buildwright.core.requirements import Analysis
from buildwright.design.analysis import analyze
from buildwright.design.answers import complete
from buildwright.design.catalog import Template, list_templates, load_template

BARE = "python-package"
"""Template for a text that no other fits, where the user brings the tests."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A template and why it was taken."""

    template: Template
    reason: str


def choose_template(
    analysis: Analysis, name: str | None, extra: Sequence[Path] = (), *, bare: bool = False
) -> Fit:
    """Return the template for an analysis; `name` is the user's own choice.

    With `bare` an empty package stands in where nothing else fits.

    Raises RequirementError when nothing can be built from the text, naming what is missing.
    """
    if name is not None:
        template = load_template(name, extra)
        return Fit(template, "chosen by the user")
    fitting = [t for t in list_templates(extra) if t.kind == analysis.kind != "none"]
    if bare and not (fitting and analysis.entities):
        return Fit(load_template(BARE, extra), "no other template fits, and tests were brought")
    if not fitting:
        raise _nothing_fits(analysis, extra)
    if not analysis.entities:
        raise RequirementError(
            f"the text reads as {analysis.kind}, but names nothing that the software should keep",
            next_step=_questions(analysis, "say what it keeps, e.g. 'books with title and author'"),
        )
    return Fit(fitting[0], analysis.kind_reason)


def read_requirement(text: str) -> Analysis:
    """Return the analysis of a text by rules."""
    return analyze(text)


def check_answers(template: Template, analysis: Analysis, answers: Mapping[str, str]) -> None:
    """Raise UsageError when an answer is for no question of the template, or is none it takes."""
    complete(template, analysis, answers)


def _nothing_fits(analysis: Analysis, extra: Sequence[Path]) -> RequirementError:
    known = ", ".join(t.name for t in list_templates(extra))
    if analysis.kind == "none":
        return RequirementError(
            f"the text does not describe software that can be built: {analysis.kind_reason}",
            next_step=_questions(analysis, "describe what the software keeps and who uses it how"),
        )
    return RequirementError(
        f"no template fits a {analysis.kind} ({analysis.kind_reason}); there are: {known}",
        next_step="add --template NAME to build the nearest one, or --help to see the others",
    )


def _questions(analysis: Analysis, fallback: str) -> str:
    texts = [question.text for question in analysis.questions[:3]]
    return "; ".join(texts) or fallback
