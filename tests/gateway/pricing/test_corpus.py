"""Usage as providers report it, with buckets and cost computed by hand (corpus/usage.jsonl).

`why` of each case is the arithmetic: tokens x nano-dollars a token. The rates are those of the
price list, so a new list is accepted only with a look at the cases whose price has changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.pricing import (
    FREE,
    merge_anthropic,
    price_table,
    usage_in_chunk,
    usage_of_anthropic,
    usage_of_ollama,
    usage_of_openai,
)

LINES = (Path(__file__).parent / "corpus" / "usage.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [json.loads(line) for line in LINES]
READERS = {
    "openai": usage_of_openai,
    "anthropic": usage_of_anthropic,
    "ollama": usage_of_ollama,
}


def reported(case: dict[str, Any]) -> Any:
    if "usage" in case:
        return case["usage"]
    usage: Any = None
    for chunk in case["chunks"]:
        if case["wire"] == "anthropic":
            usage = merge_anthropic(usage, chunk)
        else:
            usage = usage_in_chunk(chunk) or usage
    return usage


def used(case: dict[str, Any]) -> TokenUsage:
    ours, theirs = case.get("ours", [0, 0])
    return READERS[case["wire"]](reported(case), input_tokens=ours, output_tokens=theirs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_usage_has_the_buckets_and_the_cost_computed_by_hand(case: dict[str, Any]) -> None:
    usage = used(case)
    buckets = [usage.fresh_input, usage.cache_read, usage.cache_write, usage.output]
    assert [*buckets, usage.reasoning] == case["buckets"]
    assert usage.cache_write_1h == case["hour_writes"]
    assert usage.estimated is case["estimated"]
    assert usage.consistent is case["consistent"]
    price = FREE
    if case["provider"] != "free":
        found = price_table().price_of(case["provider"], case["model"], at=case.get("at"))
        assert found is not None
        price = found
    assert price.cost_nano(usage) == case["nano"], case["why"]
    assert price.bound_nano(usage.input, usage.output + usage.reasoning) >= case["nano"]


def test_the_corpus_has_every_provider_that_is_promised() -> None:
    names = " ".join(case["name"] for case in CASES)
    promised = "openai anthropic deepseek gemini ollama vllm groq mistral openrouter xai moonshot"
    assert [name for name in promised.split() if name not in names] == []
    streamed = {case["name"].split()[0] for case in CASES if "chunks" in case}
    assert streamed >= {"openai", "anthropic", "gemini", "groq", "mistral", "vllm"}
