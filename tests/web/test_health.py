"""Health and numbers over HTTP."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.clients.gateway import CACHING
from tests.gateway.faults.calling import Case, opened
from tests.gateway.faults.faults import refused
from tests.gateway.redis.server import be_patient, running_redis

from buildwright.core.gateway_settings import BreakerSettings, RetrySettings
from buildwright.core.keys import ApiKey
from buildwright.gateway.surroundings import Surroundings
from buildwright.store.keys import KeyStore

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
NUMBER = r"[-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|inf|nan)"
SERIES = re.compile(rf"^({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? ({NUMBER})$", re.IGNORECASE)
COMMENT = re.compile(rf"^# (HELP {NAME} .+|TYPE {NAME} (counter|gauge|histogram))$")
PATHS = ("/readyz", "/health", "/health/ready", "/health/storage", "/health/models")


async def told(case: Case, path: str, **headers: str) -> tuple[int, Any]:
    async with case.client.get(case.url + path, headers=headers) as response:
        assert response.content_type == "application/health+json"
        return response.status, await response.json()


async def numbers(case: Case) -> dict[str, float]:
    """Return series -> value; every line has to be valid."""
    async with case.client.get(f"{case.url}/metrics") as response:
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        text = await response.text()
    assert text.endswith("\n")
    series = {}
    for line in text.splitlines():
        if line.startswith("#"):
            assert COMMENT.match(line), line
        else:
            found = SERIES.match(line)
            assert found, line
            assert f"{found[1]}{found[2] or ''}" not in series, line
            series[f"{found[1]}{found[2] or ''}"] = float(found[3])
    return series


async def test_a_process_that_answers_lives(tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        assert await told(case, "/livez") == (200, {"status": "pass"})


@pytest.mark.parametrize("path", PATHS)
async def test_a_fresh_gateway_is_well(path: str, tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        status, body = await told(case, path)
        assert (status, body["status"]) == (200, "pass")
        for check in body["checks"].values():
            assert {"status", "time", "observedValue"} <= set(check)


async def test_a_ledger_that_cannot_be_written_takes_no_traffic(tmp_path: Path) -> None:
    ahead = [0.0]
    around = Surroundings(tick=lambda: time.monotonic() + ahead[0])
    async with opened(tmp_path, around=around) as case:
        assert (await told(case, "/readyz"))[0] == 200
        database = sqlite3.connect(tmp_path / "home" / "buildwright.db", isolation_level=None)
        with closing(database) as other:
            other.execute("ALTER TABLE budgets RENAME TO gone")
            ahead[0] += 6.0
            status, body = await told(case, "/readyz")
            assert (status, body["status"], body["checks"]["ledger"]["status"]) == (
                503, "fail", "fail",
            )  # fmt: skip
            assert (await told(case, "/livez"))[0] == 200
            other.execute("ALTER TABLE gone RENAME TO budgets")
        ahead[0] += 6.0
        assert (await told(case, "/readyz"))[0] == 200


async def test_a_database_that_is_held_by_another_takes_no_traffic(tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        database = sqlite3.connect(tmp_path / "home" / "buildwright.db", isolation_level=None)
        with closing(database) as other:
            other.execute("BEGIN IMMEDIATE")
            status, body = await told(case, "/readyz")
            assert (status, body["checks"]["ledger"]["status"]) == (503, "fail")
            other.execute("ROLLBACK")


async def test_without_a_ledger_nothing_is_sent(tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        database = sqlite3.connect(tmp_path / "home" / "buildwright.db", isolation_level=None)
        with closing(database) as other:
            other.execute("ALTER TABLE ledger RENAME TO gone")
            async with case.ask() as response:
                error = (await response.json())["error"]
            other.execute("ALTER TABLE gone RENAME TO ledger")
        assert (response.status, error["code"]) == (503, "overloaded")
        assert "the ledger cannot be written, so nothing is sent" in error["message"]
        assert case.model.requests == []


async def test_an_upstream_that_is_down_only_warns(tmp_path: Path) -> None:
    few = BreakerSettings(calls=1)
    async with opened(tmp_path, breaker=few, retries=RetrySettings(times=0)) as case:
        case.model.script(refused(500))
        async with case.ask() as response:
            assert response.status == 500
        for path in ("/readyz", "/health/models"):
            status, body = await told(case, path)
            assert (status, body["status"]) == (200, "warn")
        (state,) = [v for k, v in (await numbers(case)).items() if "breaker_state" in k]
        assert state == 2.0


async def test_details_are_for_callers_only(tmp_path: Path) -> None:
    ahead = [0.0]
    around = Surroundings(tick=lambda: time.monotonic() + ahead[0])
    async with opened(tmp_path, around=around) as case:
        store = KeyStore(tmp_path / "home" / "buildwright.db", time.time)
        _, key = store.create("mine", ApiKey("", "", ""))
        ahead[0] += 2.0
        assert await told(case, "/readyz") == (200, {"status": "pass"})
        _, body = await told(case, "/readyz", authorization=f"Bearer {key}")
        assert set(body["checks"]) >= {"ledger", "disk"}
        async with case.client.get(f"{case.url}/metrics") as response:
            assert response.status == 401


async def test_redis_away_is_a_warning_and_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_patient(monkeypatch)
    with running_redis(tmp_path) as redis:
        async with opened(tmp_path, redis_url=redis.url, cache=CACHING) as case:
            assert (await told(case, "/readyz"))[1]["checks"]["redis"]["status"] == "pass"
            assert (await numbers(case))["buildwright_redis_fallback"] == 0.0
            redis.kill()
            async with case.ask() as response:
                assert response.status == 200
            status, body = await told(case, "/readyz")
            assert (status, body["status"]) == (200, "warn")
            assert body["checks"]["redis"]["status"] == "warn"
            series = await numbers(case)
            assert series["buildwright_redis_fallback"] == 1.0
            assert series["buildwright_redis_errors_total"] >= 1.0


async def test_the_numbers_are_valid_and_add_up(tmp_path: Path) -> None:
    async with opened(tmp_path, cache=CACHING) as case:
        await numbers(case)
        for _ in range(3):
            async with case.ask() as response:
                assert response.status == 200
        async with case.ask(model='no/"such\\model\n') as response:
            assert response.status == 404
        series = await numbers(case)
        assert series['buildwright_cache_requests_total{kind="exact",outcome="hit"}'] == 2.0
        assert series['buildwright_cache_requests_total{kind="exact",outcome="miss"}'] == 1.0
        assert series['buildwright_llm_cost_usd_total{provider="m",model="m"}'] == 0.025
        route = 'http_request_method="POST",http_route="/v1/chat/completions"'
        counted = [v for k, v in series.items() if k.startswith("http_server") and route in k
                   and "_count" in k]  # fmt: skip
        assert sum(counted) == 4.0


async def test_what_only_grows_is_a_counter(tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        async with case.ask() as response:
            assert response.status == 200
        async with case.client.get(f"{case.url}/metrics") as response:
            text = await response.text()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert kinds["buildwright_pool_wait_seconds_total"] == "counter"
    assert kinds["buildwright_redis_errors_total"] == "counter"
    for name, kind in kinds.items():
        assert name.endswith("_total") == (kind == "counter"), name


async def test_names_of_strangers_add_no_series(tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        names = [f"nobody/model-{number}" for number in range(1000)]
        async with case.ask(model="nobody/first") as response:
            assert response.status == 404
        async with case.client.get(f"{case.url}/nowhere/0") as response:
            assert response.status == 404
        await numbers(case)
        before = set(await numbers(case))
        for name in names:
            async with case.ask(model=name) as response:
                assert response.status == 404
        for number, method in enumerate(["PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] * 10):
            async with case.client.request(method, f"{case.url}/nowhere/{number}") as response:
                assert response.status == 404
        after = await numbers(case)
        assert set(after) == before
        assert not any("model-" in name or "nowhere" in name for name in after)
