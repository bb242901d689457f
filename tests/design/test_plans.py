"""Plans, variants, diagrams and code maps: computed, deterministic, safe against names."""

from __future__ import annotations

from tests.samples import WHOLE, analysis, item

from buildwright.core.requirements import Entity, Field, Relation
from buildwright.design.codemap import map_code
from buildwright.design.diagram import entity_diagram, entity_mermaid
from buildwright.design.documents import design_pages, project_documents
from buildwright.design.planning import DEFAULT_BUILD_S, Choice, make_plan
from buildwright.design.variants import rank_variants

CHOICE = Choice("rest-api", "1", "REST", "said so", {"license": "MIT"}, {"manage:Book": ("a.py",)})


def test_constraints_veto_before_scores_count() -> None:
    free = rank_variants("cli-tool", "cli-tool", frozenset())
    bound = rank_variants("cli-tool", "cli-tool", frozenset({"sqlite", "offline"}))
    assert free.chosen == bound.chosen == "single-process"
    vetoes = {variant.name: variant.veto for variant in bound.variants}
    assert vetoes["plain-files"] == "the requirement asks for: sqlite"
    assert vetoes["client-and-server"] == "the requirement asks for: offline, sqlite"


def test_totals_weigh_goodness_and_weights_are_normalised() -> None:
    weights = {"complexity": 2.0, "scalability": 1.0, "cost": 1.0}
    ranking = rank_variants("rest-api", "rest-api", frozenset(), weights)
    best = ranking.variants[0]
    assert best.total == 0.5 * (10 - 2) + 0.25 * 5 + 0.25 * (10 - 1)
    assert sum(weight for _, weight in ranking.weights) == 1.0


def test_a_change_of_weights_that_picks_another_is_told() -> None:
    ranking = rank_variants("rest-api", "rest-api", frozenset())
    assert any(flip.startswith("scalability weighed") for flip in ranking.flips)


def test_a_kind_without_variants_has_none() -> None:
    ranking = rank_variants("ml-service", "x", frozenset())
    assert (ranking.variants, ranking.chosen, ranking.flips) == ((), "", ())


def test_a_plan_says_what_is_left_for_a_model() -> None:
    plan = make_plan(analysis(item(1), item(2, ())), CHOICE, (), {})
    assert plan.uncovered == ("FR-2",)
    assert [task.done_by for task in plan.tasks] == ["template", "model"]
    assert plan.forecast.time_s == DEFAULT_BUILD_S
    assert make_plan(analysis(), CHOICE, (), {"test": 2.0, "plan": 1.0}).forecast.time_s == 3.0


def shop() -> Entity:
    fields = tuple(Field(f"f{n}", "string") for n in range(20))
    return Entity('Shop<script>"', fields, WHOLE)


def test_diagrams_are_safe_and_draw_every_entity_and_relation() -> None:
    from dataclasses import replace

    both = replace(
        analysis(),
        entities=(*analysis().entities, shop()),
        relations=(
            Relation("belongs_to", "Book", 'Shop<script>"', "shop"),
            Relation("many_to_many", "Book", "Book", "similar"),
            Relation("belongs_to", "Book", "Nobody", "ghost"),
        ),
    )
    svg, mermaid = entity_diagram(both), entity_mermaid(both)
    assert "<script>" not in svg + mermaid
    assert svg.count("<rect") == 2
    assert svg.count("<path") == 2
    assert "Book }o--o{ Book" in mermaid
    assert entity_diagram(replace(both, entities=())) == ""


def test_pages_escape_what_people_and_models_write() -> None:
    from dataclasses import replace

    hostile = replace(analysis(), title="<img src=x onerror=alert(1)>", text="</blockquote>| a |")
    pages = {p.path: p.content.decode() for p in design_pages(hostile, make_plan(
        hostile, CHOICE, (), {}), "1")}  # fmt: skip
    html = pages[".buildwright/design.html"]
    assert "<img" not in html
    assert "</blockquote>|" not in html
    assert "default-src 'none'" in html
    assert "http" not in html.replace("http-equiv", "")


def test_project_documents_leave_what_the_template_wrote() -> None:
    from buildwright.core.tree import RenderedFile

    mine = RenderedFile("CHANGELOG.md", b"mine", "template")
    pages = project_documents(analysis(), make_plan(analysis(), CHOICE, (), {}), (mine,), "1")
    assert {page.path for page in pages} == {"docs/requirements.md", "docs/code.md"}


def test_a_code_map_finds_symbols_and_routes_and_names_broken_files() -> None:
    source = b'''
import router

class Book(Base):
    """A book."""

@router.get("/books/{id}")
async def read_book(id: int) -> Book:
    """Read one.

    More."""

def _private(): ...
'''
    code = map_code({"a.py": source, "b.py": b"def ("})
    assert [(s.name, s.kind, s.summary) for s in code.symbols] == [
        ("Book", "class", "A book."),
        ("read_book", "function", "Read one."),
    ]
    assert [(r.verb, r.path, r.function) for r in code.routes] == [
        ("GET", "/books/{id}", "read_book")
    ]
    assert code.broken == ("b.py",)
