"""The gateway's settings without what checks them: the same, and checked again when changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from buildwright.core.errors import SettingsError
from buildwright.core.quick_settings import load_gateway_tree
from buildwright.core.settings import gateway_tree, load_settings

TEXT = """
models: {mine: {model: groq/x, input_usd_per_mtok: 1.5, output_usd_per_mtok: 2, script: ""}}
providers: {lab: {url: "http://127.0.0.1:5/v1", free: true}}
gateway:
  aliases: {fast: mine}
  limits: [{scope: key, requests_per_minute: 60, burst: 0.5}]
  routes: {smart: {targets: [{model: mine, weight: 2}], fallbacks: [fast]}}
  timeouts: {total_s: 12.5}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT)
    return path


def test_remembered_settings_are_the_checked_ones(config: Path) -> None:
    checked = gateway_tree(load_settings({}, config=config))
    for _ in range(2):
        assert load_gateway_tree({}, config=config, version="1") == checked


def test_a_change_of_the_file_or_of_a_variable_is_seen(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_gateway_tree({}, config=config, version="1")
    config.write_text(TEXT.replace("12.5", "13.5"))
    assert load_gateway_tree({}, config=config, version="1").gateway.timeouts.total_s == 13.5
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY__PORT", "4321")
    assert load_gateway_tree({}, config=config, version="1").gateway.port == 4321


def test_bad_settings_are_never_remembered(config: Path) -> None:
    config.write_text("gateway: {prot: 1}")
    for _ in range(2):
        with pytest.raises(SettingsError, match=r"did you mean gateway\.port"):
            load_gateway_tree({}, config=config, version="1")


@pytest.mark.parametrize("text", ["{", "[]", '{"home": 1}', ""])
def test_a_damaged_memory_is_passed_over(config: Path, tmp_path: Path, text: str) -> None:
    first = load_gateway_tree({}, config=config, version="1")
    (remembered,) = (tmp_path / "cache/buildwright/settings").glob("*.json")
    remembered.write_text(text)
    assert load_gateway_tree({}, config=config, version="1") == first


def test_the_gateway_alone_loads_nothing_heavy() -> None:
    code = (
        "import sys, buildwright.web.running\n"
        "heavy = {'pydantic', 'yaml', 'sqlalchemy', 'alembic', 'langgraph', 'redis', 'aiohttp',"
        " 'httpx2', 'prometheus_client', 'rich', 'jinja2', 'openai', 'anthropic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
