"""Who may call: keys, their rights and limits, and pages of others."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.clients.gateway import ASK, settled
from tests.gateway.faults.calling import Case, opened

from buildwright.core.gateway_settings import LimitSettings
from buildwright.core.keys import ApiKey
from buildwright.gateway.surroundings import Surroundings
from buildwright.store.keys import KeyStore


@dataclass
class Guarded:
    """A gateway with keys and a clock of its own."""

    case: Case
    keys: KeyStore
    ahead: list[float]

    def key(self, name: str = "mine", **rights: Any) -> str:
        _, plaintext = self.keys.create(name, ApiKey("", "", "", **rights))
        self.ahead[0] += 2.0  # keys are looked for at most once a second
        return plaintext

    def ask(self, key: str = "", path: str = "chat/completions", **changed: Any) -> Any:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        url = f"{self.case.url}/v1/{path}"
        return self.case.client.post(url, json={**ASK, **changed}, headers=headers)

    async def refused(self, key: str, status: int, code: str, **changed: Any) -> str:
        """Ask and be refused; nothing is sent. Return the message."""
        before = len(self.case.model.requests)
        async with self.ask(key, **changed) as response:
            error = (await response.json())["error"]
        assert (response.status, error["code"]) == (status, code)
        assert response.headers.get("x-should-retry") == ("false" if status != 429 else None)
        assert len(self.case.model.requests) == before
        return str(error["message"])


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    ahead = [0.0]
    around = Surroundings(
        now=lambda: time.time() + ahead[0], tick=lambda: time.monotonic() + ahead[0]
    )
    async with opened(tmp_path, around=around) as case:
        store = KeyStore(tmp_path / "home" / "buildwright.db", around.now)
        yield Guarded(case, store, ahead)


async def test_without_keys_this_machine_may_call(guarded: Guarded) -> None:
    async with guarded.ask() as response:
        assert response.status == 200


async def test_a_missing_key_is_asked_for(guarded: Guarded) -> None:
    guarded.key()
    message = await guarded.refused("", 401, "invalid_api_key")
    assert "expected Authorization: Bearer bw_..." in message


async def test_a_misspelt_key_is_told_from_an_unknown_one(guarded: Guarded) -> None:
    key = guarded.key()
    other = "0" if key[10] != "0" else "1"
    assert "misspelt" in await guarded.refused(key[:10] + other + key[11:], 401, "invalid_api_key")
    assert "misspelt" in await guarded.refused("sk-other", 401, "invalid_api_key")
    guarded.keys.revoke("mine")
    guarded.ahead[0] += 2.0
    assert "revoked" in await guarded.refused(key, 401, "invalid_api_key")


async def test_a_key_ends_when_it_expires(guarded: Guarded) -> None:
    until = time.time() + 100.0
    key = guarded.key(expires_at=until)
    async with guarded.ask(key) as response:
        assert response.status == 200
    guarded.ahead[0] += 100.0
    assert "expired" in await guarded.refused(key, 401, "invalid_api_key")


async def test_a_key_works_in_the_other_header_too(guarded: Guarded) -> None:
    key = guarded.key()
    url = f"{guarded.case.url}/v1/models"
    async with guarded.case.client.get(url, headers={"x-api-key": key}) as response:
        assert response.status == 200
    async with guarded.case.client.get(url) as response:
        assert response.status == 401


async def test_a_key_is_for_its_models_only(guarded: Guarded) -> None:
    key = guarded.key(models=("small-*", "m2"))
    message = await guarded.refused(key, 403, "model_not_allowed")
    assert "small-*, m2" in message
    allowed = guarded.key("other", models=("m",))
    async with guarded.ask(allowed) as response:
        assert response.status == 200


async def test_a_key_without_the_scope_may_not_call(guarded: Guarded) -> None:
    key = guarded.key(scopes=("builds",))
    message = await guarded.refused(key, 403, "scope_missing")
    assert key not in message
    assert key[-4:] in message


async def test_a_key_over_its_budget_is_refused(guarded: Guarded) -> None:
    key = guarded.key()
    (stored,) = guarded.keys.list()
    await guarded.case.service.ledger.set_budget(f"key:{stored.id}", 1_000, "day")
    async with guarded.ask(key) as response:
        error = (await response.json())["error"]
    assert (response.status, error["code"]) == (429, "insufficient_quota")
    assert error["type"] == "insufficient_quota"
    assert response.headers["x-should-retry"] == "false"
    assert f"budget key:{stored.id} (day)" in error["message"]
    assert "retry-after" not in response.headers
    assert guarded.case.model.requests == []


async def test_a_key_over_its_limit_is_told_when_to_come_back(guarded: Guarded) -> None:
    key = guarded.key(requests_per_minute=2)
    told = []
    for _ in range(3):
        async with guarded.ask(key) as response:
            told.append((response.status, response.headers["x-ratelimit-remaining-requests"]))
    assert told == [(200, "1"), (200, "0"), (429, "0")]
    assert response.headers["x-ratelimit-limit-requests"] == "2"
    assert response.headers["retry-after"] == "30"
    assert 29_000 <= int(response.headers["retry-after-ms"]) <= 30_000
    assert "x-should-retry" not in response.headers
    guarded.ahead[0] += 31.0
    async with guarded.ask(key) as response:
        assert response.status == 200


async def test_a_call_that_never_fits_its_limit_is_not_worth_repeating(guarded: Guarded) -> None:
    key = guarded.key(tokens_per_minute=40)
    async with guarded.ask(key) as response:
        error = (await response.json())["error"]
    assert (response.status, error["code"]) == (429, "rate_limit_exceeded")
    assert "lower max_tokens" in error["message"]
    assert response.headers["x-should-retry"] == "false"
    assert response.headers["x-ratelimit-limit-tokens"] == "40"


async def test_keys_of_two_people_share_nothing(guarded: Guarded) -> None:
    first, second = guarded.key("a", requests_per_minute=1), guarded.key("b", requests_per_minute=1)
    async with guarded.ask(first) as one, guarded.ask(second) as two:
        assert (one.status, two.status) == (200, 200)
    rows = await settled(guarded.case.service)
    assert len({row.intent.tenant for row in rows}) == 2


async def test_a_limit_of_the_settings_names_its_scope(tmp_path: Path) -> None:
    limits = (LimitSettings("model", "m", requests_per_minute=1),)
    async with opened(tmp_path, limits=limits) as case:
        async with case.ask() as response:
            assert response.status == 200
            assert response.headers["x-ratelimit-reset-requests"] == "1m0s"
        async with case.ask() as response:
            error = (await response.json())["error"]
        assert response.status == 429
        assert "for model m: used 1 of 1, full again in" in error["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example"}, 403),
        ({"host": "evil.example:4000"}, 403),
        ({"host": "localhost:4000"}, 200),
        ({"host": "[::1]:4000"}, 200),
        ({"host": "localhost", "origin": "http://localhost"}, 200),
    ],
)
async def test_a_page_of_others_cannot_spend_money(
    headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    async with opened(tmp_path) as case:
        url = f"{case.url}/v1/chat/completions"
        async with case.client.post(url, json=ASK, headers=headers) as response:
            body = await response.json()
        assert response.status == status
        assert len(case.model.requests) == (status == 200)
        assert status == 200 or body["error"]["code"] == "foreign_page"


async def test_beyond_this_machine_a_key_is_always_needed(tmp_path: Path) -> None:
    async with opened(tmp_path, auth="keys") as case, case.ask() as response:
        assert response.status == 401
