"""Headers of `/v1/messages`: keys by both names, versions, betas."""

from __future__ import annotations

import time
from pathlib import Path

import anthropic
import httpx
import pytest
from tests.gateway.wire_servers.anthropic_server import AnthropicServer
from tests.gateway.wire_servers.loopback import serving
from tests.web.conftest import Served
from tests.web.messages_client import ASK, client_of, newest, tree_of

from buildwright.app.gateway import open_gateway_service
from buildwright.core.keys import ApiKey
from buildwright.store.keys import KeyStore
from buildwright.web.messages import forwarded


@pytest.mark.parametrize("name", ["x-api-key", "authorization"])
async def test_a_key_opens_the_door_by_either_header(
    name: str, served: Served, tmp_path: Path
) -> None:
    async with serving(AnthropicServer()) as model:
        tree = tree_of(tmp_path, model.url, "anthropic", auth="keys")
        async with open_gateway_service(tree):
            allowed = ApiKey("", "", "", org="acme", models=("m",))
            key, text = KeyStore(tmp_path / "buildwright.db", time.time).create("k", allowed)
        url, service = await served(tree)
        value = text if name == "x-api-key" else f"Bearer {text}"
        async with httpx.AsyncClient(headers={name: value}) as client:
            answer = await client.post(f"{url}/v1/messages", json=ASK)
            other = await client.post(f"{url}/v1/messages", json={**ASK, "model": "other"})
        row = await newest(service)
    assert (answer.status_code, row.intent.tenant) == (200, "org:acme")
    assert row.intent.scopes == ("org:acme", f"key:{key.id}")
    assert (other.status_code, other.json()["error"]["type"]) == (403, "permission_error")
    assert text not in str(model.requests[0].headers)


async def test_a_key_is_asked_for_where_keys_are_needed(served: Served, tmp_path: Path) -> None:
    url, _ = await served(tree_of(tmp_path, "http://127.0.0.1:9", "anthropic", auth="keys"))
    async with client_of(url, api_key="bw_wrong") as client:
        with pytest.raises(anthropic.AuthenticationError, match="misspelt") as caught:
            await client.messages.create(**ASK)
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["error"]["type"] == "authentication_error"


async def test_the_version_of_the_client_reaches_the_upstream(
    served: Served, tmp_path: Path
) -> None:
    async with serving(AnthropicServer()) as model:
        url, _ = await served(tree_of(tmp_path, model.url, "anthropic"))
        async with client_of(url) as client:
            await client.messages.create(**ASK)
        async with httpx.AsyncClient() as plain:
            await plain.post(f"{url}/v1/messages", json={**ASK, "max_tokens": 7})
    versions = [request.headers["anthropic-version"] for request in model.requests]
    assert versions == ["2026-10-21", "2023-06-01"]
    assert "authorization" not in model.requests[0].headers


def test_betas_of_several_headers_are_one_list() -> None:
    headers = [(b"anthropic-beta", b"a-1"), (b"host", b"x"), (b"anthropic-beta", b" b-2 ")]
    assert forwarded(headers) == ((b"anthropic-beta", b"a-1,b-2"),)


@pytest.mark.parametrize("value", [b"x" * 3000, b"caf\xc3\xa9", b"a\tb"])
async def test_a_header_that_cannot_be_passed_on_is_refused(
    value: bytes, served: Served, tmp_path: Path
) -> None:
    url, _ = await served(tree_of(tmp_path, "http://127.0.0.1:9", "anthropic"))
    async with httpx.AsyncClient(headers=[(b"anthropic-beta", value)]) as client:
        answer = await client.post(f"{url}/v1/messages", json=ASK)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "anthropic-beta" in answer.json()["error"]["message"]
