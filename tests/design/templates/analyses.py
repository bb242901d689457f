"""Analyses to render: written by hand, and drawn from a seed."""

from __future__ import annotations

import random
from typing import get_args

from buildwright.core.requirements import Analysis, Entity, Field, FieldType, Relation, Span

TYPES: tuple[FieldType, ...] = get_args(FieldType)
HOSTILE = (
    "{{ 7*7 }} {% raw %} \"\"\" ''' \\n \\ </script><b>x</b> $(rm -rf /) `id` \x00 \u202etxt\n"
    "# heading\n> quote\n\n* list [link](javascript:alert(1)) ${HOME} %(here)s\r\n--- end"
)


def field(name: str, kind: FieldType = "string", **more: object) -> Field:
    """Make a field; `more` goes to Field."""
    return Field(name, kind, **more)  # type: ignore[arg-type]


def entity(name: str, *fields: Field) -> Entity:
    """Make an entity."""
    return Entity(name, fields, Span(0, 1))


def belongs_to(source: str, target: str, role: str, required: bool = True) -> Relation:  # noqa: FBT001 - reads as a sentence
    """Make a many-to-one relation."""
    return Relation("belongs_to", source, target, role, required)


def linked(source: str, target: str, role: str) -> Relation:
    """Make a many-to-many relation."""
    return Relation("many_to_many", source, target, role)


def analysis(
    *entities: Entity,
    relations: tuple[Relation, ...] = (),
    name: str = "book-shelf",
    title: str = "Book shelf",
    text: str = "A REST API that tracks books.",
) -> Analysis:
    """Make an analysis of a REST API."""
    return Analysis(
        text=text,
        language="en",
        name=name,
        title=title,
        kind="rest-api",
        kind_reason="it says so",
        kind_scores=(("rest-api", 1.0),),
        items=(),
        entities=entities,
        relations=relations,
        questions=(),
        complexity=1,
    )


BOOKS = analysis(entity("Book", field("title"), field("author"), field("year", "integer")))

EVERY_TYPE = analysis(
    entity(
        "Everything",
        *(field(f"a_{kind}", kind) for kind in TYPES if kind != "enum"),
        *(field(f"b_{kind}", kind, required=False) for kind in TYPES if kind != "enum"),
        field("state", "enum", values=("open", "in progress", "½-½", "pass", "待确认")),
        field("single", "enum", values=("a",), required=False),
        field("unnamed", "enum"),
        field("score", "integer", minimum="1", maximum="5"),
        field("price", "money", minimum="0.50"),
        field("rate", "decimal", minimum="0.5", maximum="0.75"),
        field("depth", "integer", maximum="-3"),
        field("wait", "duration", minimum="60"),
        field("sku", unique=True),
        field("number", "integer", unique=True, required=False),
        field("place", "integer", unique=True, minimum="0", maximum="3"),
        field("odd", "integer", minimum="9", maximum="1"),
    )
)

SHOP = analysis(
    entity(
        "Order",
        field("status", "enum", values=("open", "paid", "shipped")),
        field("placed_at", "datetime"),
    ),
    entity("Customer", field("name"), field("email", "email", unique=True)),
    entity(
        "Product",
        field("name"),
        field("sku", unique=True),
        field("price", "money", minimum="0"),
        field("quantity", "integer", minimum="0"),
    ),
    entity("Tag", field("name", unique=True)),
    entity(
        "Review",
        field("stars", "integer", minimum="1", maximum="5"),
        field("body", "text", required=False),
    ),
    relations=(
        belongs_to("Order", "Customer", "customer"),
        belongs_to("Review", "Product", "product"),
        belongs_to("Review", "Customer", "customer", False),
        linked("Product", "Tag", "tag"),
        linked("Order", "Product", "product"),
    ),
)

CIRCLES = analysis(
    entity("Alpha", field("name")),
    entity("Beta", field("name")),
    entity("Person", field("name")),
    entity("Match", field("played_on", "date")),
    entity("Player", field("nick", unique=True)),
    relations=(
        belongs_to("Alpha", "Beta", "beta"),
        belongs_to("Beta", "Alpha", "alpha"),
        belongs_to("Person", "Person", "boss"),
        linked("Person", "Person", "friend"),
        belongs_to("Match", "Player", "white_player"),
        belongs_to("Match", "Player", "black_player"),
        belongs_to("Player", "Alpha", "home", False),
        belongs_to("Alpha", "Player", "captain", False),
        belongs_to("Alpha", "Nobody", "nobody"),
    ),
)

_RESERVED = (
    *("import", "class", "self", "id", "type", "created_at", "metadata", "registry", "schema"),
    *("model_config", "model_fields", "json", "copy", "dict", "limit", "offset", "sort", "order"),
    *("q", "str", "int", "sa", "dt", "price_min", "größe", "名前", "2fa", "Year Built", "_hidden"),
    *("query", "list", "None", "a b", "a-b", "a_b", "record", "body", "response", "session"),
)

