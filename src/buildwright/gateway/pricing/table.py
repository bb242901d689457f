"""The price list that ships with the package; nothing is ever fetched.

Made by tools/prices.py from genai-prices (MIT). A model is found by its exact name in the list of
its provider; else by that name and a date, version or `-latest` behind it (`gpt-4o-2027-01-01`);
else, where the list itself names a beginning (`gemini-2.5-pro`), with `-preview` or `-exp` too.
Other names have no price: nothing is guessed.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from buildwright.gateway.pricing.price import Price, rates_of

FILE = Path(__file__).parent / "prices.json"
DAY_S = 86_400
DATED = re.compile(r"(?:[-@:](?:latest|20\d\d-?[01]\d-?[0-3]\d|[01]\d-?[0-3]\d|2[0-9][01]\d))$")
PREVIEW = re.compile(r"-(?:preview|exp)$")
ORDINARY = frozenset({"", "auto", "default", "standard", "standard_only", "on_demand"})
"""Service tiers that cost the listed price."""


class PriceTable:
    """Prices by provider and model; `version` names source, date and content."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.version: str = data["version"]
        self.source: str = data["source"]
        self._date: float = data["date"]
        self._rates, self._plans = data["rates"], data["plans"]
        self._providers: dict[str, Any] = data["providers"]

    def price_of(
        self, provider: str, model: str, *, at: float | None = None, service_tier: str = ""
    ) -> Price | None:
        """Return the price of a model, None when it is unknown.

        Some prices change by date or hour: `at` (seconds since the epoch) picks; without it the
        dearest hour counts. A service tier without a price of its own has none.
        """
        listed = self._providers.get(provider.lower())
        if listed is None:
            return None
        place = self._place(listed, model.lower())
        if place is None:
            inner = (
                self.price_of(p, model, at=at, service_tier=service_tier) for p in _also(listed)
            )
            return next((price for price in inner if price is not None), None)
        if service_tier.lower() not in ORDINARY:
            place = listed["tiers"].get(str(place), {}).get(service_tier.lower())
            if place is None:
                return None
        return self._picked(self._plans[place], at)

    def models(self, provider: str) -> tuple[str, ...]:
        """Return the names a provider's list has, for suggestions."""
        return tuple(self._providers.get(provider.lower(), {}).get("names", ()))

    def _place(self, listed: dict[str, Any], name: str) -> int | None:
        names, prefixes = listed["names"], listed["prefixes"]
        found: int | None = names.get(name)
        if found is not None:
            return found
        bare = DATED.sub("", name)
        if bare in names:
            found = names[bare]
        elif bare in prefixes:
            found = prefixes[bare]
        else:
            found = prefixes.get(PREVIEW.sub("", bare))
        return found

    def _picked(self, plan: list[Any], at: float | None) -> Price:
        if at is not None:
            return self._price(next((e for e in reversed(plan) if _active(e[0], at)), plan[0]))
        possible = []
        for entry in reversed(plan):
            if isinstance(entry[0], list):
                possible.append(entry)
            elif entry[0] is None or entry[0] <= self._date:
                possible.append(entry)
                break
        return max(map(self._price, possible), key=lambda p: p.bound_nano(1_000_000, 1_000_000))

    def _price(self, entry: list[Any]) -> Price:
        _, base, *steps = entry
        return Price(
            self._full(base), self.version, tuple((start, self._full(r)) for start, r in steps)
        )

    def _full(self, place: int) -> Any:
        fresh, read, write, write_1h, output, reasoning = self._rates[place]
        return rates_of(fresh, output or 0, read, write, write_1h, reasoning)


@cache
def price_table(path: Path = FILE) -> PriceTable:
    """Return the price list, read at first use (about 2 ms) and kept."""
    import orjson

    return PriceTable(orjson.loads(path.read_bytes()))


def _also(listed: dict[str, Any]) -> list[str]:
    also: list[str] = listed.get("also", [])
    return also


def _active(constraint: Any, at: float) -> bool:
    if constraint is None:
        return True
    if not isinstance(constraint, list):
        return at >= float(constraint)
    start, end = map(float, constraint)
    second = at % DAY_S
    return start <= second < end if start <= end else second >= start or second < end
