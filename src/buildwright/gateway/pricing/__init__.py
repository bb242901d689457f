"""What calls cost: a price list that ships with the package, and usage in disjoint buckets."""

from __future__ import annotations

from buildwright.gateway.pricing.estimate import estimate_tokens, least_tokens
from buildwright.gateway.pricing.price import FREE, Price, Rates, configured_price
from buildwright.gateway.pricing.table import PriceTable, price_table
from buildwright.gateway.pricing.usage import (
    merge_anthropic,
    usage_in_chunk,
    usage_of_anthropic,
    usage_of_ollama,
    usage_of_openai,
)

__all__ = [
    "FREE",
    "Price",
    "PriceTable",
    "Rates",
    "configured_price",
    "estimate_tokens",
    "least_tokens",
    "merge_anthropic",
    "price_table",
    "usage_in_chunk",
    "usage_of_anthropic",
    "usage_of_ollama",
    "usage_of_openai",
]
