"""From names to targets: prices, routes, splits, and what is refused."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildwright.core.errors import SettingsError, UnknownNameError
from buildwright.core.gateway_settings import (
    GatewaySettings,
    GatewayTree,
    ModelSettings,
    ProviderSettings,
    RouteSettings,
    TargetSettings,
)
from buildwright.core.ledger import TokenUsage
from buildwright.gateway.targets import Directory, provider_rows

LOCAL = {"model": "x", "url": "http://127.0.0.1:1/v1", "free": True}


def directory(share: float = 0.5, **gateway: Any) -> Directory:
    models = {name: ModelSettings(**LOCAL) for name in ("a", "b", "c")}  # type: ignore[arg-type]
    return Directory(GatewayTree(Path(), models, {}, GatewaySettings(**gateway)), lambda: share)


def names(found: Directory, name: str, sticky: str = "") -> list[str]:
    return [target.name for target in found.plan(name, sticky)]


def route(*targets: tuple[str, float], fallbacks: tuple[str, ...] = (), **more: Any) -> Any:
    rows = tuple(TargetSettings(model, weight) for model, weight in targets)
    return RouteSettings(rows, fallbacks, **more)


def test_a_route_is_split_by_weight() -> None:
    routes = {"r": route(("a", 3), ("b", 1))}
    assert names(directory(0.74, routes=routes), "r") == ["a"]
    assert names(directory(0.76, routes=routes), "r") == ["b"]


def test_who_is_sticky_keeps_the_same_target_and_the_split_holds() -> None:
    found = directory(routes={"r": route(("a", 9), ("b", 1), sticky="user")})
    picks = {f"user{n}": names(found, "r", f"user{n}")[0] for n in range(2000)}
    assert all(names(found, "r", user) == [picks[user]] for user in list(picks)[:50])
    assert 0.07 < Counter(picks.values())["b"] / 2000 < 0.13


def test_fallbacks_follow_in_order_and_nobody_is_asked_twice() -> None:
    found = directory(
        routes={"r": route(("a", 1), fallbacks=("s", "c", "a")), "s": route(("b", 1))},
        aliases={"fast": "r"},
    )
    assert names(found, "fast") == ["a", "b", "c"]


@pytest.mark.parametrize(("gateway", "message"), [
    ({"routes": {"r": route(("a", 1), fallbacks=("r",))}}, "r -> r goes round in a circle"),
    ({"aliases": {"x": "y", "y": "x"}}, "circle"),
    ({"routes": {"r": route(("a", 1), fallbacks=("s",)), "s": route(("r", 1))}}, "circle"),
    ({"routes": {"r": route()}}, "no target with a weight"),
    ({"routes": {"r": route(("a", 0))}}, "no target with a weight"),
])  # fmt: skip
def test_a_route_that_leads_nowhere_is_refused(gateway: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        directory(**gateway).check()


@pytest.mark.parametrize(("alias", "message"), [
    ("ollamma/x", "aliases.fast leads nowhere: .* did you mean 'ollama/x'"),
    ("nobody", "aliases.fast leads nowhere: unknown model 'nobody'"),
    ("openai/no-such", "aliases.fast leads nowhere: no price is known"),
])  # fmt: skip
def test_an_alias_for_an_unknown_model_is_refused(alias: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        directory(aliases={"fast": alias}).check()


@pytest.mark.parametrize(("name", "nearest"), [
    ("opnai/gpt-4o-mini", "openai/gpt-4o-mini"), ("opnai/x", "openai/x"), ("OpenAI/x", "openai/x"),
    ("antropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"), ("openai/", "openai/MODEL"),
    ("aa", "a"),
])  # fmt: skip
def test_a_misspelt_provider_is_named_rightly(name: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean '{nearest}'"):
        directory().resolve(name)


@pytest.mark.parametrize(("models", "providers", "message"), [
    ({"x": {"url": "htp://x"}}, {}, "models.x.url is 'htp://x'; expected an address"),
    ({"x": {"model": "lab/y"}}, {"lab": {}}, "providers.lab.url is ''; expected an address"),
    ({"x": {"model": "opnai/y"}}, {}, "names no known provider; did you mean 'openai/y'"),
    ({"x": {"model": "y"}}, {}, "models.x.url is missing and 'y' names no known provider"),
])  # fmt: skip
def test_an_address_that_is_none_is_refused(models: Any, providers: Any, message: str) -> None:
    rows = {name: ModelSettings(free=True, **row) for name, row in models.items()}
    own = {name: ProviderSettings(**row) for name, row in providers.items()}
    with pytest.raises(SettingsError, match=message):
        Directory(GatewayTree(Path(), rows, own), lambda: 0.5).check()


def test_a_model_without_a_price_names_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match=r"did you mean 'gpt-4o"):
        directory().resolve("openai/gpt-4oo")


def test_prices_come_from_the_list_of_the_provider() -> None:
    target = directory().resolve("openai/gpt-4o-mini")
    assert target.price.cost_nano(TokenUsage(fresh_input=1_000_000)) == 150_000_000
    assert target.price.cost_nano(TokenUsage(output=1_000_000)) == 600_000_000
    assert target.price_list == "openai"


def test_a_tier_that_costs_more_has_its_own_price_or_none() -> None:
    target = directory().resolve("openai/gpt-4o-mini")
    assert target.price_at(0.0, None) == target.price
    assert target.price_at(0.0, "unheard of") is None


def test_a_provider_of_the_users_own_takes_the_place_of_a_known_one() -> None:
    mine = {"openai": ProviderSettings(url="http://127.0.0.1:9/v1", free=True)}
    found = Directory(GatewayTree(Path(), {}, mine), lambda: 0.5)
    target = found.resolve("openai/anything")
    assert (target.url, target.price.version) == ("http://127.0.0.1:9/v1", "free")


def test_no_key_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-secret")
    target = directory().resolve("openai/gpt-4o-mini")
    assert target.api_key == "sk-secret-secret"
    assert "secret" not in repr(target)


@pytest.mark.parametrize("name", provider_rows())
def test_every_provider_that_ships_has_an_address_and_a_known_wire(name: str) -> None:
    row = provider_rows()[name]
    assert row.url.startswith("http")
    assert row.free or row.key_variable
    assert row.wire in ("openai", "anthropic", "ollama")


@given(st.text(max_size=40))
def test_any_name_is_resolved_or_refused(name: str) -> None:
    with suppress(UnknownNameError, SettingsError):
        assert directory().plan(name)
