"""Redis that has time."""

from __future__ import annotations

import pytest
from tests.gateway.redis.server import be_patient


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient(monkeypatch)
