"""Texts of other domains do not fall behind: floors a little under the measured totals."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from buildwright.design.analysis import analyze

HERE = Path(__file__).parent
BENCH = HERE.parents[2] / "bench"
FLOORS = {
    "a": {"entities": 0.92, "fields": 0.84, "relations": 0.86, "kinds": 0.95},
    "b": {"entities": 0.76, "fields": 0.68, "relations": 0.58, "kinds": 0.85},
    "c": {"entities": 0.84, "fields": 0.78, "relations": 0.64, "kinds": 0.9},
}


@pytest.fixture(name="scoring", scope="module")
def _scoring() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("analyze_score_fresh", BENCH / "analyze_score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["analyze_score_fresh"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["analyze_score_fresh"]


@pytest.mark.parametrize("half", FLOORS)
def test_totals_of_the_fresh_texts_stay_above_their_floors(scoring: ModuleType, half: str) -> None:
    lines = (HERE / "fresh" / f"{half}.jsonl").read_text("utf-8").splitlines()
    table = scoring.synonyms(BENCH / "analyze_synonyms.yaml")
    records = [json.loads(line) for line in lines]
    scores = [scoring.score_record(r, analyze(r["text"]), table, 0.0) for r in records]
    found = {
        part: sum((getattr(score, part) for score in scores), scoring.Counts()).f1
        for part in ("entities", "fields", "relations")
    }
    found["kinds"] = sum(score.kind_right for score in scores) / len(scores)
    assert {part: f1 for part, f1 in found.items() if f1 < FLOORS[half][part]} == {}


@pytest.mark.parametrize("half", FLOORS)
def test_no_field_of_a_fresh_text_speaks_of_an_injected_instruction(half: str) -> None:
    for line in (HERE / "fresh" / f"{half}.jsonl").read_text("utf-8").splitlines():
        analysis = analyze(json.loads(line)["text"])
        names = {field.name for entity in analysis.entities for field in entity.fields}
        assert not names & {"readme", "database_password", "tests", "environment"}
