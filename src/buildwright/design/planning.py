"""The plan: template, variant, decisions, files, tasks and a forecast, from an analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from buildwright.core.plan import Decision, FilePlan, Forecast, Plan, Task
from buildwright.core.requirements import Analysis, Item, Priority
from buildwright.core.tree import RenderedFile
from buildwright.design.variants import Ranking, rank_variants

DEFAULT_BUILD_S = 10.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The template a plan is made for; `reason` says why it was taken."""

    name: str
    version: str
    title: str
    reason: str
    answers: Mapping[str, str]
    provides: Mapping[str, tuple[str, ...]]


def make_plan(
    analysis: Analysis, choice: Choice, files: Sequence[RenderedFile], past_s: Mapping[str, float]
) -> Plan:
    """Return the plan; `past_s` are median seconds of each stage of earlier builds, if any."""
    needs = frozenset(need for item in analysis.items for need in item.needs)
    ranking = rank_variants(analysis.kind, choice.name, needs)
    uncovered = tuple(item.id for item in analysis.items if not covers(item, choice.provides))
    return Plan(
        template=choice.name,
        template_version=choice.version,
        template_reason=choice.reason,
        variants=ranking.variants,
        chosen_variant=ranking.chosen,
        weights=ranking.weights,
        flips=ranking.flips,
        decisions=_decisions(analysis, choice, ranking),
        files=_files(files, choice.provides),
        tasks=_tasks(analysis, choice),
        forecast=_forecast(past_s),
        answers=dict(choice.answers),
        provides={need: tuple(paths) for need, paths in choice.provides.items()},
        uncovered=uncovered,
    )


def covers(item: Item, provides: Mapping[str, tuple[str, ...]]) -> bool:
    """Return True when every need of the item is provided, or the text itself rules it out."""
    if item.priority is Priority.WONT:
        return True
    return bool(item.needs) and all(need in provides for need in item.needs)


def _decisions(analysis: Analysis, choice: Choice, ranking: Ranking) -> tuple[Decision, ...]:
    served = tuple(item.id for item in analysis.items if covers(item, choice.provides))
    template = f"{choice.title} ({choice.name}@{choice.version})"
    chosen = next((v for v in ranking.variants if v.name == ranking.chosen), None)
    rest = tuple(v.title for v in ranking.variants if v is not chosen)
    decisions = [Decision("D-1", "Project template", template, choice.reason, (), served)]
    if chosen is not None:
        why = f"highest total ({chosen.total:g} of 10) of the variants no constraint rules out"
        decisions.append(Decision("D-2", "Architecture", chosen.title, why, rest, served))
    for question in analysis.questions:
        number = len(decisions) + 1
        others = tuple(option for option in question.options if option != question.default)
        decisions.append(
            Decision(f"D-{number}", question.text, question.default, question.why, others)
        )
    return tuple(decisions)


def _files(
    files: Sequence[RenderedFile], provides: Mapping[str, tuple[str, ...]]
) -> tuple[FilePlan, ...]:
    by_path: dict[str, list[str]] = {}
    for need, paths in provides.items():
        for path in paths:
            by_path.setdefault(path, []).append(need)
    return tuple(
        FilePlan(file.path, file.source, tuple(sorted(by_path.get(file.path, ()))))
        for file in sorted(files, key=lambda f: f.path)
    )


def _tasks(analysis: Analysis, choice: Choice) -> tuple[Task, ...]:
    wanted = [item for item in analysis.items if item.priority is not Priority.WONT]
    return tuple(
        Task(
            f"T-{number}",
            item.text,
            (item.id,),
            "template" if covers(item, choice.provides) else "model",
        )
        for number, item in enumerate(wanted, start=1)
    )


def _forecast(past_s: Mapping[str, float]) -> Forecast:
    if not past_s:
        return Forecast(DEFAULT_BUILD_S, 0.0, "no earlier build on this machine; a usual value")
    basis = "sum of the median stage times of earlier builds on this machine"
    return Forecast(round(sum(past_s.values()), 1), 0.0, basis)
