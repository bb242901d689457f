"""Plain requirements come out right without exception, of one sentence or of several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from buildwright.core.requirements import Analysis, Field
from buildwright.design.analysis import analyze

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = [
    case
    for name in ("one_sentence.yaml", "several_sentences.yaml")
    for case in yaml.safe_load((HERE / name).read_text("utf-8"))
]
IDS = [case["text"][:60] for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_kind_is_the_expected_one(case: dict[str, Any]) -> None:
    assert analyze(case["text"]).kind == case["kind"]


@pytest.mark.parametrize(
    "case", [c for c in CASES if "entities" in c], ids=lambda c: c["text"][:60]
)
def test_entities_and_fields_are_the_expected_ones(case: dict[str, Any]) -> None:
    analysis = analyze(case["text"])
    found = {entity.name: [shown(f) for f in entity.fields] for entity in analysis.entities}
    assert found == {name: list(fields) for name, fields in case["entities"].items()}


@pytest.mark.parametrize(
    "case", [c for c in CASES if "entities" in c], ids=lambda c: c["text"][:60]
)
def test_relations_are_the_expected_ones(case: dict[str, Any]) -> None:
    assert related(analyze(case["text"])) == sorted(case.get("relations", []))


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.get("covered")], ids=lambda c: c["text"][:60]
)
def test_one_item_is_found_and_capabilities_cover_it(case: dict[str, Any]) -> None:
    (item,) = analyze(case["text"]).items
    entity = next(iter(case["entities"]))
    assert item.id == "FR-1"
    assert f"manage:{entity}" in item.needs


def shown(field: Field) -> str:
    parts = [field.name, str(field.type)]
    if field.values:
        parts.append("|".join(field.values))
    if field.minimum is not None or field.maximum is not None:
        parts.append(f"{field.minimum or ''}..{field.maximum or ''}")
    marks = {"unique": field.unique, "assumed": field.assumed, "optional": not field.required}
    return " ".join([*parts, *(mark for mark, said in marks.items() if said)])


def related(analysis: Analysis) -> list[str]:
    arrows = {"belongs_to": ">", "many_to_many": "<>"}
    return sorted(f"{r.source} {arrows[r.kind]} {r.target}" for r in analysis.relations)
