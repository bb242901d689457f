"""`buildwright config validate`: what no model could be reached by is one error."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Told


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PROVIDERS", {"lab": {"wire": "openai"}}, "providers.lab.url is ''; expected an address"),
        ("PROVIDERS", {"openai": {"url": "htp://x"}}, "providers.openai.url is 'htp://x'"),
        ("MODELS", {"m": {"url": "http://", "free": True}}, "models.m.url is 'http://'"),
        ("MODEL", "ollam/x", "unknown model 'ollam/x': did you mean 'ollama/x'?"),
        ("GATEWAY", {"aliases": {"a": "b", "b": "a"}}, "a -> b -> a goes round in a circle"),
        ("GATEWAY", {"limits": [{"scope": "key"}]}, "gateway.limits[0] limits nothing"),
        ("MODELS", {"m": {"model": "openai/x", "key_variable": "K"}}, "models.m has no price"),
        ("MODELS", {"m": {"model": "opnai/x", "free": True}}, "names no known provider"),
    ],
)
def test_settings_that_lead_nowhere_are_told(
    told: Told, monkeypatch: pytest.MonkeyPatch, variable: str, value: object, said: str
) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    monkeypatch.setenv(f"BUILDWRIGHT_{variable}", text)
    code, out, err = told("config", "validate")
    assert (code, out) == (2, "")
    assert said in err


def test_routes_in_a_variable_are_listed(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = {"fast": {"targets": [{"model": "ollama/x"}]}}
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY__ROUTES", json.dumps(routes))
    assert told("config", "validate")[:2] == (0, "settings are valid\n")
    assert "now: ollama/x" in told("config", "models")[1]
