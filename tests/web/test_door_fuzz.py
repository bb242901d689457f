"""Whatever is sent to `/v1`, the answer is no 500 and an error always has its envelope."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.clients.gateway import ASK
from tests.gateway.faults.calling import Case, opened

ROUTES = ("/v1/chat/completions", "/v1/embeddings", "/v1/messages")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["model", "messages", "input", "max_tokens", "stream", "stream_options", "n", "tools",
     "tool_choice", "temperature", "system", "stop", "response_format", "user", "metadata",
     "max_completion_tokens", "thinking", "encoding_format", "dimensions"]
)  # fmt: skip
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "tool", "developer", ""]) | JSON},
    optional={"content": JSON, "tool_calls": JSON, "tool_call_id": JSON, "name": JSON},
)
BODY = st.dictionaries(FIELDS, JSON, max_size=6).flatmap(
    lambda odd: st.fixed_dictionaries(
        {"model": st.just("m"), "messages": st.lists(MESSAGE, max_size=3) | JSON}
    ).map(lambda good: {**good, **odd})
)
HEADERS = st.dictionaries(
    st.sampled_from(["idempotency-key", "cache-control", "x-request-id", "authorization",
                     "content-type", "anthropic-version", "traceparent", "x-api-key"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    max_size=3,
)  # fmt: skip
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[asyncio.Runner, Case]]:
    """One gateway for all examples, on a loop of its own."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        context = opened(Path(folder), body_limit_kib=64)
        case = runner.run(context.__aenter__())
        try:
            yield runner, case
        finally:
            runner.run(context.__aexit__(None, None, None))


def check(
    served: tuple[asyncio.Runner, Case], route: str, raw: bytes, headers: dict[str, str]
) -> None:
    runner, case = served

    async def ask() -> tuple[int, str, bytes]:
        async with case.client.post(case.url + route, data=raw, headers=headers) as response:
            return response.status, response.content_type, await response.read()

    status, kind, told = runner.run(ask())
    assert status < 500 or status in (502, 504), told
    if status != 200:
        assert kind == "application/json"
        envelope(route, orjson.loads(told))


def envelope(route: str, body: Any) -> None:
    error = body["error"]
    assert isinstance(error["message"], str)
    assert isinstance(error["type"], str)
    if route == "/v1/messages":
        assert body["type"] == "error"
    else:
        assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("route", ROUTES)
@QUICK
@given(raw=st.binary(max_size=400), headers=HEADERS)
def test_any_bytes_get_an_envelope(
    served: tuple[asyncio.Runner, Case], route: str, raw: bytes, headers: dict[str, str]
) -> None:
    check(served, route, raw, headers)


@pytest.mark.parametrize("route", ROUTES)
@QUICK
@given(body=JSON | BODY, headers=HEADERS)
def test_any_json_gets_an_answer_or_an_envelope(
    served: tuple[asyncio.Runner, Case], route: str, body: Any, headers: dict[str, str]
) -> None:
    check(served, route, orjson.dumps(body), headers)


@pytest.mark.parametrize("route", ROUTES)
@QUICK
@example(field="tools", value=True)
@example(field="stream_options", value={"include_usage": [1]})
@given(field=FIELDS, value=JSON)
def test_one_odd_field_never_makes_a_500(
    served: tuple[asyncio.Runner, Case], route: str, field: str, value: Any
) -> None:
    good = {**ASK, "input": "x"}
    check(served, route, orjson.dumps({**good, field: value}), {})
