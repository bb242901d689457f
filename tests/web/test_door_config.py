"""Settings that cannot be meant: one clear error that names the field, before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from buildwright.core.errors import BuildwrightError
from buildwright.core.settings import gateway_tree, load_settings
from buildwright.gateway.ledger_memory import MemoryLedger
from buildwright.gateway.opening import open_gateway

M = {"model": "ollama/qwen", "free": True}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"models": {"a": {"model": "x", "free": True}},
      "gateway": {"routes": {"r": {"targets": [{"model": "a"}]}}}}, "names no known provider"),
    ({"gateway": {"aliases": {"fast": "olama/qwen"}}},
     "gateway.aliases.fast leads nowhere: unknown model 'olama/qwen': did you mean 'ollama/qwen'?"),
    ({"providers": {"lab": {"free": True}}}, "providers.lab.url is ''; expected an address"),
    ({"models": {"m": M | {"url": "htp://x"}}}, "models.m.url is 'htp://x'; expected an address"),
    ({"gateway": {"limits": [{"requests_per_minute": 5}, {"scope": "global"}]}},
     "gateway.limits[1] limits nothing"),
    ({"gateway": {"aliases": {"a": "b", "b": "a"}}}, "goes round in a circle"),
    ({"gateway": {"aliases": {"a": "a"}}}, "goes round in a circle"),
    ({"models": {"m": M}, "gateway": {"routes": {
        "r": {"targets": [{"model": "m"}], "fallbacks": ["s"]},
        "s": {"targets": [{"model": "m"}], "fallbacks": ["r"]}}}}, "r -> s -> r"),
    ({"gateway": {"routes": {"r": {"targets": []}}}}, "has no target with a weight above 0"),
    ({"models": {"m": M}, "gateway": {"routes": {
        "r": {"targets": [{"model": "m", "weight": -1}]}}}}, "weight"),
    ({"models": {"m": M | {"input_usd_per_mtok": float("nan")}}}, "input_usd_per_mtok"),
    ({"models": {"m": M | {"input_usd_per_mtok": float("inf")}}}, "input_usd_per_mtok"),
    ({"models": {"m": M | {"output_usd_per_mtok": -1.0}}}, "output_usd_per_mtok"),
    ({"models": {"m": M | {"context_tokens": 0}}}, "context_tokens"),
    ({"models": {"m": M | {"colour": "red"}}}, "colour"),
    ({"gateway": {"limits": [{"requests_per_minute": -5}]}}, "requests_per_minute"),
    ({"gateway": {"limits": [{"tokens_per_minute": 0}]}}, "tokens_per_minute"),
    ({"gateway": {"limits": [{"scope": "planet", "requests_per_minute": 5}]}}, "scope"),
    ({"gateway": {"timeouts": {"first_token_s": 0}}}, "first_token_s"),
    ({"gateway": {"retries": {"times": 99}}}, "times"),
    ({"gateway": {"port": 70000}}, "port"),
    ({"gateway": {"auth": "maybe"}}, "auth"),
    ({"gateway": {"portt": 4000}}, "portt"),
    ({"gateway": {"redis_url": "nonsense"}}, "gateway.redis_url"),
    ({"providers": {"mine": {"wire": "carrier-pigeon"}}}, "wire"),
]  # fmt: skip


async def opening(home: Path, given: dict[str, Any]) -> None:
    """Read settings and open a gateway with them."""
    tree = gateway_tree(load_settings({"home": str(home), **given}))
    async with open_gateway(tree, MemoryLedger(lambda: 0.0)):
        pass


@pytest.mark.parametrize(("given", "said"), BAD)
async def test_settings_that_cannot_be_meant_are_refused(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(BuildwrightError) as caught:
        await opening(tmp_path, given)
    assert said in str(caught.value)
    assert caught.value.next_step
    assert "\n" not in caught.value.message
