"""What the plan stage decides: template, variants, decisions, files, tasks and forecast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variant:
    """An architecture that could carry the requirement.

    `complexity`, `scalability` and `cost` are properties from 0 to 10 (10 = most complex, most
    scalable, most expensive). `total` is goodness from 0 to 10: the weighted mean of
    10 - complexity, scalability and 10 - cost. `veto` is the reason a constraint rules it out.
    """

    name: str
    title: str
    summary: str
    complexity: float
    scalability: float
    cost: float
    total: float
    veto: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A choice with its reason; `items` are the requirement ids it serves."""

    id: str
    title: str
    choice: str
    why: str
    alternatives: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilePlan:
    """A file the project will have and the capabilities it implements."""

    path: str
    source: str
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work; `done_by` is "template" or "model" (left open when none is configured)."""

    id: str
    title: str
    items: tuple[str, ...]
    done_by: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected wall time in seconds and cost in US dollars, and what the figures rest on."""

    time_s: float
    cost_usd: float
    basis: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The technical design in data form.

    `answers` are the template's questions with the values used; `provides` maps a capability to
    the files that implement it; `uncovered` are ids of items only a model could cover.
    `weights` are (criterion, weight) summing to 1; `flips` say which change picks another variant.
    """

    template: str
    template_version: str
    template_reason: str
    variants: tuple[Variant, ...]
    chosen_variant: str
    weights: tuple[tuple[str, float], ...]
    flips: tuple[str, ...]
    decisions: tuple[Decision, ...]
    files: tuple[FilePlan, ...]
    tasks: tuple[Task, ...]
    forecast: Forecast
    answers: dict[str, str]
    provides: dict[str, tuple[str, ...]]
    uncovered: tuple[str, ...]
