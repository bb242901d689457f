"""The price list, what is found in it, and prices of the user's own."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

from buildwright.core.errors import SettingsError
from buildwright.core.gateway_settings import ModelSettings
from buildwright.core.ledger import TokenUsage
from buildwright.gateway.pricing import FREE, Price, Rates, configured_price, price_table
from buildwright.gateway.pricing.table import FILE, PriceTable

MILLION = TokenUsage(
    1_000_000, 1_000_000, 2_000_000, 1_000_000, 1_000_000, cache_write_1h=1_000_000
)
DOLLAR = 1_000_000_000


def test_the_list_names_its_source_date_and_content() -> None:
    table = price_table()
    name, number, day, mark = table.version.split()
    assert (name, len(mark)) == ("genai-prices", 8)
    assert number[0].isdigit()
    assert day.startswith("@20")
    assert "MIT" in table.source


def test_the_list_has_the_large_providers_and_all_its_prices_are_sound() -> None:
    data = json.loads(FILE.read_bytes())
    assert set(data["providers"]) >= {
        "openai", "anthropic", "google", "deepseek", "groq", "mistral", "openrouter", "x-ai",
    }  # fmt: skip
    assert sum(len(p["names"]) for p in data["providers"].values()) > 2000
    table = PriceTable(data)
    for provider in data["providers"]:
        for model in table.models(provider):
            price = table.price_of(provider, model)
            assert price is not None
            for rates in (price.rates, *(step for _, step in price.steps)):
                assert all(type(nano) is int and 0 <= nano <= 2000 * DOLLAR for nano in rates)


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("GPT-4o", "gpt-4o"),
        ("gpt-4o-2031-01-31", "gpt-4o"),
        ("gpt-4o-20310131", "gpt-4o"),
        ("gpt-4o-latest", "gpt-4o"),
        ("o3@20310131", "o3"),
    ],
)
def test_a_date_behind_a_listed_name_changes_nothing(asked: str, listed: str) -> None:
    table = price_table()
    assert table.price_of("openai", asked) == table.price_of("OpenAI", listed) is not None


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4oo",
        "gpt-4o-ultra",
        "gpt",
        "",
        "gpt-4o-2031-99-99",
        "gpt-4o-mini-next",
        "4o",
        "gpt-4o-",
    ],
)
def test_a_name_that_only_resembles_a_listed_one_has_no_price(model: str) -> None:
    assert price_table().price_of("openai", model) is None


def test_a_provider_nobody_knows_has_no_prices() -> None:
    assert price_table().price_of("nobody", "gpt-4o") is None
    assert price_table().models("nobody") == ()


def test_a_reseller_has_the_prices_of_the_providers_it_names() -> None:
    table = price_table()
    assert table.price_of("azure", "o3-pro") == table.price_of("openai", "o3-pro") is not None
    assert table.price_of("azure", "no-such-model") is None


def test_what_cannot_be_counted_in_text_tokens_has_no_price() -> None:
    assert price_table().price_of("perplexity", "sonar") is None


def test_a_service_tier_has_its_own_price_or_none() -> None:
    table = price_table()
    ordinary = table.price_of("openai", "gpt-4o", service_tier="default")
    dear = table.price_of("openai", "gpt-4o", service_tier="priority")
    assert ordinary == table.price_of("openai", "gpt-4o")
    assert ordinary is not None
    assert dear is not None
    assert dear.rates.input > ordinary.rates.input
    assert table.price_of("openai", "gpt-4o", service_tier="no-such-tier") is None


def table_of(*plan: list[object]) -> PriceTable:
    rates = [[n * DOLLAR, None, None, None, n * DOLLAR, None] for n in (1, 2, 3)]
    listed = {"p": {"names": {"m": 0}, "prefixes": {}, "tiers": {}}}
    head = {"version": "v", "source": "s", "date": 1000.0}
    return PriceTable({**head, "rates": rates, "plans": [list(plan)], "providers": listed})


@pytest.mark.parametrize(
    ("plan", "at", "dollars"),
    [
        ([[None, 0], [500, 1]], 499.0, 1),
        ([[None, 0], [500, 1]], 500.0, 2),
        ([[None, 0], [500, 1]], None, 2),
        ([[None, 0], [2000, 1]], None, 1),
        ([[None, 0], [[3600, 7200], 1]], 86_400 + 3600.0, 2),
        ([[None, 0], [[3600, 7200], 1]], 86_400 + 7200.0, 1),
        ([[None, 0], [[3600, 7200], 1]], None, 2),
        ([[None, 2], [[3600, 7200], 1]], None, 3),
        ([[None, 0], [[82_800, 3600], 1]], 10.0, 2),
        ([[None, 0], [[82_800, 3600], 1]], 4000.0, 1),
    ],
)
def test_prices_change_by_date_and_hour(
    plan: list[list[object]], at: float | None, dollars: int
) -> None:
    price = table_of(*plan).price_of("p", "m", at=at)
    assert price is not None
    assert price.rates.input == dollars * DOLLAR


def test_kinds_without_a_price_of_their_own_cost_what_they_are_a_kind_of() -> None:
    given = ModelSettings(input_usd_per_mtok=2.0, output_usd_per_mtok=8.0)
    price = configured_price("mine", given)
    assert price is not None
    assert price.cost_nano(MILLION) == (2 + 2 + 2 + 2 + 8 + 8) * DOLLAR
    given = ModelSettings(
        input_usd_per_mtok=2.0,
        output_usd_per_mtok=8.0,
        cache_read_usd_per_mtok=0.1,
        cache_write_usd_per_mtok=3.0,
    )
    price = configured_price("mine", given)
    assert price is not None
    assert price.cost_nano(MILLION) == 24 * DOLLAR + DOLLAR // 10


@pytest.mark.parametrize("usd", [math.nan, math.inf, -math.inf, -0.01, True, "much"])
@pytest.mark.parametrize("field", ["input_usd_per_mtok", "cache_read_usd_per_mtok", "ceiling_usd"])
def test_a_price_that_is_no_amount_is_refused(field: str, usd: float) -> None:
    with pytest.raises(SettingsError, match=rf"models\.mine\.{field} is .*expected US dollars"):
        configured_price("mine", replace(ModelSettings(), **{field: usd}))  # type: ignore[arg-type]


def test_half_a_price_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"models\.mine\.output_usd_per_mtok is missing"):
        configured_price("mine", ModelSettings(input_usd_per_mtok=1.0))
    with pytest.raises(SettingsError, match=r"models\.mine\.input_usd_per_mtok is missing"):
        configured_price("mine", ModelSettings(cache_read_usd_per_mtok=1.0))


def test_a_ceiling_counts_for_every_call_and_free_is_free() -> None:
    price = configured_price("mine", ModelSettings(ceiling_usd=0.05))
    assert price is not None
    assert price.bound_nano(1, 1) == price.cost_nano(TokenUsage()) == DOLLAR // 20
    assert configured_price("mine", ModelSettings()) is None
    assert configured_price("mine", ModelSettings(free=True)) is FREE
    assert configured_price("mine", ModelSettings(input_usd_per_mtok=1.0), free=True) is FREE


def test_sums_are_exact_where_floats_are_not() -> None:
    price = configured_price("m", ModelSettings(input_usd_per_mtok=0.1, output_usd_per_mtok=0.2))
    assert price is not None
    assert price.cost_nano(TokenUsage(3, output=0)) == 300
    tiny = Price(Rates(1, 1, 1, 1, 1, 1), "x")
    assert tiny.cost_nano(TokenUsage(1)) == 1
    assert tiny.cost_nano(TokenUsage(1_000_001)) == 2
    assert tiny.cost_nano(TokenUsage()) == 0


def test_the_list_is_read_when_it_is_asked_for_and_not_before() -> None:
    probe = (
        "import sys, buildwright.gateway.pricing as p\n"
        "from buildwright.gateway.pricing.table import price_table\n"
        "assert 'genai_prices' not in sys.modules\n"
        "assert price_table.cache_info().currsize == 0\n"
        "price_table().price_of('openai', 'gpt-4o')\n"
        "assert 'genai_prices' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
