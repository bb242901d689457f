"""Settings: precedence, and errors that name the key and the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildwright.core.errors import SettingsError
from buildwright.core.settings import Settings, load_settings, setting_names


def file_with(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    return path


def test_defaults_need_no_file_no_key_and_no_server() -> None:
    settings = load_settings()
    assert settings.model == "none"
    assert settings.sandbox.backend == "auto"


def test_a_file_sets_what_the_environment_does_not(tmp_path: Path) -> None:
    path = file_with(tmp_path, "sandbox:\n  wall_s: 30\nbuild:\n  license: Apache-2.0\n")
    settings = load_settings(config=path)
    assert (settings.sandbox.wall_s, settings.build.license) == (30, "Apache-2.0")


def test_the_environment_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDWRIGHT_SANDBOX__WALL_S", "40")
    path = file_with(tmp_path, "sandbox: {wall_s: 30, memory_mib: 512}")
    settings = load_settings(config=path)
    assert (settings.sandbox.wall_s, settings.sandbox.memory_mib) == (40, 512)


def test_a_flag_beats_both_and_leaves_its_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDWRIGHT_SANDBOX__BACKEND", "sandlock")
    path = file_with(tmp_path, "sandbox: {wall_s: 30}")
    settings = load_settings({"sandbox": {"backend": "bubblewrap"}}, config=path)
    assert (settings.sandbox.backend, settings.sandbox.wall_s) == ("bubblewrap", 30)


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load_settings({"model": None}).model == "none"


def test_an_unknown_key_in_a_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = file_with(tmp_path, "sandbox: {wal_s: 3}")
    with pytest.raises(SettingsError, match=r"'sandbox.wal_s'.*did you mean sandbox.wall_s"):
        load_settings(config=path)


def test_an_unknown_variable_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDWRIGHT_MODLE", "x")
    with pytest.raises(SettingsError, match="BUILDWRIGHT_MODLE: did you mean BUILDWRIGHT_MODEL"):
        load_settings()


def test_a_value_out_of_range_names_key_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDWRIGHT_SANDBOX__MEMORY_MIB", "1")
    with pytest.raises(SettingsError, match=r"'sandbox.memory_mib' has value '1'.*128"):
        load_settings()


@pytest.mark.parametrize("text", ["a: [", "- just\n- a list\n", "\x00"])
def test_a_broken_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"settings\.yaml"):
        load_settings(config=file_with(tmp_path, text))


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="missing"):
        load_settings(config=tmp_path / "missing.yaml")


def test_a_file_may_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_with(tmp_path, "build: {author: Ada}")
    monkeypatch.setenv("BUILDWRIGHT_CONFIG", str(path))
    assert load_settings().build.author == "Ada"


def test_every_setting_says_what_it_is_for() -> None:
    assert all(setting_names().values())
    assert Settings.model_json_schema()["additionalProperties"] is False
