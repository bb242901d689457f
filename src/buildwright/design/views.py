"""What templates see of an analysis: entities, fields and relations with names for code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from buildwright.core.requirements import FieldType
from buildwright.design.samples import Samples


@dataclass(frozen=True, slots=True)
class Member:
    """One value of an enum: the constant in code and the value users see."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FilterView:
    """A parameter that narrows a list to values that are equal (`is`), or at least or at most."""

    kind: Literal["is", "min", "max"]
    attr: str
    key: str


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field as code: `source` is its name in the analysis, `key` in JSON, `attr` in Python.

    `type` is what is built: an enum without usable values is a string. `minimum` and `maximum`
    are plain decimal text or None. `own_type` names the class of an enum or the type of a bounded
    number, empty for others.
    """

    source: str
    attr: str
    key: str
    label: str
    type: FieldType
    required: bool
    unique: bool
    minimum: str | None
    maximum: str | None
    members: tuple[Member, ...]
    own_type: str
    sample: Samples
    scalar: bool
    ranged: bool
    searched: bool
    varied: bool
    filters: tuple[FilterView, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """The names of the entity that a relation or link points to."""

    source: str
    cls: str
    var: str
    module: str
    table: str
    path: str
    label: str
    labels: str


@dataclass(frozen=True, slots=True)
class RelationView:
    """A belongs-to relation: `attr` is the foreign key, `key` its JSON name.

    `deferred` marks a foreign key to a table that is created later (a cycle); `optional_why` is
    not empty where a required relation was made optional, because nothing could be stored first.
    """

    source: str
    attr: str
    key: str
    label: str
    target: Target
    required: bool
    deferred: bool
    itself: bool
    optional_why: str


@dataclass(frozen=True, slots=True)
class LinkView:
    """A many-to-many link, seen from its source entity."""

    source: str
    table: str
    left: str
    right: str
    segment: str
    var: str
    label: str
    labels: str
    filter_key: str
    target: Target


@dataclass(frozen=True, slots=True)
class EntityView:
    """An entity as code; `source` is its name in the analysis, `incoming` who refers to it."""

    source: str
    cls: str
    var: str
    plural: str
    module: str
    table: str
    path: str
    label: str
    labels: str
    fields: tuple[FieldView, ...]
    relations: tuple[RelationView, ...]
    links: tuple[LinkView, ...]
    incoming: tuple[tuple[Target, RelationView], ...]
    own_id: bool


@dataclass(frozen=True, slots=True)
class Project:
    """The whole of what a template is rendered from; `tables` are entities in creation order."""

    name: str
    package: str
    title: str
    text: str
    entities: tuple[EntityView, ...]
    tables: tuple[EntityView, ...]

    @property
    def fields(self) -> tuple[FieldView, ...]:
        """Every field of every entity."""
        return tuple(field for entity in self.entities for field in entity.fields)

    @property
    def types(self) -> frozenset[str]:
        """Field types that occur."""
        return frozenset(field.type for field in self.fields)

    def has(self, *types: str) -> bool:
        """Tell whether a field of any of these types occurs."""
        return not self.types.isdisjoint(types)

    @property
    def links(self) -> tuple[LinkView, ...]:
        """Every many-to-many link."""
        return tuple(link for entity in self.entities for link in entity.links)

    @property
    def relations(self) -> tuple[RelationView, ...]:
        """Every belongs-to relation."""
        return tuple(relation for entity in self.entities for relation in entity.relations)
