"""Perturbed real edits: where they land, against a plain first-match search/replace.

    python bench/edits.py [DATA.jsonl] [--json OUT] [--seed N] [--edits N]

Edits come from buggy/canonical pairs (alone, and amid five other tasks) and from functions of
installed packages with one statement changed, inserted, deleted or wrapped. Each is perturbed in
the ways of `edits_perturb*.py`; the truth of each is known: the right bytes, or "must be refused".
"wrong" counts any other bytes, and a success that is none. Times are of parse + resolve + apply in
memory of one answer, in microseconds. The baseline replaces the first occurrence of the old text
in the named file, and knows no hashes.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from buildwright.workspace.edits import (
    EditRefused,
    Policy,
    Refusals,
    apply_in_memory,
    check,
    parse,
    resolve,
)
from edits_cases import Case, simple
from edits_perturb import Given, Perturb
from edits_perturb_more import REFUSED, RIGHT
from edits_sources import Source, changes, package_edits, pairs

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ROOT.parent / "shared" / "data" / "humanevalpack" / "dev.jsonl"
WHO = ("ours", "baseline")
RESULTS = ("right", "refused", "wrong")


def main(argv: list[str]) -> int:
    """Run the benchmark; 0 if no edit landed wrong, 1 if one did, 2 without data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "edits.json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edits", type=int, default=160, help="edits of packages to perturb")
    given = parser.parse_args(argv)
    if not given.data.is_file():
        print(f"edits: no file {given.data}; give a .jsonl of task records", file=sys.stderr)
        return 2
    figures = measure(given.data, given.seed, given.edits)
    show(figures)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"\nwritten to {given.json}")
    return int(any(row["ours"]["wrong"] for row in figures["totals"].values()))


def measure(data: Path, seed: int, edits: int) -> dict[str, Any]:
    """Return the figures of all perturbations; counts, and microseconds."""
    begin = time.perf_counter()
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    sources = pairs(data, rng) + package_edits(rng, edits)
    rows = {perturb.__name__: _row(perturb, sources, seed) for perturb in (*RIGHT, *REFUSED)}
    took = [us for row in rows.values() for us in row.pop("took_us")]
    return {
        "edits": len(sources),
        "cases": sum(row["cases"] for row in rows.values()),
        "seed": seed,
        "median_us": round(statistics.median(took)),
        "p99_us": round(statistics.quantiles(took, n=100)[98]),
        "totals": {truth: _total(rows, truth) for truth in ("right", "refused")},
        "gate_objections_to_right_edits": _objections(sources, rng),
        "perturbations": rows,
        "seconds": round(time.perf_counter() - begin, 1),
    }


def _total(rows: dict[str, Any], truth: str) -> dict[str, Any]:
    """Sum the counts of all perturbations with this truth."""
    chosen = [row for row in rows.values() if row["truth"] == truth]
    sums = {who: {r: sum(row[who][r] for row in chosen) for r in RESULTS} for who in WHO}
    return {"truth": truth, "cases": sum(row["cases"] for row in chosen), **sums}


def cases(perturb: Perturb, sources: list[Source], seed: int) -> Iterator[Case]:
    """Yield the cases of one perturbation; each has its own random numbers."""
    for number, source in enumerate(sources):
        rng = random.Random(f"{seed} {perturb.__name__} {number}")  # noqa: S311 - repeatable
        made = changes(source, rng.randrange(1, 5))
        case = perturb(Given(source, made, rng.choice(sources), rng))
        if case is not None:
            yield case


def _row(perturb: Perturb, sources: list[Source], seed: int) -> dict[str, Any]:
    ours, baseline, took = Counter[str](), Counter[str](), []
    for case in cases(perturb, sources, seed):
        started = time.perf_counter()
        outcome = landed(case)
        took.append((time.perf_counter() - started) * 1e6)
        ours[score(case, outcome)] += 1
        baseline[score(case, first_match(case))] += 1
    counts = {"ours": {r: ours[r] for r in RESULTS}, "baseline": {r: baseline[r] for r in RESULTS}}
    truth = "refused" if perturb in REFUSED else "right"
    return {"truth": truth, "cases": ours.total(), **counts, "took_us": took}


def landed(case: Case) -> dict[str, bytes] | None:
    """The files after the answer, None when it is refused."""
    try:
        batch = resolve(parse(case.answer), case.files, case.hashes())
    except EditRefused:
        return None
    if isinstance(batch, Refusals):
        return None
    after = apply_in_memory(batch, case.files)
    if case.gates and check(batch, case.files, after, Policy()):
        return None
    return after


def first_match(case: Case) -> dict[str, bytes] | None:
    """The files after a plain replacement of each first occurrence, None when one is missing."""
    content = case.files[case.path].decode("utf-8", "surrogateescape")
    for old, new in case.pairs:
        if old not in content:
            return None
        content = content.replace(old, new, 1)
    if not case.pairs:
        return None
    return {**case.files, case.path: content.encode("utf-8", "surrogateescape")}


def score(case: Case, after: dict[str, bytes] | None) -> str:
    """`right`, `refused` or `wrong`; to refuse what must be refused is `refused`."""
    if after is None:
        return "refused"
    expected = {**case.files, case.path: case.expected}
    return "right" if case.expected is not None and after == expected else "wrong"


def _objections(sources: list[Source], rng: random.Random) -> dict[str, int]:
    """How many of the unperturbed edits the gates object to, by rule."""
    counts = Counter[str]()
    policy = Policy(protected=())
    for source in rng.sample(sources, min(150, len(sources))):
        files = {source.path: source.before.encode()}
        batch = resolve(parse(simple(source, changes(source, 8)).answer), files, _hashes(source))
        if not isinstance(batch, Refusals):
            counts["edits"] += 1
            found = check(batch, files, {source.path: source.after.encode()}, policy)
            counts.update({one.rule for one in found})
    return dict(counts)


def _hashes(source: Source) -> dict[str, str]:
    return Case("", source.path, {source.path: source.before.encode()}, None, []).hashes()


def show(figures: dict[str, Any]) -> None:
    """Print one line for each perturbation."""
    head = f"{'perturbation':24}{'truth':9}{'n':>6}{'right %':>9}{'refused %':>11}{'WRONG':>7}"
    print(f"{head}   baseline: {'right %':>8}{'refused %':>11}{'wrong %':>9}")
    for name, row in figures["perturbations"].items():
        print(_line(name, row["truth"], row))
    for truth, row in figures["totals"].items():
        print(_line("all", truth, row))
    print(f"\n{figures['edits']} edits, {figures['cases']} cases, {figures['seconds']} s;", end=" ")
    print(f"median {figures['median_us']} us, 99th percentile {figures['p99_us']} us an answer")
    print(f"gates on right edits (objections by rule): {figures['gate_objections_to_right_edits']}")


def _line(name: str, truth: str, row: dict[str, Any]) -> str:
    cases = max(1, row["cases"])
    ours, base = row["ours"], row["baseline"]
    shares = [f"{100 * one / cases:.1f}" for one in (ours["right"], ours["refused"])]
    plain = [f"{100 * base[r] / cases:.1f}" for r in RESULTS]
    left = f"{name:24}{truth:9}{row['cases']:>6}{shares[0]:>9}{shares[1]:>11}{ours['wrong']:>7}"
    return f"{left}   {'':10}{plain[0]:>8}{plain[1]:>11}{plain[2]:>9}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
