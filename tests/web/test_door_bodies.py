"""Requests that cannot be used: one clear error each, nothing sent, nothing charged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.clients.gateway import ASK, settled
from tests.gateway.faults.calling import opened

from buildwright.core.gateway_settings import ModelSettings

CHAT, EMBED = "/v1/chat/completions", "/v1/embeddings"
USER = [{"role": "user", "content": "hi"}]
BODIES: list[tuple[str, Any, str | None, str]] = [
    (CHAT, b"{not json", None, "not JSON"),
    (CHAT, b"", None, "not JSON"),
    (CHAT, b'{"model": "m", "messages": NaN}', None, "not JSON"),
    (CHAT, b'{"model": "\xff"}', None, "not JSON"),
    (CHAT, b"[" * 5000, None, "not JSON"),
    (CHAT, b'{"model": "m", "x": ' + b"[" * 300 + b"]" * 300 + b"}", None, "100 deep"),
    (CHAT, b'{"model": "m", "messages": ' + b'{"a":' * 900 + b"1" + b"}" * 901, None, "100 deep"),
    (CHAT, b'{"model": "\\ud800"}', None, "not JSON"),
    (CHAT, [1, 2], None, "JSON array, expected an object"),
    (CHAT, "text", None, "JSON string, expected an object"),
    (CHAT, None, None, "JSON null, expected an object"),
    (CHAT, {"messages": USER}, "model", "model is missing"),
    (CHAT, {"model": "", "messages": USER}, "model", "expected the name of a model"),
    (CHAT, {"model": 7, "messages": USER}, "model", "model is 7"),
    (CHAT, {"model": ["m"], "messages": USER}, "model", "expected the name of a model"),
    (CHAT, {"model": "m" * 301, "messages": USER}, "model", "expected the name of a model"),
    (CHAT, {"model": "m"}, "messages", "messages is missing"),
    (CHAT, {"model": "m", "messages": []}, "messages", "expected a list of messages"),
    (CHAT, {"model": "m", "messages": "hi"}, "messages", "expected a list of messages"),
    (CHAT, {"model": "m", "messages": ["hi"]}, "messages[0]", "expected an object with a role"),
    (CHAT, {"model": "m", "messages": [*USER, {"content": "x"}]}, "messages[1]", "with a role"),
    (CHAT, ASK | {"max_tokens": -1}, "max_tokens", "max_tokens is -1"),
    (CHAT, ASK | {"max_tokens": 0}, "max_tokens", "whole number from 1"),
    (CHAT, ASK | {"max_tokens": 10**12}, "max_tokens", "whole number from 1 to 10000000"),
    (CHAT, ASK | {"max_tokens": True}, "max_tokens", "max_tokens is True"),
    (CHAT, ASK | {"max_tokens": 1.5}, "max_tokens", "max_tokens is 1.5"),
    (CHAT, ASK | {"max_tokens": "50"}, "max_tokens", "max_tokens is '50'"),
    (CHAT, ASK | {"max_completion_tokens": -5}, "max_completion_tokens", "is -5"),
    (CHAT, ASK | {"n": 0}, "n", "whole number from 1 to 128"),
    (CHAT, ASK | {"n": 1000}, "n", "whole number from 1 to 128"),
    (CHAT, ASK | {"stream": "yes"}, "stream", "expected true or false"),
    (CHAT, ASK | {"stream": 1}, "stream", "expected true or false"),
    (CHAT, ASK | {"stream_options": 3}, "stream_options", "expected an object"),
    (CHAT, ASK | {"temperature": "hot"}, "temperature", "temperature is 'hot', expected a number"),
    (CHAT, ASK | {"temperature": True}, "temperature", "temperature is True"),
    (CHAT, ASK | {"top_p": [1]}, "top_p", "top_p is [1], expected a number"),
    (CHAT, ASK | {"presence_penalty": {}}, "presence_penalty", "expected a number"),
    (CHAT, ASK | {"seed": 1.5}, "seed", "seed is 1.5, expected a whole number"),
    (CHAT, ASK | {"seed": "7"}, "seed", "seed is '7'"),
    (CHAT, ASK | {"tools": {}}, "tools", "tools is {}, expected a list of objects"),
    (CHAT, ASK | {"tools": [{}, "f"]}, "tools[1]", "tools[1] is 'f'"),
    (CHAT, ASK | {"tool_choice": 1}, "tool_choice", "expected a string or an object"),
    (CHAT, ASK | {"tool_choice": ["auto"]}, "tool_choice", "expected a string or an object"),
    (CHAT, ASK | {"response_format": "json"}, "response_format", "expected an object"),
    (CHAT, ASK | {"stop": 7}, "stop", "stop is 7, expected a string or a list of strings"),
    (CHAT, ASK | {"stop": ["a", 7]}, "stop[1]", "stop[1] is 7"),
    (CHAT, {"model": "m", "messages": [{"role": 7}]}, "messages[0]", "an object with a role"),
    (
        CHAT,
        {"model": "m", "messages": [{"role": "user", "content": 7}]},
        "messages[0].content",
        "messages[0].content is 7, expected a string, null or a list of parts",
    ),
    (
        CHAT,
        {"model": "m", "messages": [{"role": "user", "content": {}}]},
        "messages[0].content",
        "expected a string, null or a list of parts",
    ),
    (
        CHAT,
        {"model": "m", "messages": [*USER, {"role": "user", "content": [{}, 1]}]},
        "messages[1].content[1]",
        "messages[1].content[1] is 1",
    ),
    (EMBED, {"model": "m"}, "input", "input is missing"),
    (EMBED, {"model": "m", "input": []}, "input", "expected"),
    (EMBED, {"model": "m", "input": {"a": 1}}, "input", "expected"),
    (EMBED, {"model": "m", "input": [""] * 3 + [{}]}, "input", "expected"),
    (EMBED, {"model": "m", "input": "x", "stream": True}, "stream", "embeddings"),
]


@pytest.mark.parametrize(("path", "body", "param", "said"), BODIES)
async def test_a_body_that_cannot_be_used_is_told_where(
    path: str, body: Any, param: str | None, said: str, tmp_path: Path
) -> None:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    async with opened(tmp_path) as case:
        async with case.client.post(case.url + path, data=raw) as response:
            error = (await response.json())["error"]
        assert (response.status, error["type"]) == (400, "invalid_request_error")
        assert error["param"] == param
        assert said in error["message"]
        assert response.headers["x-should-retry"] == "false"
        assert case.model.requests == []
        assert await settled(case.service) == []


UNTOUCHED: list[dict[str, Any]] = [
    {"temperature": 99, "top_p": None, "seed": -(2**40), "stop": [], "tools": None},
    {"tool_choice": "whatever", "response_format": {"type": "of its own"}, "top_k": "many"},
    {"stop": "x", "logprobs": 3, "logit_bias": [1], "user": 7, "thinking": "much"},
    {"messages": [{"role": "ipython", "content": None}, {"role": "tool"}]},
    {"messages": [{"role": "user", "content": ["a", {"type": "of its own"}]}]},
]


@pytest.mark.parametrize("fields", UNTOUCHED)
async def test_what_a_provider_may_know_better_is_sent_as_it_is(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    async with opened(tmp_path) as case:
        async with case.ask(**fields) as response:
            assert response.status == 200
        (sent,) = case.model.requests
        assert {name: sent.body[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("model", "nearest"),
    [("mm", "'m'"), ("olama/qwen", "ollama/"), ("nobody/knows", "model"), ("openai/gpt-4o-minii",
     "gpt-4o-mini")],
)  # fmt: skip
async def test_an_unknown_model_is_answered_with_the_nearest(
    model: str, nearest: str, tmp_path: Path
) -> None:
    async with opened(tmp_path) as case:
        async with case.ask(model=model) as response:
            error = (await response.json())["error"]
        assert (response.status, error["code"], error["param"]) == (404, "model_not_found", "model")
        assert model in error["message"]
        assert nearest in error["message"]
        assert case.model.requests == []
        assert await settled(case.service) == []


async def test_a_context_too_long_is_told_before_it_is_sent(tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        small = ModelSettings(model="x", url=case.model.url, free=True, context_tokens=200)
        case.service.gateway.tree.models["small"] = small
        async with case.ask(model="small", messages=[{"role": "user", "content": "word " * 900}]
                            ) as response:  # fmt: skip
            error = (await response.json())["error"]
        assert (response.status, error["code"]) == (400, "context_length_exceeded")
        assert error["param"] == "messages"
        assert "takes 200" in error["message"]
        assert (case.model.requests, await settled(case.service)) == ([], [])
        async with case.ask(model="small") as response:
            assert response.status == 200


async def test_a_body_too_large_is_not_read(tmp_path: Path) -> None:
    async with opened(tmp_path, body_limit_kib=4) as case:
        async with case.ask(messages=[{"role": "user", "content": "x" * 5000}]) as response:
            error = (await response.json())["error"]
        assert (response.status, error["code"]) == (413, "request_too_large")
        assert "gateway.body_limit_kib" in error["message"]
        assert case.model.requests == []


async def test_a_body_in_chunks_too_large_is_cut_short(tmp_path: Path) -> None:
    async def parts() -> Any:
        for _ in range(64):
            yield b"x" * 1024

    async with opened(tmp_path, body_limit_kib=4) as case:
        async with case.client.post(case.url + CHAT, data=parts()) as response:
            assert response.status == 413
        assert case.model.requests == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", CHAT, 405, "unknown_method"),
        ("DELETE", "/v1/models", 405, "unknown_method"),
        ("GET", "/", 404, "unknown_path"),
        ("POST", "/v1/completions", 404, "unknown_path"),
        ("GET", "/v1/chat/completions/", 404, "unknown_path"),
        ("GET", "/../etc/passwd", 404, "unknown_path"),
    ],
)
async def test_a_route_that_is_none_says_so(
    method: str, path: str, status: int, code: str, tmp_path: Path
) -> None:
    async with opened(tmp_path) as case:
        async with case.client.request(method, case.url + path) as response:
            error = (await response.json())["error"]
        assert (response.status, error["code"]) == (status, code)


@pytest.mark.parametrize(
    ("given", "echoed"),
    [("my-id_1.2:3", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("é", False)],
)
async def test_the_clients_request_id_comes_back_when_it_is_harmless(
    given: str, echoed: object, tmp_path: Path
) -> None:
    async with opened(tmp_path) as case:
        ask = case.client.post(case.url + CHAT, json=ASK, headers={"x-request-id": given})
        async with ask as response:
            told = response.headers["x-request-id"]
        assert (told == given) == echoed
        assert echoed or told == response.headers["x-buildwright-call-id"]
