"""Scored architecture variants: constraints veto first, then a weighted mean decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from buildwright.core.plan import Variant

DEFAULT_WEIGHTS: dict[str, float] = {"complexity": 0.4, "scalability": 0.3, "cost": 0.3}
_STEP = 0.05


@dataclass(frozen=True, slots=True)
class Ranking:
    """Variants best first (vetoed ones last) and which change of weights picks another."""

    variants: tuple[Variant, ...]
    chosen: str
    weights: tuple[tuple[str, float], ...]
    flips: tuple[str, ...]


def rank_variants(
    kind: str, template: str, needs: frozenset[str], weights: Mapping[str, float] | None = None
) -> Ranking:
    """Score the known variants of a kind for a requirement that needs these capabilities."""
    used = _normalised(weights or DEFAULT_WEIGHTS)
    rows = _rows().get(kind, [])
    scored = [
        replace(variant, total=_total(variant, used), veto=_veto(row, template, needs))
        for row, variant in ((row, _variant(row)) for row in rows)
    ]
    ordered = sorted(scored, key=lambda v: (bool(v.veto), -v.total, v.name))
    chosen = ordered[0].name if ordered and not ordered[0].veto else ""
    possible = [v for v, row in zip(scored, rows, strict=True) if not _broken(row, needs)]
    return Ranking(tuple(ordered), chosen, tuple(used.items()), _flips(possible, used))


def _total(variant: Variant, weights: Mapping[str, float]) -> float:
    goodness = {
        "complexity": 10 - variant.complexity,
        "scalability": variant.scalability,
        "cost": 10 - variant.cost,
    }
    return round(sum(goodness[name] * weight for name, weight in weights.items()), 2)


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: round(value / total, 4) for name, value in weights.items()}


def _veto(row: Mapping[str, Any], template: str, needs: frozenset[str]) -> str:
    broken = _broken(row, needs)
    if broken:
        return f"the requirement asks for: {', '.join(broken)}"
    if row.get("template") != template:
        return "no template builds it yet"
    return ""


def _broken(row: Mapping[str, Any], needs: frozenset[str]) -> list[str]:
    return sorted(needs & frozenset(row.get("excludes", ())))


def _flips(ordered: Sequence[Variant], weights: Mapping[str, float]) -> tuple[str, ...]:
    if not ordered:
        return ()
    best = _best(ordered, weights)
    found = []
    for name in weights:
        for step in range(1, int(1 / _STEP) + 1):
            value = weights[name] + step * _STEP
            if value > 1:
                break
            winner = _best(ordered, _shifted(weights, name, value))
            if winner.name != best.name:
                found.append(
                    f"{name} weighed {value:.2f} instead of {weights[name]:.2f}: {winner.title}"
                )
                break
    return tuple(found)


def _best(variants: Sequence[Variant], weights: Mapping[str, float]) -> Variant:
    return max(variants, key=lambda v: (_total(v, weights), v.name))


def _shifted(weights: Mapping[str, float], name: str, value: float) -> dict[str, float]:
    rest = sum(weight for other, weight in weights.items() if other != name)
    return {
        other: value if other == name else weight * (1 - value) / rest
        for other, weight in weights.items()
    }


def _variant(row: Mapping[str, Any]) -> Variant:
    complexity, scalability, cost = (float(row[name]) for name in DEFAULT_WEIGHTS)
    return Variant(row["name"], row["title"], row["summary"], complexity, scalability, cost, 0.0)


@cache
def _rows() -> dict[str, list[dict[str, Any]]]:
    path = Path(__file__).with_name("variants.yaml")
    loaded: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded
