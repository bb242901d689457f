"""The command line in this process, on a home of its own and settings in the environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.services.answering import Answering, answering

from buildwright.cli.main import exit_code_of

Told = Callable[..., tuple[int, str, str]]
"""`code, out, err = told("keys", "list")`."""


@pytest.fixture
def told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Told:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = exit_code_of(list(arguments))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return running


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as state:
        yield state


@pytest.fixture
def model(server: Answering, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name a model at the server, with prices that make 2 USD of each of its answers."""
    row = {
        "model": "small",
        "url": server.url,
        "input_usd_per_mtok": 100_000,
        "output_usd_per_mtok": 200_000,
    }
    monkeypatch.setenv("BUILDWRIGHT_MODELS", json.dumps({"m": row}))
    return "m"
