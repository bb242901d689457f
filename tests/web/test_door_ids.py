"""Ids of requests that become no call, trace contexts, and the models a caller may ask for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.clients.gateway import ASK
from tests.gateway.faults.calling import Case, opened
from yarl import URL

from buildwright.core.keys import ApiKey
from buildwright.gateway.surroundings import Surroundings
from buildwright.store.keys import KeyStore

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EARLY: list[tuple[str, str, Any, int]] = [
    ("POST", CHAT, b"{not json", 400),
    ("POST", CHAT, b'{"model": 7}', 400),
    ("POST", CHAT, b"x" * 5000, 413),
    ("POST", MESSAGES, b"{not json", 400),
    ("POST", MESSAGES, b"x" * 5000, 413),
    ("POST", f"{MESSAGES}/count_tokens", b"[]", 400),
    ("POST", "/v1/embeddings", b'{"model": "m"}', 400),
    ("GET", CHAT, None, 405),
    ("GET", "/v1/nothing", None, 404),
    ("GET", "/v1/models/", None, 404),
    ("GET", "/v1/models/nobody", None, 404),
    ("GET", "/v1/models", None, 200),
    ("GET", "/api/admin/cache", None, 200),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), EARLY)
async def test_an_answer_before_any_call_has_the_ids_of_the_client(
    method: str, path: str, body: Any, status: int, tmp_path: Path
) -> None:
    given = {"x-request-id": "mine-1", "traceparent": TRACE}
    async with opened(tmp_path, body_limit_kib=4) as case:
        send, url = case.client.request, case.url + path
        async with send(method, url, data=body, headers=given) as response:
            assert response.status == status
            assert response.headers.getall("x-request-id") == ["mine-1"]
            assert response.headers["traceparent"] == TRACE
        made = set()
        for odd in ("a b", "x" * 65, ""):
            async with send(method, url, data=body, headers={"x-request-id": odd}) as response:
                made.add(response.headers["x-request-id"])
                assert "traceparent" not in response.headers
        assert len(made) == 3
        assert all(one.isascii() and 10 < len(one) <= 64 for one in made)


async def with_key(case: Case, home: Path, **of_key: Any) -> dict[str, str]:
    """Return the headers of a new key; from now on every call needs one."""
    store = KeyStore(home / "home" / "buildwright.db", time.time)
    _, text = store.create("mine", ApiKey("", "", "", **of_key))
    return {"authorization": f"Bearer {text}"}


def ahead_by(seconds: list[float]) -> Surroundings:
    return Surroundings(tick=lambda: time.monotonic() + seconds[0])


async def test_who_is_refused_for_the_key_has_an_id_too(tmp_path: Path) -> None:
    ahead = [0.0]
    async with opened(tmp_path, around=ahead_by(ahead)) as case:
        await with_key(case, tmp_path)
        ahead[0] = 2.0
        for path in (CHAT, MESSAGES):
            given = {"x-request-id": "mine-1"}
            async with case.client.post(case.url + path, json=ASK, headers=given) as response:
                assert (response.status, response.headers["x-request-id"]) == (401, "mine-1")


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_returns_the_trace_it_was_given(
    *, path: str, stream: bool, tmp_path: Path
) -> None:
    async with opened(tmp_path) as case:
        ask = {**ASK, "stream": stream}
        given = {"traceparent": TRACE}
        async with case.client.post(case.url + path, json=ask, headers=given) as response:
            await response.read()
            assert (response.status, response.headers["traceparent"]) == (200, TRACE)


@pytest.mark.parametrize(
    "bad",
    ["", "00-1-2-01", TRACE.upper(), TRACE + "-x", TRACE.replace("00-4", "ff-4"), TRACE + "0",
     "00-" + "0" * 32 + TRACE[35:], TRACE[:36] + "0" * 16 + "-01",
     "01" + TRACE[2:] + "-" + "a" * 300],
)  # fmt: skip
async def test_a_trace_that_is_none_is_not_returned(bad: str, tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        ask = case.client.post(case.url + CHAT, json=ASK, headers={"traceparent": bad})
        async with ask as response:
            assert (response.status, "traceparent" in response.headers) == (200, False)


@pytest.mark.parametrize(
    ("path", "name"),
    [("m", "m"), ("ollama/qwen3", "ollama/qwen3"), ("ollama%2Fqwen3", "ollama/qwen3"),
     ("openai/gpt-4o-mini", "openai/gpt-4o-mini")],
)  # fmt: skip
async def test_one_model_is_told_by_its_name(path: str, name: str, tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        url = URL(f"{case.url}/v1/models/{path}", encoded=True)
        async with case.client.get(url) as response:
            told = await response.json()
        assert (response.status, told["id"], told["object"]) == (200, name, "model")
        async with case.client.delete(url) as response:
            assert response.status == 405


@pytest.mark.parametrize("name", ["nobody", "openai/gpt-4o-minii", "opnai/x", "m/"])
async def test_a_model_that_nobody_knows_is_not_found(name: str, tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        async with case.client.get(f"{case.url}/v1/models/{name}") as response:
            error = (await response.json())["error"]
        assert (response.status, error["code"], error["param"]) == (404, "model_not_found", "model")
        async with case.client.get(f"{case.url}/metrics") as response:
            assert 'http_route="/v1/models/{model}"' in await response.text()


async def test_a_key_for_some_models_is_shown_only_those(tmp_path: Path) -> None:
    ahead, aliases = [0.0], {"fast": "m", "slow": "m"}
    async with opened(tmp_path, around=ahead_by(ahead), aliases=aliases) as case:
        key = await with_key(case, tmp_path, models=("fast", "ollama/*"))
        ahead[0] = 2.0
        async with case.client.get(f"{case.url}/v1/models", headers=key) as response:
            assert [row["id"] for row in (await response.json())["data"]] == ["fast"]
        for name, status in (("fast", 200), ("slow", 403), ("ollama/x", 200), ("nobody", 403)):
            ask = case.client.get(f"{case.url}/v1/models/{name}", headers=key)
            async with ask as response:
                assert response.status == status
