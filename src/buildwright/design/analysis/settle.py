"""Relations that contradict or complete each other, brought in line."""

from __future__ import annotations

from buildwright.core.requirements import Field, Relation
from buildwright.design.analysis import types
from buildwright.design.analysis.model import Model, role_of


def settle_needs(model: Model) -> None:
    """Needs name relations as they ended up: linked ones as links, opposites the other way."""
    kept = {f"relate:{r.source}.{r.role}" for r in model.relations if r.kind == "belongs_to"}
    for asked in model.asked.values():
        for index, (need, at) in enumerate(asked):
            if need.startswith("relate:") and need not in kept:
                asked[index] = (_need_between(model, need), at)


def _need_between(model: Model, need: str) -> str:
    source, _, role = need.removeprefix("relate:").partition(".")
    for relation in model.relations:
        ends = {relation.source, relation.target}
        if source in ends and role in {role_of(end) for end in ends}:
            if relation.kind == "many_to_many":
                return f"link:{relation.source}.{relation.target}"
            return f"relate:{relation.source}.{relation.role}"
    return ""


def merge_opposites(model: Model) -> None:
    """Two that each have many of the other are linked; else the first of two opposites stays."""
    single = {(r.source, r.target): r for r in model.relations if r.kind == "belongs_to"}
    linked = {frozenset((r.source, r.target)) for r in model.relations if r.kind != "belongs_to"}
    kept: list[Relation] = []
    for relation in model.relations:
        pair = frozenset((relation.source, relation.target))
        if relation.kind == "belongs_to" and pair in linked:
            continue
        opposite = single.get((relation.target, relation.source))
        both = {(relation.source, relation.target), (relation.target, relation.source)}
        if relation.kind == "belongs_to" and opposite and not both <= model.many and len(pair) == 2:
            if opposite in kept:
                continue
        elif relation.kind == "belongs_to" and opposite and opposite is not relation:
            first, second = sorted(pair) if len(pair) == 2 else (relation.source, relation.target)
            relation = Relation("many_to_many", first, second, role_of(second), span=relation.span)
            linked.add(pair)
        kept.append(relation)
    model.relations[:] = kept


def merge_heads(model: Model) -> None:
    """A "degree programme" of which nothing is said is the "programme" of which something is."""
    for name, draft in list(model.drafts.items()):
        short = model.drafts.get(types.pascal(draft.key[-1:]))
        if short is None or short is draft or draft.fields:
            continue
        del model.drafts[name]
        short.span = min(short.span, draft.span, key=lambda span: span.start)
        model.rename(name, short.name)


def settle_times(model: Model) -> None:
    """A lone time of day without a date beside it is a moment: "feedings: time, food"."""
    for draft in model.drafts.values():
        kinds = {found.type for found in draft.fields.values()}
        if "time" not in kinds or "date" in kinds:
            continue
        for name, found in list(draft.fields.items()):
            if found.type == "time" and not name.startswith(("opening", "closing")):
                draft.fields[name] = Field(
                    name, "datetime", required=found.required, span=found.span
                )