NAMES = analysis(
    entity(
        "Class",
        *(field(name) for name in _RESERVED),
        field("price", "money"),
        *(field(kind, kind) for kind in ("date", "time", "datetime", "duration", "enum")),
    ),
    entity("Page", field("name")),
    entity("Json", field("name")),
    entity("Session", field("name")),
    entity("Health", field("name")),
    entity("Doc"),
    entity("BookRead", field("name")),
    entity(
        "Book",
        field("title"),
        field("state", "enum", values=("None", "mro", "1-0", "name", "value", "", "open")),
    ),
    entity("书", field("名")),
    entity("Client", field("name")),
    entity("Test", field("name")),
    entity("Test", field("other")),
    relations=(belongs_to("Page", "Class", "class"), belongs_to("Class", "Json", "price")),
    name="json",
)

LONG = analysis(
    *(
        entity(
            f"VeryLongEntityNameThatFills{end}",
            *(field("x" * 40 + kind, kind) for kind in TYPES),
            *(
                field(f"very_long_{kind}_name_of_it", kind, required=False, unique=True)
                for kind in TYPES
            ),
            field("some_choice_of_many_things", "enum", values=("v" * 50, "w " * 24, "待" * 25)),
            field("money_of_a_very_long_name", "money", minimum="-999999.99", maximum="99999999"),
            field("名" * 15, "integer", minimum="1", maximum="2000000000"),
        )
        for end in ("A", "Bb")
    ),
    entity("z" * 300, field("q" * 300, unique=True)),
    relations=(
        belongs_to(
            "VeryLongEntityNameThatFillsA", "VeryLongEntityNameThatFillsBb", "very_long_role_of_it"
        ),
        belongs_to("VeryLongEntityNameThatFillsA", "VeryLongEntityNameThatFillsBb", "y" * 99),
        linked("VeryLongEntityNameThatFillsA", "VeryLongEntityNameThatFillsBb", "y" * 99),
        linked("VeryLongEntityNameThatFillsA", "VeryLongEntityNameThatFillsA", "long_role_of_it"),
    ),
)

HOSTILE_NAMES = analysis(
    entity(
        f"Book {HOSTILE}",
        field(f"title {HOSTILE}"),
        field("state", "enum", values=('"""', "'", "\\", "{{ 7*7 }}", "</script>", "a\tb", "x\ny")),
        field("kind", "enum", values=('say "hi"', "don't", "both \"'", "{% raw %}", "$(id)")),
    ),
    name=HOSTILE,
    title=HOSTILE,
    text=HOSTILE,
)

NOTHING = analysis()

ALL: dict[str, Analysis] = {
    "books": BOOKS,
    "every_type": EVERY_TYPE,
    "shop": SHOP,
    "circles": CIRCLES,
    "names": NAMES,
    "long": LONG,
    "hostile": HOSTILE_NAMES,
    "nothing": NOTHING,
}


def drawn(seed: int, count: int = 5) -> Analysis:
    """Draw `count` entities with fields and relations; the same seed draws the same."""
    chance = random.Random(seed)  # noqa: S311 - test data, no secret
    names = chance.sample(
        [
            *("Loan", "Member", "Tool", "Visit", "Club", "Race", "Species", "Dose", "Ox"),
            *("Status", "Meter", "Reading", "Goose", "Invoice", "Person", "Bus"),
        ],
        count,
    )
    entities = tuple(entity(name, *_fields(chance)) for name in names)
    relations = tuple(
        Relation(
            chance.choice(("belongs_to", "belongs_to", "many_to_many")),
            chance.choice(names),
            chance.choice(names),
            chance.choice(("owner", "main_part", "other", "first")),
            chance.random() < 0.7,
        )
        for _ in range(chance.randrange(0, count + 2))
    )
    return analysis(*entities, relations=relations, name=f"drawn-{seed}")


def _fields(chance: random.Random) -> list[Field]:
    words = ("name", "status", "note", "level", "price", "size", "when", "spot", "tags", "kind")
    return [_field(chance, name) for name in chance.sample(words, chance.randrange(0, 8))]


def _field(chance: random.Random, name: str) -> Field:
    kind = chance.choice(TYPES)
    values = tuple(chance.sample(("new", "old", "in use", "off", "n/a"), chance.randrange(0, 5)))
    return Field(
        name,
        kind,
        values if kind == "enum" else (),
        required=chance.random() < 0.6,
        unique=chance.random() < 0.2,
        minimum=chance.choice((None, None, "0", "2.5", "7", "-10")),
        maximum=chance.choice((None, None, "5", "7", "99.5", "100000")),
    )
