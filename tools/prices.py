"""Make src/buildwright/gateway/pricing/prices.json from the development dependency genai-prices.

Usage: python tools/prices.py [--date 2026-11-20]. What the gateway cannot count by tokens of text
is left out, so that its price is unknown and not wrong: fees for each request, output of audio,
images or video, citation tokens. Fees for web searches are not part of a token price.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, Decimal
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

from genai_prices import data, types

TARGET = Path(__file__).parents[1] / "src/buildwright/gateway/pricing/prices.json"
RATES = (
    "input_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "output_mtok",
    "output_reasoning_mtok",
)
BESIDE = {
    "web_searches_kcount",
    "storage_searches_kcount",
    "input_audio_mtok",
    "cache_audio_read_mtok",
    "input_image_mtok",
    "cache_image_read_mtok",
    "input_video_mtok",
}
"""Prices of what is no text; the text beside it is priced, and the rest told apart by nobody."""


class Tables:
    """Rates and plans, each written once and named by its place."""

    def __init__(self) -> None:
        self.rates: list[list[int | None]] = []
        self.plans: list[list[Any]] = []

    def plan(self, entries: list[Any]) -> int:
        """Return the place of a plan."""
        return _place(self.plans, entries)

    def entry(self, constraint: Any, price: types.ModelPrice) -> list[Any]:
        """Return a plan's entry: constraint, base rates, then the start and rates of each tier."""
        starts = sorted({t.start for v in _values(price) for t in getattr(v, "tiers", ())})
        steps: list[Any] = [[s, _place(self.rates, _rates(price, s))] for s in starts]
        return [_constraint(constraint), _place(self.rates, _rates(price, -1)), *steps]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat())
    tables = Tables()
    providers = {p.id: _provider(p, tables) for p in data.providers}
    body = {"rates": tables.rates, "plans": tables.plans, "providers": providers}
    mark = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:8]
    day = parser.parse_args().date
    head = {
        "version": f"genai-prices {version('genai-prices')} @{day} {mark}",
        "source": "genai-prices by Pydantic Services Inc. and contributors, MIT licence",
        "date": _epoch(date.fromisoformat(day)),
    }
    TARGET.write_text(json.dumps(head | body, separators=(",", ":")) + "\n")
    licence = distribution("genai-prices").read_text("licenses/LICENSE")
    if not licence:
        raise SystemExit("genai-prices brings no licence text any more; find it before shipping")
    TARGET.with_name("prices.LICENSE").write_text(licence)
    count = sum(len(p["names"]) for p in providers.values())
    print(f"{TARGET.name}: {head['version']}, {count} names, {TARGET.stat().st_size} bytes")


def _provider(provider: types.Provider, tables: Tables) -> dict[str, Any]:
    made: dict[str, Any] = {"names": {}, "prefixes": {}, "tiers": {}}
    for model in provider.models:
        priced = _priced(model)
        if not priced:
            continue
        place = tables.plan([tables.entry(c, p) for c, p in priced])
        names = [model.id.lower(), *_named(model.match, "equals")]
        for name in names:
            made["names"].setdefault(name, place)
        for prefix in _named(model.match, "starts_with"):
            made["prefixes"].setdefault(prefix, place)
        tiers = _tiers(model, tables)
        if tiers:
            made["tiers"].setdefault(str(place), tiers)
    if provider.fallback_model_providers:
        made["also"] = provider.fallback_model_providers
    return made


def _priced(model: types.ModelInfo) -> list[tuple[Any, types.ModelPrice]]:
    prices = model.prices
    plan = (
        [(c.constraint, c.prices) for c in prices] if isinstance(prices, list) else [(None, prices)]
    )
    return plan if all(_expressible(p) for _, p in plan) else []


def _expressible(price: types.ModelPrice) -> bool:
    named = {key for key, value in price.__dict__.items() if value is not None}
    return "input_mtok" in named and named <= {*RATES, *BESIDE}


def _tiers(model: types.ModelInfo, tables: Tables) -> dict[str, int]:
    if isinstance(model.prices, list):
        return {}
    made: dict[str, int] = {}
    for variant in model.price_variants or ():
        tier = variant.when.get("service_tier")
        if tier is None or len(variant.when) > 1:
            continue
        price = types.ModelPrice(**{**model.prices.__dict__, **_set(variant.prices)})
        if _expressible(price):
            made[tier] = tables.plan([tables.entry(None, price)])
    return made


def _set(price: types.ModelPrice) -> dict[str, Any]:
    return {key: value for key, value in price.__dict__.items() if value is not None}


def _named(clause: Any, kind: str) -> Iterator[str]:
    if hasattr(clause, kind):
        yield getattr(clause, kind).lower()
    for inner in (*getattr(clause, "or_", ()), *getattr(clause, "and_", ())):
        yield from _named(inner, kind)


def _rates(price: types.ModelPrice, start: int) -> list[int | None]:
    return [_nano(price.__dict__.get(key), start) for key in RATES]


def _nano(value: Any, start: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, types.TieredPrices):
        steps = [t.price for t in sorted(value.tiers, key=lambda t: t.start) if t.start <= start]
        value = steps[-1] if steps else value.base
    nano = (Decimal(value) * 1_000_000_000).to_integral_value(rounding=ROUND_CEILING)
    if nano < 0:
        raise ValueError(f"negative price {value}")
    return int(nano)


def _constraint(constraint: Any) -> Any:
    if constraint is None:
        return None
    if isinstance(constraint, types.StartDateConstraint):
        return _epoch(constraint.start_date)
    return [_second(constraint.start_time), _second(constraint.end_time)]


def _epoch(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def _second(clock: time) -> int:
    moment = datetime.combine(date(2026, 1, 1), clock)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _values(price: types.ModelPrice) -> list[Any]:
    return [price.__dict__.get(key) for key in RATES]


def _place(table: list[Any], value: Any) -> int:
    if value not in table:
        table.append(value)
    return table.index(value)


if __name__ == "__main__":
    main()
