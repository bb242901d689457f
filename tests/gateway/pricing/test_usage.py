"""Usage that is wrong on purpose: never an exception, never negative money."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.pricing import (
    Price,
    Rates,
    merge_anthropic,
    usage_in_chunk,
    usage_of_anthropic,
    usage_of_ollama,
    usage_of_openai,
)

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JUNK = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
COUNT = st.integers(0, 10**6) | JUNK
DETAILS = (
    "cached_tokens", "cache_write_tokens", "reasoning_tokens", "audio_tokens",
    "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens",
)  # fmt: skip
DETAIL = JUNK | st.fixed_dictionaries({}, optional=dict.fromkeys(DETAILS, COUNT))
NAMES = (
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens",
    "cached_tokens", "input_tokens", "output_tokens", "cache_read_input_tokens",
    "cache_creation_input_tokens", "prompt_eval_count", "eval_count",
)  # fmt: skip
INNER = ("prompt_tokens_details", "completion_tokens_details", "cache_creation")
FIELDS = dict.fromkeys(NAMES, COUNT) | dict.fromkeys(INNER, DETAIL)
USAGE = JUNK | st.fixed_dictionaries({}, optional=FIELDS)
READERS = [usage_of_openai, usage_of_anthropic, usage_of_ollama]
RATE = st.integers(0, 10**12)
RATES = st.builds(Rates, RATE, RATE, RATE, RATE, RATE, RATE)
BUCKET = st.integers(0, 10**7)
Buckets = tuple[int, int, int, int, int]
BUCKETS = st.tuples(BUCKET, BUCKET, BUCKET, BUCKET, BUCKET)


@pytest.mark.parametrize("read", READERS)
@given(raw=USAGE, price=RATES)
def test_whatever_is_reported_becomes_buckets_that_are_not_negative(
    read: Any, raw: object, price: Rates
) -> None:
    usage = read(raw, input_tokens=7, output_tokens=3)
    parts = (usage.fresh_input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning)
    assert all(type(part) is int and part >= 0 for part in parts)
    assert 0 <= usage.cache_write_1h <= usage.cache_write
    assert usage.total == sum(parts) <= 6 * 10**9
    assert Price(price, "x").cost_nano(usage) >= 0


@given(prompt=BUCKET, completion=BUCKET, data=st.data())
def test_the_parts_of_a_sound_usage_sum_to_its_total(
    prompt: int, completion: int, data: st.DataObject
) -> None:
    cached = data.draw(st.integers(0, prompt))
    written = data.draw(st.integers(0, prompt - cached))
    thought = data.draw(st.integers(0, completion))
    usage = usage_of_openai(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
            "completion_tokens_details": {"reasoning_tokens": thought},
        }
    )
    fresh, output = prompt - cached - written, completion - thought
    assert usage == TokenUsage(fresh, cached, written, output, thought, prompt + completion)
    assert usage.consistent


@given(rates=RATES, first=BUCKETS, second=BUCKETS)
def test_cost_grows_with_usage_and_adds_up_to_one_rounding(
    rates: Rates, first: Buckets, second: Buckets
) -> None:
    price = Price(rates, "x")
    a, b = TokenUsage(*first), TokenUsage(*second)
    both = TokenUsage(
        a.fresh_input + b.fresh_input,
        a.cache_read + b.cache_read,
        a.cache_write + b.cache_write,
        a.output + b.output,
        a.reasoning + b.reasoning,
    )
    apart = price.cost_nano(a) + price.cost_nano(b)
    assert apart - 1 <= price.cost_nano(both) <= apart
    assert price.cost_nano(both) >= price.cost_nano(a)


@given(rates=RATES, steps=st.lists(st.tuples(BUCKET, RATES), max_size=3), buckets=BUCKETS)
def test_no_usage_costs_more_than_its_bound(
    rates: Rates, steps: list[tuple[int, Rates]], buckets: Buckets
) -> None:
    price = Price(rates, "x", tuple(sorted(steps)))
    usage = TokenUsage(*buckets)
    assert price.cost_nano(usage) <= price.bound_nano(usage.input, usage.output + usage.reasoning)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-1, 7),
        (True, 7),
        ("12", 7),
        (12.0, 7),
        (2 * 10**9, 7),
        (None, 7),
        ([], 7),
        (0, 0),
        (12, 12),
    ],
)
def test_a_count_that_cannot_be_meant_is_replaced_by_ours_and_flagged(
    value: object, expected: int
) -> None:
    raw = {"prompt_tokens": value, "completion_tokens": 1}
    usage = usage_of_openai(raw, input_tokens=7)
    assert usage.fresh_input == expected
    assert usage.estimated is (value not in (0, 12) or (value == 12.0 and type(value) is float))


def test_hour_writes_without_the_sum_are_writes() -> None:
    split = {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 9}
    raw = {"input_tokens": 1, "output_tokens": 1, "cache_creation": split}
    assert usage_of_anthropic(raw) == TokenUsage(1, 0, 14, 1, cache_write_1h=9)
    told = usage_of_anthropic(raw | {"cache_creation_input_tokens": 2})
    assert (told.cache_write, told.estimated) == (14, True)


def test_a_delta_never_takes_back_what_the_start_has_counted() -> None:
    start = {"input_tokens": 25, "output_tokens": 1, "service_tier": "standard"}
    merged = merge_anthropic(start, {"input_tokens": 0, "output_tokens": 15, "x": None})
    assert merged == {"input_tokens": 25, "output_tokens": 15, "service_tier": "standard"}
    assert start["output_tokens"] == 1
    assert merge_anthropic(None, "nonsense") == {}


@pytest.mark.parametrize("chunk", [None, [], {}, {"usage": None}, {"x_groq": []}, {"usage": [1]}])
def test_a_chunk_without_usage_has_none(chunk: object) -> None:
    assert usage_in_chunk(chunk) is None
