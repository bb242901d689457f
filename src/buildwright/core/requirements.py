"""What a requirement text says: items, entities, relations and what is still open."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

ProjectKind = Literal[
    "rest-api",
    "fullstack-web-app",
    "microservice",
    "graphql-api",
    "cli-tool",
    "mobile-backend",
    "data-pipeline",
    "ml-service",
    "none",
]

FieldType = Literal[
    "string",
    "text",
    "integer",
    "decimal",
    "money",
    "boolean",
    "date",
    "time",
    "datetime",
    "duration",
    "email",
    "phone",
    "url",
    "geo",
    "image",
    "file",
    "json",
    "list",
    "enum",
]


class Priority(StrEnum):
    """MoSCoW priority of an item; WONT is something the text rules out or puts off."""

    MUST = "must"
    SHOULD = "should"
    COULD = "could"
    WONT = "wont"


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of character offsets `[start, end)` in the requirement text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Item:
    """One demand of the text.

    `id` is `FR-n` or `NFR-n`. `needs` are capability names (see `Capability` below) that
    together cover the item; an empty tuple means that rules alone cannot say what would cover it.
    """

    id: str
    text: str
    priority: Priority
    scenario: str
    span: Span
    needs: tuple[str, ...] = ()

    @property
    def functional(self) -> bool:
        """True for FR items, False for NFR items."""
        return self.id.startswith("FR-")


@dataclass(frozen=True, slots=True)
class Field:
    """A property of an entity; `values` only for enums, bounds inclusive and only for numbers."""

    name: str
    type: FieldType
    values: tuple[str, ...] = ()
    required: bool = True
    unique: bool = False
    minimum: str | None = None
    maximum: str | None = None
    span: Span | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing the software keeps; `name` is singular PascalCase, `term` the word in the text."""

    name: str
    fields: tuple[Field, ...]
    span: Span
    term: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """`source` belongs to `target` (many-to-one), or both are linked many-to-many.

    `role` is the snake_case name on the source side without `_id` ("customer", "home_club").
    """

    kind: Literal["belongs_to", "many_to_many"]
    source: str
    target: str
    role: str
    required: bool = True
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something the text leaves open; `default` is what is built until someone answers."""

    id: str
    text: str
    options: tuple[str, ...]
    default: str
    why: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything the analyze stage found in one requirement text.

    `name` is a short kebab-case project name; `complexity` is 1 (one table) to 10.
    `kind_scores` are the points each kind got, highest first; `kind_reason` says why in a sentence.
    """

    text: str
    language: str
    name: str
    title: str
    kind: ProjectKind
    kind_reason: str
    kind_scores: tuple[tuple[str, float], ...]
    items: tuple[Item, ...]
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]
    questions: tuple[Question, ...]
    complexity: int


CAPABILITIES: dict[str, str] = {
    "manage": "manage:Entity - create, read, list, change and delete with every field kept",
    "list": "list:Entity - list or show what is stored",
    "choice": "choice:Entity.field - only the values of the enum are accepted",
    "required": "required:Entity.field - refused when missing",
    "optional": "optional:Entity.field - accepted when missing",
    "unique": "unique:Entity.field - a second one with the same value is refused",
    "range": "range:Entity.field - numbers outside the bounds are refused",
    "relate": "relate:Source.role - refers to an existing one; unknown ids are refused",
    "link": "link:A.B - many-to-many, link and unlink",
    "filter": "filter:Entity.field - list narrowed by the field's value",
    "search": "search:Entity.field - list narrowed by a part of the text",
    "sort": "sort:Entity - list in a chosen order",
    "paginate": "paginate - lists come in pages",
    "open": "open - works without login or account",
    "health": "health - a health route",
    "openapi": "openapi - a machine-readable interface description",
    "errors": "errors - one JSON error shape with proper status codes",
    "validate": "validate - bad input is refused and the field is named",
    "export-csv": "export-csv - stored records as CSV",
    "export-json": "export-json - stored records as JSON",
    "sqlite": "sqlite - kept in one SQLite file",
    "headless": "headless - no user interface of its own",
    "offline": "offline - no network access",
    "docker": "docker - comes with a Dockerfile",
    "tests": "tests - comes with tests",
    "migrations": "migrations - schema changes by migration",
    "help": "help - every command explains itself",
}
"""Capability vocabulary: what an item may need and what a template may provide."""
