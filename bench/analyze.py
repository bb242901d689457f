"""Precision and recall of the rule analysis on labelled requirement texts.

    python bench/analyze.py [DATA.jsonl] [--json OUT] [--verbose]

Without DATA it is the shared development set, on which rules were made. Texts of other domains:

    python bench/analyze.py tests/design/analysis/fresh/a.jsonl     (rules were made on it, too)
    python bench/analyze.py tests/design/analysis/fresh/b.jsonl     (only its totals were looked at)

Their README says how they came about; `tests/design/analysis/test_fresh.py` keeps floors.

How things are matched: names lower-cased, split into words, singular, `of the` words dropped and
each word replaced by its canonical one from `analyze_synonyms.yaml` (general English only) and cut
to its stem ("watered", "watering", "installation" match "water", "install").
A field that is named only by its type ("date", "time") matches the one label of that type that ends
in `_on`/`_at`. Fields with `assumed=True` are not scored. `optional:` entities of the notes count
neither as missed nor as wrong. An enum's type is right if it is an enum with the same values.
A must item counts as found if an item of the analysis holds at least half of its content words
(stemmed to their first 5 letters); labels that begin with a negation may be found in a WONT item.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from analyze_score import Counts, Score, score_record, synonyms
from buildwright.design.analysis import analyze

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ROOT.parent / "shared" / "data" / "requirements" / "requirements.jsonl"
PARTS = ("entities", "fields", "belongs_to", "many_to_many", "relations", "must_items")


def main(argv: list[str]) -> int:
    """Run the benchmark; 0 if it ran, 2 if the data cannot be read."""
    arguments = _arguments(argv)
    path = Path(arguments.data)
    if not path.is_file():
        print(f"analyze: no file {path}; give a .jsonl of requirement records", file=sys.stderr)
        return 2
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    table = synonyms(Path(__file__).with_name("analyze_synonyms.yaml"))
    analyze("A REST API that tracks warm-ups with a name")
    scores: list[Score] = []
    for record in records:
        begin = time.perf_counter()
        analysis = analyze(record["text"])
        taken_ms = (time.perf_counter() - begin) * 1000
        scores.append(score_record(record, analysis, table, taken_ms))
    if arguments.verbose:
        _print_rows(scores)
    figures = summary(scores)
    _print_table(figures, len(records))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0


def summary(scores: list[Score]) -> dict[str, object]:
    """Figures over all records; ratios are 0 to 1, times in milliseconds."""
    figures: dict[str, object] = {
        "kind_accuracy": _share(sum(s.kind_right for s in scores), len(scores)),
        "type_accuracy": _share(sum(s.types_right for s in scores), sum(s.typed for s in scores)),
        "ms_median": round(statistics.median(s.taken_ms for s in scores), 1),
        "ms_max": round(max(s.taken_ms for s in scores), 1),
    }
    for part in PARTS:
        total = Counts()
        for score in scores:
            total = total + getattr(score, part)
        figures[part] = {
            "precision": _share(total.hits, total.predicted),
            "recall": _share(total.recalled, total.labelled),
            "f1": total.f1,
            "labelled": total.labelled,
            "predicted": total.predicted,
        }
    return figures


def _share(part: int, whole: int) -> float:
    return round(part / whole, 3) if whole else 1.0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="analyze", description="score the rule analysis")
    parser.add_argument("data", nargs="?", default=str(DEFAULT))
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--verbose", action="store_true", help="one row per record")
    return parser.parse_args(argv)


def _print_rows(scores: list[Score]) -> None:
    for score in scores:
        mark = "ok " if score.kind_right else f"NOT {score.kind_wanted}"
        entities, fields, relations = score.entities, score.fields, score.relations
        print(
            f"{score.id:10} {score.kind:18} {mark:22} entities {entities.row()} "
            f"fields {fields.row()} relations {relations.row()} must {score.must_items.row()}"
        )
        for line in score.misses:
            print(f"           {line}")


def _print_table(figures: dict[str, object], count: int) -> None:
    print(f"{count} records; assumed fields are not scored; synonyms: analyze_synonyms.yaml")
    print(f"kind accuracy            {figures['kind_accuracy']}")
    print(f"{'':14}precision   recall       F1   labelled  predicted")
    for part in PARTS:
        row = figures[part]
        if isinstance(row, dict):
            print(
                f"{part:14}{row['precision']:9.3f}{row['recall']:9.3f}{row['f1']:9.3f}"
                f"{row['labelled']:11}{row['predicted']:11}"
            )
    print(f"type accuracy on matched fields  {figures['type_accuracy']}")
    print(f"analyze: median {figures['ms_median']} ms, max {figures['ms_max']} ms")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
