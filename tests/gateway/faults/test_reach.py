"""Upstreams that cannot be reached, fallbacks, and the breaker over HTTP."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from tests.clients.answers import COST_NANO
from tests.clients.model_server import serving_model
from tests.gateway.faults.calling import FORMS, opened
from tests.gateway.faults.faults import refused
from tests.gateway.http.authority import make_authority

from buildwright.core.gateway_settings import BreakerSettings, RetrySettings
from buildwright.gateway.surroundings import Surroundings


def closed_port() -> str:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{bound.getsockname()[1]}/v1"


@pytest.mark.parametrize(
    ("url", "code", "tries", "said"),
    [
        ("", "upstream_error", 3, "connect"),
        ("http://nowhere.invalid/v1", "upstream_error", 3, "nowhere.invalid"),
    ],
    ids=["refused", "no such name"],
)
@pytest.mark.parametrize("form", FORMS)
async def test_an_upstream_that_is_not_there_costs_nothing(
    url: str, code: str, tries: int, said: str, form: str, tmp_path: Path
) -> None:
    async with opened(tmp_path, url or closed_port()) as case:
        async with case.ask(stream=form == "streamed") as response:
            error = (await response.json())["error"]
        assert (response.status, error["code"]) == (502, code)
        assert said in error["message"].lower()
        row = await case.row()
        assert row.settlement is not None
        assert (row.status, row.settlement.attempts) == ("failed", tries)
        assert await case.money() == (0, 0)
        assert (case.faults(), case.clean()) == (tries, True)


async def test_an_upstream_with_a_foreign_certificate_gets_nothing(tmp_path: Path) -> None:
    foreign = make_authority(tmp_path).server("IP:127.0.0.1")
    async with serving_model(tls=foreign) as model, opened(tmp_path, model.url) as case:
        async with case.ask() as response:
            error = (await response.json())["error"]
        assert (response.status, error["code"]) == (502, "upstream_error")
        assert "tls" in error["message"]
        assert response.headers["x-should-retry"] == "false"
        row = await case.row()
        assert row.settlement is not None
        assert (row.status, row.settlement.attempts, model.requests) == ("failed", 1, [])
        assert (await case.money(), case.faults(), case.clean()) == ((0, 0), 1, True)


async def test_an_open_breaker_sends_nothing_until_one_call_has_probed(tmp_path: Path) -> None:
    ahead = [0.0]
    around = Surroundings(tick=lambda: time.monotonic() + ahead[0])
    breaker = BreakerSettings(calls=2, open_s=15.0)
    async with opened(
        tmp_path, around=around, breaker=breaker, retries=RetrySettings(times=0)
    ) as case:
        case.model.script(refused(500), refused(500), refused(500))
        statuses = []
        for _ in range(4):
            async with case.ask() as response:
                statuses.append((response.status, (await response.json())["error"]["code"]))
        assert statuses[2:] == [(503, "upstream_open")] * 2
        assert 14_000 <= int(response.headers["retry-after-ms"]) <= 15_000
        assert len(case.model.requests) == 2
        ahead[0] += 15.1
        async with case.ask() as probe:
            assert probe.status == 500
        async with case.ask() as response:
            assert (response.status, len(case.model.requests)) == (503, 3)
        ahead[0] += 15.1
        async with case.ask() as probe:
            assert probe.status == 200
        assert set(case.service.gateway.breakers.states().values()) == {"closed"}
        await case.row()
        assert await case.money() == (COST_NANO, 0)


@pytest.mark.parametrize("form", FORMS)
async def test_retries_stay_within_their_share_of_all_calls(form: str, tmp_path: Path) -> None:
    breaker = BreakerSettings(calls=10_000)
    async with opened(tmp_path, breaker=breaker) as case:
        case.model.script(*[refused(500)] * 200)
        for _ in range(40):
            async with case.ask(stream=form == "streamed") as response:
                assert response.status == 500
        # A burst of ten, and a tenth of the calls.
        assert 40 + 10 <= len(case.model.requests) <= 40 + 10 + 4
        assert (await case.row()).status == "failed"
        assert await case.money() == (0, 0)
