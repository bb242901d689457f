"""A gateway that has too much to do says so at once, on each wire in its own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.clients.gateway import ASK, settled
from tests.gateway.faults.calling import opened

from buildwright.web.http1 import admission
from buildwright.web.http1.exchange import Exchange

DOORS: list[tuple[str, int, Any]] = [
    ("/v1/chat/completions", 503, "overloaded"),
    ("/v1/embeddings", 503, "overloaded"),
    ("/v1/messages", 529, "overloaded_error"),
]


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request has waited for too long."""

    def begin(_: admission.Admission, exchange: Exchange) -> None:
        exchange.scope[admission.OVERLOADED] = True
        exchange.start()

    monkeypatch.setattr(admission.Admission, "begin", begin)


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize(("path", "status", "code"), DOORS)
async def test_a_call_that_waited_too_long_is_refused_and_costs_nothing(
    path: str, status: int, code: str, tmp_path: Path
) -> None:
    async with opened(tmp_path) as case:
        body = {**ASK, "input": "x"}
        async with case.client.post(case.url + path, json=body) as response:
            told = await response.json()
            assert response.status == status
            assert response.headers["retry-after"] == "1"
            assert response.headers["x-request-id"]
            assert code in (told["error"]["code"] if status == 503 else told["error"]["type"])
            assert "more calls come" in told["error"]["message"]
        assert await settled(case.service) == []


@pytest.mark.usefixtures("late")
async def test_health_and_models_are_told_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        for path in ("/livez", "/readyz", "/v1/models", "/metrics"):
            async with case.client.get(case.url + path) as response:
                assert response.status == 200
