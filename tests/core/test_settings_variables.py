"""Settings in variables: lists and mappings as JSON, and errors that name the variable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from buildwright.core.errors import SettingsError
from buildwright.core.gateway_settings import RouteSettings
from buildwright.core.quick_settings import load_gateway_tree
from buildwright.core.settings import Settings, gateway_tree, load_settings
from buildwright.core.settings_variables import fields_of

ROUTES = {"fast": {"targets": [{"model": "a/b", "weight": 2}], "fallbacks": ["c/d"]}}
LARGE = {
    "TEMPLATES": ["one", "two"],
    "MODELS": {"mine": {"model": "groq/x", "input_usd_per_mtok": 1}},
    "PROVIDERS": {"lab": {"url": "http://127.0.0.1:5/v1"}},
    "GATEWAY": {"port": 5, "cache": {"enabled": False}},
    "GATEWAY__ALIASES": {"quick": "a/b"},
    "GATEWAY__ROUTES": ROUTES,
    "GATEWAY__LIMITS": [{"scope": "key", "requests_per_minute": 5}],
    "GATEWAY__TIMEOUTS": {"total_s": 7},
    "GATEWAY__RETRIES": {"times": 1},
    "GATEWAY__BREAKER": {"calls": 9},
    "GATEWAY__CONCURRENCY": {"queue": 3},
    "GATEWAY__CACHE": {"max_mib": 9},
    "AGENT": {"max_usd": 2},
    "SANDBOX": {"wall_s": 9},
    "BUILD": {"author": "Ada"},
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def at(settings: Settings, variable: str) -> Any:
    value: Any = settings.model_dump(mode="json")
    for part in variable.lower().split("__"):
        value = value[part]
    return value


def contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return all(contains(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)


def sections(kind: Any, prefix: str = "") -> list[str]:
    found = []
    for name, (inner, _) in fields_of(kind).items():
        here = f"{prefix}{name.upper()}"
        kinds = TypeAdapter(inner).json_schema(mode="serialization").get("type")
        if fields_of(inner) or kinds in ("array", "object"):
            found += [here, *sections(inner, f"{here}__")]
    return found


def test_every_list_mapping_and_section_of_the_tree_is_tried_here() -> None:
    assert set(sections(Settings)) == set(LARGE)


@pytest.mark.parametrize("variable", LARGE)
def test_json_in_a_variable_is_taken(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"BUILDWRIGHT_{variable}", json.dumps(LARGE[variable]))
    assert contains(at(load_settings(), variable), LARGE[variable])


@pytest.mark.parametrize("variable", LARGE)
@pytest.mark.parametrize("text", ["", "{", "fast", "7", "null", '"x"', "[" * 100_000])
def test_what_is_not_json_of_the_wanted_form_names_the_variable(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"BUILDWRIGHT_{variable}", text)
    with pytest.raises(SettingsError, match=rf"variable BUILDWRIGHT_{variable} has to be a JSON"):
        load_settings()


def test_a_list_is_no_mapping_and_a_mapping_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, text, wanted in (("MODELS", "[]", "object"), ("GATEWAY__LIMITS", "{}", "list")):
        monkeypatch.setenv(f"BUILDWRIGHT_{variable}", text)
        with pytest.raises(SettingsError, match=f"{variable} has to be a JSON {wanted}"):
            load_settings()
        monkeypatch.delenv(f"BUILDWRIGHT_{variable}")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("GATEWAY__ROUTES", {"fast": {"fallback": []}}, "did you mean gateway.routes.fast.fallb"),
        ("GATEWAY__ROUTES", {"f": {"targets": [{"modl": "x"}]}}, r"mean .*f\.targets\.0\.model"),
        ("GATEWAY__LIMITS", [{"scop": "key"}], r"did you mean gateway\.limits\.0\.scope"),
        ("GATEWAY", {"prot": 4}, r"did you mean gateway\.port"),
        ("MODELS", {"m": {"free": "perhaps"}}, r"'models\.m\.free' has value 'perhaps'"),
        ("MODELS", {"m": {"input_usd_per_mtok": float("nan")}}, "input_usd_per_mtok.*finite"),
        ("GATEWAY__ALIASES", {"quick": 3}, r"'gateway\.aliases\.quick' has value 3"),
        ("GATEWAY__LIMITS", [{"requests_per_minute": 0}], r"limits\.0\.requests_per_minute"),
    ],
)
def test_what_is_wrong_within_json_names_the_place_and_the_variable(
    variable: str, value: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"BUILDWRIGHT_{variable}", json.dumps(value))
    with pytest.raises(SettingsError, match=said) as told:
        load_settings()
    assert f"(environment variable BUILDWRIGHT_{variable})" in str(told.value)


def test_a_setting_of_a_file_is_not_blamed_on_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("gateway: {prot: 1}")
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY", '{"port": 5}')
    with pytest.raises(SettingsError, match=r"gateway\.port\? \(file .*settings\.yaml\)"):
        load_settings(config=path)


def test_the_deeper_variable_wins_and_leaves_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY__PORT", "6")
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY", '{"port": 5, "host": "127.0.0.2"}')
    gateway = load_settings().gateway
    assert (gateway.port, gateway.host) == (6, "127.0.0.2")


def test_one_of_the_users_own_names_may_stand_in_a_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BUILDWRIGHT_MODELS__LOCAL__MODEL", "vllm/x")
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY__ALIASES__FAST", "local")
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY__ROUTES__BOTH__FALLBACKS", '["local"]')
    settings = load_settings()
    assert settings.models["local"].model == "vllm/x"
    assert settings.gateway.aliases == {"fast": "local"}
    assert settings.gateway.routes == {"both": RouteSettings(fallbacks=("local",))}


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("BUILDWRIGHT_MODELS__LOCAL__MODLE", "BUILDWRIGHT_MODELS__LOCAL__MODEL"),
        ("BUILDWRIGHT_GATEWAY_PORT", "BUILDWRIGHT_GATEWAY__PORT"),
        ("BUILDWRIGHT_GATEWAY__PORT__X", "BUILDWRIGHT_GATEWAY__PORT"),
        ("BUILDWRIGHT_GATEWAY__CACHE__MAXMIB", "BUILDWRIGHT_GATEWAY__CACHE__MAX_MIB"),
    ],
)
def test_an_unknown_variable_names_the_nearest(
    variable: str, near: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(SettingsError, match=f"{variable}: did you mean {near}\\?"):
        load_settings()


def test_remembered_settings_know_json_of_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for fallback in ("c/d", "e/f"):
        routes = {"fast": {**ROUTES["fast"], "fallbacks": [fallback]}}
        monkeypatch.setenv("BUILDWRIGHT_GATEWAY__ROUTES", json.dumps(routes))
        for _ in range(2):
            tree = load_gateway_tree({}, config=None, version="1")
            assert tree.gateway.routes["fast"].fallbacks == (fallback,)
            assert tree == gateway_tree(load_settings())
