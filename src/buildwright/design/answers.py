"""Answers to the questions of a template: defaults, and a check of what people give."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from buildwright.core.errors import UnknownNameError, UsageError
from buildwright.core.requirements import Analysis
from buildwright.design.catalog import Question, Template
from buildwright.design.context import make_project
from buildwright.design.engine import text_of

LONGEST = 200


def default_answers(template: Template, analysis: Analysis) -> dict[str, str]:
    """Return the answer to every question that holds while nobody gave another."""
    project = make_project(analysis)
    return {
        question.id: text_of(template.root, question.default, project=project)
        for question in template.questions
    }


def complete(template: Template, analysis: Analysis, given: Mapping[str, str]) -> dict[str, str]:
    """Return given answers over the defaults.

    Raises UnknownNameError for an id or option nobody knows, UsageError for text that is empty,
    of several lines or longer than 200 characters.
    """
    questions = {question.id: question for question in template.questions}
    for name, value in given.items():
        if name not in questions:
            step = f"template {template.name} asks for: {', '.join(questions) or 'nothing'}"
            raise UnknownNameError("answer", name, questions, next_step=step)
        _check(questions[name], value)
    return default_answers(template, analysis) | dict(given)


def _check(question: Question, value: str) -> None:
    if question.options and value not in question.options:
        nearest = {option.lower(): option for option in question.options}.get(value.lower())
        known = [nearest] if nearest else question.options
        step = f"choose one of: {', '.join(question.options)}"
        raise UnknownNameError(f"value for answer {question.id!r}:", value, known, next_step=step)
    odd = any(unicodedata.category(c).startswith("C") for c in value)
    if odd or not value.strip() or len(value) > LONGEST:
        raise UsageError(
            f"answer {question.id!r} is {value[:40]!r}, "
            f"expected one line of 1 to {LONGEST} characters",
            next_step="give a shorter text without line breaks or control characters",
        )
