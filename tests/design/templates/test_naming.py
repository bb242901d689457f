"""Names for code are safe whatever the text says."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildwright.design import naming
from buildwright.design.context import make_project

from .analyses import CIRCLES, NAMES, SHOP, analysis, belongs_to, entity, field


@given(st.text(max_size=80))
def test_any_text_becomes_names_that_python_accepts(text: str) -> None:
    made = (
        naming.attribute(text, "field_1"),
        naming.class_name(text),
        naming.module_name(naming.class_name(text)),
        naming.package_name(text),
        naming.constant(text, "VALUE_1"),
    )
    for name in made:
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert len(name) <= 40


@pytest.mark.parametrize("name", ["import", "class", "self", "metadata", "model_config", "schema"])
def test_a_reserved_name_is_changed_in_code_but_not_for_users(name: str) -> None:
    project = make_project(analysis(entity("Book", field(name))))
    (view,) = project.entities[0].fields
    assert view.attr == f"{name}_"
    assert view.key == name


def test_no_two_things_share_a_name() -> None:
    for project in map(make_project, (NAMES, SHOP, CIRCLES)):
        for attribute in ("cls", "var", "module", "table", "path"):
            names = [getattr(one, attribute).lower() for one in project.entities]
            assert len(set(names)) == len(names)
        for one in project.entities:
            attributes = [f.attr for f in one.fields] + [r.attr for r in one.relations]
            keys = [f.key for f in one.fields] + [r.key for r in one.relations]
            assert len(set(attributes)) == len(attributes)
            assert len({"id", *keys}) == len(keys) + 1


def test_an_id_in_the_text_is_the_id_of_the_record() -> None:
    project = make_project(analysis(entity("Book", field("id"), field("title"))))
    assert [view.key for view in project.entities[0].fields] == ["title"]
    assert project.entities[0].own_id


def test_a_project_named_like_a_library_gets_a_name_of_its_own() -> None:
    assert naming.package_name("fastapi") == "fastapi_app"
    assert naming.package_name("json") == "json_app"
    assert naming.package_name("book-shelf") == "book_shelf"


def test_letters_with_marks_are_written_plainly_and_others_by_position() -> None:
    project = make_project(analysis(entity("Straße", field("größe"), field("名前"))))
    assert project.entities[0].cls == "Strasse"
    assert [view.attr for view in project.entities[0].fields] == ["grosse", "field_2"]
    assert [view.key for view in project.entities[0].fields] == ["größe", "名前"]


def test_tables_come_after_those_they_need() -> None:
    project = make_project(SHOP)
    place = {one.source: index for index, one in enumerate(project.tables)}
    assert place["Customer"] < place["Order"]
    assert max(place["Product"], place["Customer"]) < place["Review"]


def test_a_required_circle_is_opened_at_one_place_and_says_why() -> None:
    project = make_project(CIRCLES)
    relations = {(one.source, r.source): r for one in project.entities for r in one.relations}
    assert relations["Alpha", "beta"].required
    assert not relations["Beta", "alpha"].required
    assert "refer to each other" in relations["Beta", "alpha"].optional_why
    assert not relations["Person", "boss"].required
    assert ("Alpha", "nobody") not in relations


def test_a_field_that_is_named_like_a_foreign_key_steps_aside() -> None:
    project = make_project(
        analysis(
            entity("Order", field("customer_id")),
            entity("Customer"),
            relations=(belongs_to("Order", "Customer", "customer"),),
        )
    )
    order = project.entities[0]
    assert order.relations[0].key == "customer_id"
    assert order.fields[0].key == "customer_id_2"


def test_parameters_of_a_list_never_mean_two_things() -> None:
    project = make_project(
        analysis(entity("Book", field("price", "money"), field("price_min"), field("limit")))
    )
    keys = [one.key for view in project.entities[0].fields for one in view.filters]
    assert keys == ["price", "price_min_2", "price_max", "price_min", "limit_is"]
