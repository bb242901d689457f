"""From an analysis to the views of it that templates render."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Literal, get_args

from buildwright.core.requirements import Analysis, Entity, Field, FieldType, Relation
from buildwright.design import naming, samples
from buildwright.design.formats import literal, width
from buildwright.design.ordering import Edge, Order, table_order
from buildwright.design.samples import Samples
from buildwright.design.views import (
    EntityView,
    FieldView,
    FilterView,
    LinkView,
    Member,
    Project,
    RelationView,
    Target,
)
from buildwright.design.words import plural, singular

MAX_VALUES = 60
MAX_VALUE_COLUMNS = 50
SCALARS: frozenset[FieldType] = frozenset(
    kind
    for kind in get_args(FieldType)
    if kind not in ("text", "geo", "image", "file", "json", "list")
)
"""Types that a list can be narrowed and sorted by."""
RANGED: frozenset[FieldType] = frozenset(
    {"integer", "decimal", "money", "date", "time", "datetime", "duration"}
)
_UNIQUE = SCALARS - {"boolean", "enum"} | {"image", "file"}
_FEWEST = 5
"""A unique field needs this many values: with fewer, hardly a record could be stored."""
_RANGE: tuple[Literal["min", "max"], ...] = ("min", "max")
_LIST_PARAMETERS = frozenset({"limit", "offset", "sort", "order", "q"})
SEARCHED: frozenset[FieldType] = frozenset({"string", "text", "email"})


def make_project(analysis: Analysis) -> Project:
    """Name everything in an analysis; the same analysis gives the same names."""
    package = naming.package_name(analysis.name or analysis.title)
    targets = _targets(analysis.entities)
    first = {target.source: index for index, target in reversed(list(enumerate(targets)))}
    known = [r for r in _distinct(analysis.relations) if {r.source, r.target} <= first.keys()]
    order = table_order(
        len(targets),
        [
            Edge(first[r.source], first[r.target], r.role, r.required)
            for r in known
            if r.kind == "belongs_to"
        ],
    )
    make = _EntityMaker(targets, first, known, order)
    entities = [make.entity(index, entity) for index, entity in enumerate(analysis.entities)]
    return Project(
        name=naming.kebab(analysis.name or analysis.title, "project"),
        package=package,
        title=" ".join(analysis.title.split()) or analysis.name,
        text=analysis.text,
        entities=tuple(entities),
        tables=tuple(entities[index] for index in order.sequence),
    )


def _targets(entities: tuple[Entity, ...]) -> list[Target]:
    made: list[Target] = []
    taken: set[str] = set()
    for entity in entities:
        cls = naming.class_name(entity.name)
        family = {cls + part for part in ("", "Create", "Update", "Read", "Query")}
        if family & taken:
            cls = naming.unique(cls if cls in taken else f"{cls}Record", taken, "")
        cls = naming.unique(cls, {one.cls for one in made}, "")
        taken |= {cls + part for part in ("", "Create", "Update", "Read", "Query")}
        made.append(_target(entity.name, cls, made))
    return made


def _target(source: str, cls: str, made: list[Target]) -> Target:
    words = naming.ascii_words(naming.pascal(source))
    label = " ".join(words)
    labels = plural(label)
    var = naming.unique(naming.attribute(label, "thing"), [one.var for one in made])
    table = naming.snake(labels, "things", naming.TABLE_MAX)
    return Target(
        source=source,
        cls=cls,
        var=var.rstrip("_"),
        module=naming.unique(naming.module_name(cls), [one.module for one in made]),
        table=naming.unique(table, [one.table for one in made]),
        path=naming.unique(naming.path_segment(labels, "things"), [o.path for o in made], "-"),
        label=label,
        labels=labels,
    )


class _EntityMaker:
    """Makes one entity view after the other from names that are already settled."""

    def __init__(
        self, targets: list[Target], first: dict[str, int], known: list[Relation], order: Order
    ) -> None:
        self.targets, self.first, self.known, self.order = targets, first, known, order
        self.link_tables: set[str] = {target.table for target in targets}
        self.own_types: set[str] = {target.cls for target in targets}
        self.by_source = {index: self._relations(index) for index in range(len(targets))}

    def entity(self, index: int, entity: Entity) -> EntityView:
        me = self.targets[index]
        relations = self.by_source[index]
        taken = {"id"} | {relation.attr for relation in relations}
        keys = {"id"} | {relation.key for relation in relations}
        links = self._links(index, keys)
        fields = self._fields(me, entity.fields, taken, keys)
        return EntityView(
            **asdict(me),
            plural=naming.unique(naming.snake(me.labels, "things"), {me.var}),
            fields=fields,
            relations=relations,
            links=links,
            incoming=tuple(
                (self.targets[other], relation)
                for other, several in self.by_source.items()
                for relation in several
                if relation.target.table == me.table
            ),
            own_id=any(_is_record_id(field) for field in entity.fields),
        )

    def _mine(self, index: int, kind: str) -> list[Relation]:
        return [r for r in self.known if r.kind == kind and self.first[r.source] == index]

    def _relations(self, index: int) -> tuple[RelationView, ...]:
        made: list[RelationView] = []
        name = self.targets[index].source
        for relation in self._mine(index, "belongs_to") if self.first[name] == index else ():
            target = self.first[relation.target]
            role = naming.snake(relation.role or relation.target, "other", naming.ATTRIBUTE_MAX - 3)
            attr = naming.unique(f"{role}_id", [one.attr for one in made])
            freed = self.order.freed(index, relation.role)
            made.append(
                RelationView(
                    source=relation.role,
                    attr=attr,
                    key=attr,
                    label=" ".join(naming.ascii_words(role)),
                    target=self.targets[target],
                    required=relation.required and not freed,
                    deferred=self.order.deferred(index, relation.role),
                    itself=target == index,
                    optional_why=freed,
                )
            )
        return tuple(made)

    def _links(self, index: int, keys: set[str]) -> tuple[LinkView, ...]:
        made: list[LinkView] = []
        me = self.targets[index]
        links = self._mine(index, "many_to_many") if self.first[me.source] == index else []
        for relation in links:
            target = self.targets[self.first[relation.target]]
            one = singular(" ".join(naming.ascii_words(relation.role or relation.target)))
            var = naming.snake(one, "linked", naming.ATTRIBUTE_MAX - 3)
            var = naming.unique(var, [me.var, *(link.var for link in made)])
            table = naming.snake(f"{me.table} {plural(one)}", "links", naming.TABLE_MAX)
            table = naming.unique(table, self.link_tables)
            self.link_tables.add(table)
            filter_key = naming.unique(f"{var}_id", keys)
            keys.add(filter_key)
            segment = naming.path_segment(plural(one), "linked")
            made.append(
                LinkView(
                    source=relation.target,
                    table=table,
                    left=f"{me.var}_id",
                    right=f"{var}_id",
                    segment=naming.unique(segment, [link.segment for link in made], "-"),
                    var=var,
                    label=one,
                    labels=plural(one),
                    filter_key=filter_key,
                    target=target,
                )
            )
        return tuple(made)

    def _fields(
        self, me: Target, fields: Iterable[Field], taken: set[str], keys: set[str]
    ) -> tuple[FieldView, ...]:
        made: list[FieldView] = []
        for number, field in enumerate(fields, start=1):
            if _is_record_id(field):
                continue
            attr = naming.attribute(field.name, f"field_{number}")
            attr = "given_id" if attr == "id_" else attr
            attr = naming.unique(attr, taken)
            key = naming.unique(naming.json_key(field.name, attr), keys)
            key = attr if key == "id" else key
            taken.add(attr)
            keys.add(key)
            made.append(self._field(me, field, attr, key))
        used = _LIST_PARAMETERS | keys
        return tuple(
            replace(field, filters=_filters(field, used)) if field.varied else field
            for field in made
        )

    def _field(self, me: Target, field: Field, attr: str, key: str) -> FieldView:
        label = " ".join(naming.ascii_words(attr))
        members = _members(field)
        kind: FieldType = field.type if field.type != "enum" or members else "string"
        least, most = samples.bounds(kind, field.minimum, field.maximum)
        own_type = ""
        if kind == "enum" or least is not None or most is not None:
            own_type = naming.pascal(f"{me.cls} {attr}", limit=naming.ENUM_MAX)
            own_type = naming.unique(own_type, self.own_types, "")
            self.own_types.add(own_type)
        sample = _samples(kind, label, members, (field.minimum, field.maximum))
        varied = sample.low is not None
        return FieldView(
            source=field.name,
            attr=attr,
            key=key,
            label=label,
            type=kind,
            required=field.required,
            unique=field.unique and kind in _UNIQUE and sample.variety >= _FEWEST,
            minimum=None if least is None else f"{least:f}",
            maximum=None if most is None else f"{most:f}",
            members=members,
            own_type=own_type,
            sample=sample,
            scalar=kind in SCALARS,
            ranged=kind in RANGED,
            searched=kind in SEARCHED,
            varied=varied,
            filters=(),
        )


def _filters(field: FieldView, keys: frozenset[str]) -> tuple[FilterView, ...]:
    """Name the list parameters of a field; `keys` are taken by other fields and by paging."""
    if not field.scalar:
        return ()
    own = field.key in _LIST_PARAMETERS
    made = [FilterView("is", f"{field.attr}_is" if own else field.attr, field.key + "_is" * own)]
    for kind in _RANGE if field.ranged else ():
        key = naming.unique(f"{field.key}_{kind}", keys)
        attr = naming.unique(f"{field.attr.rstrip('_')}_{kind}", keys)
        made.append(FilterView(kind, attr, key))
    return tuple(made)


def _samples(
    kind: FieldType, label: str, members: tuple[Member, ...], given: tuple[str | None, str | None]
) -> Samples:
    if kind == "enum":
        return samples.enum_samples(tuple(member.value for member in members), literal)
    if kind in samples.NUMBERS:
        return samples.number_samples(kind, label, *samples.bounds(kind, *given))
    if kind in ("boolean", "geo", "list", "json"):
        return samples.other_samples(kind, label)
    return samples.text_samples(kind, label)


def _members(field: Field) -> tuple[Member, ...]:
    values = list(dict.fromkeys(value.strip() for value in field.values if value.strip()))
    too_long = any(width(value) > MAX_VALUE_COLUMNS for value in values)
    odd = any(unicodedata.category(c).startswith("C") for value in values for c in value)
    if field.type != "enum" or too_long or odd or len(values) > MAX_VALUES:
        return ()
    made: list[Member] = []
    for number, value in enumerate(values, start=1):
        name = naming.constant(value, f"VALUE_{number}")
        made.append(Member(naming.unique(name, [member.name for member in made]), value))
    return tuple(made)


def _is_record_id(field: Field) -> bool:
    return naming.snake(field.name, "x") == "id" and field.type in ("integer", "string")


def _distinct(relations: Iterable[Relation]) -> list[Relation]:
    return list({(r.kind, r.source, r.role or r.target): r for r in relations}.values())
