"""The benchmark of the analysis counts what it says it counts."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from buildwright.design.analysis import analyze

BENCH = Path(__file__).parents[3] / "bench"
TEXT = (
    "A REST API that tracks books with title, price and publication date. A book belongs to a shop."
)
LABEL: dict[str, Any] = {
    "id": "own-1",
    "kind": "rest-api",
    "entities": [
        {
            "name": "Book",
            "fields": [
                {"name": "title", "type": "string"},
                {"name": "cost", "type": "money"},
                {"name": "published_on", "type": "date"},
            ],
            "belongs_to": ["Shop"],
        },
        {"name": "Shop", "fields": [], "belongs_to": []},
    ],
    "must_items": ["track books with a price", "pay by card"],
    "notes": "",
}


@pytest.fixture(name="scoring")
def _scoring() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("analyze_score", BENCH / "analyze_score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["analyze_score"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["analyze_score"]


def scored(scoring: ModuleType, label: dict[str, Any]) -> Any:
    table = scoring.synonyms(BENCH / "analyze_synonyms.yaml")
    return scoring.score_record(label, analyze(TEXT), table, 1.0)


def test_a_right_analysis_scores_full_marks_by_synonyms_and_stems(scoring: ModuleType) -> None:
    score = scored(scoring, LABEL)
    assert score.kind_right
    assert score.entities.f1 == score.fields.f1 == score.relations.f1 == 1.0
    assert (score.typed, score.types_right) == (3, 3)
    assert (score.must_items.recalled, score.must_items.labelled) == (1, 2)


def test_assumed_fields_are_not_scored(scoring: ModuleType) -> None:
    assert scored(scoring, LABEL).fields.predicted == 3


def test_what_the_labels_miss_counts_as_wrong(scoring: ModuleType) -> None:
    label = {**LABEL, "entities": [{"name": "Shop", "fields": [], "belongs_to": []}]}
    score = scored(scoring, label)
    assert (score.entities.hits, score.entities.predicted) == (1, 2)
    assert score.fields.predicted == 3
    assert score.fields.hits == 0


def test_an_optional_entity_is_neither_missed_nor_wrong(scoring: ModuleType) -> None:
    label = {**LABEL, "notes": "optional: Shop"}
    score = scored(scoring, label)
    assert (score.entities.hits, score.entities.predicted, score.entities.labelled) == (1, 1, 1)


def test_a_wrong_type_is_told_on_a_matched_field(scoring: ModuleType) -> None:
    book = {**LABEL["entities"][0], "fields": [{"name": "title", "type": "text"}]}
    score = scored(scoring, {**LABEL, "entities": [book, LABEL["entities"][1]]})
    assert (score.typed, score.types_right) == (1, 0)
    assert any("Book.title" in line for line in score.misses)
