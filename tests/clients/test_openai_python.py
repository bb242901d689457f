"""The `openai` SDK for Python, asynchronous and synchronous, against the served gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from tests.clients.answers import TEXT, USAGE, refusal, word
from tests.clients.gateway import ASK, settled
from tests.clients.serving import Front
from tests.gateway.faults.faults import Later, more, refused, silent

MESSAGES: Any = ASK["messages"]
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "add_book", "parameters": {"type": "object", "properties": {}}},
    }
]


def made(front: Front, retries: int = 0, **options: Any) -> openai.AsyncOpenAI:
    key = options.pop("api_key", "none-needed")
    return openai.AsyncOpenAI(base_url=front.url, api_key=key, max_retries=retries, **options)


@pytest.fixture
async def client(front: Front) -> AsyncIterator[openai.AsyncOpenAI]:
    async with made(front) as it:
        yield it


async def test_a_plain_answer(front: Front, client: openai.AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="m", messages=MESSAGES, max_tokens=50
    )
    answer = raw.parse()
    assert answer.choices[0].message.content == TEXT
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 7)
    assert raw.headers["x-buildwright-cost-usd"] == "0.025"
    assert raw.headers["x-request-id"] == raw.headers["x-buildwright-call-id"]


async def test_a_stream_with_its_usage(front: Front, client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == TEXT
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == USAGE["total_tokens"]


async def test_usage_is_not_sent_to_who_did_not_ask(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


async def test_tools_whole_and_streamed(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="m", messages=MESSAGES, tools=TOOLS)
    called = (whole.choices[0].message.tool_calls or [])[0]
    assert called.type == "function"
    assert (called.function.name, whole.choices[0].finish_reason) == ("add_book", "tool_calls")
    async with client.chat.completions.stream(model="m", messages=MESSAGES, tools=TOOLS) as stream:
        final = await stream.get_final_completion()
    again = (final.choices[0].message.tool_calls or [])[0]
    assert json.loads(again.function.arguments) == {"title": "Dune", "year": 1965}


async def test_an_answer_in_a_schema(front: Front, client: openai.AsyncOpenAI) -> None:
    schema: Any = {"type": "json_schema", "json_schema": {"name": "book", "schema": {}}}
    answer = await client.chat.completions.create(
        model="m", messages=MESSAGES, response_format=schema
    )
    assert json.loads(answer.choices[0].message.content or "") == {"title": "Dune", "year": 1965}
    assert front.model.requests[0].body["response_format"] == schema


async def test_several_choices_with_logprobs(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="m", messages=MESSAGES, n=3, logprobs=True)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    told = answer.choices[2].logprobs
    assert told is not None
    assert [token.logprob for token in told.content or []] == [-0.125]


async def test_embeddings_of_several_texts(client: openai.AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model="m", input=["a", "bbb"], encoding_format="float")
    assert [row.embedding[0] for row in answer.data] == [1.0, 3.0]
    assert answer.usage.prompt_tokens == 10


async def test_the_list_of_models(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["m"]


ERRORS: list[tuple[int, bytes, type[openai.APIStatusError]]] = [
    (400, refusal(), openai.BadRequestError),
    (404, refusal(), openai.NotFoundError),
    (422, refusal(), openai.UnprocessableEntityError),
    (429, refusal(), openai.RateLimitError),
    (500, refusal(), openai.InternalServerError),
    (503, refusal(), openai.InternalServerError),
    (401, refusal(), openai.InternalServerError),
]


@pytest.mark.parametrize(("status", "body", "kind"), ERRORS)
async def test_errors_have_their_classes(
    status: int, body: bytes, kind: type[openai.APIStatusError], front: Front,
    client: openai.AsyncOpenAI,
) -> None:  # fmt: skip
    front.model.script(refused(status, body))
    with pytest.raises(kind, match="m: HTTP"):
        await client.chat.completions.create(model="m", messages=MESSAGES)


async def test_errors_of_the_gateway_itself_have_theirs(front: Front) -> None:
    key = front.key(requests_per_minute=1)
    async with made(front) as nobody:
        with pytest.raises(openai.AuthenticationError, match="misspelt"):
            await nobody.models.list()
    async with made(front, api_key=key) as client:
        with pytest.raises(openai.NotFoundError, match="no/such") as lost:
            await client.chat.completions.create(model="no/such", messages=MESSAGES)
        assert lost.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError, match="max_tokens is -1"):
            await client.chat.completions.create(model="m", messages=MESSAGES, max_tokens=-1)
        await client.chat.completions.create(model="m", messages=MESSAGES)
        with pytest.raises(openai.RateLimitError, match="1 requests per minute") as limited:
            await client.chat.completions.create(model="m", messages=MESSAGES)
        assert limited.value.code == "rate_limit_exceeded"
    assert len(front.model.requests) == 1


async def test_a_spent_budget_is_not_tried_again(front: Front) -> None:
    await front.service.ledger.set_budget("org:local", 1, "total")
    async with made(front, retries=3) as client:
        with pytest.raises(openai.RateLimitError, match="budget org:local") as spent:
            await client.chat.completions.create(model="m", messages=MESSAGES)
    assert spent.value.code == "insufficient_quota"
    assert spent.value.response.headers["x-should-retry"] == "false"
    assert front.model.requests == []


async def test_the_client_tries_again_when_and_as_often_as_it_is_told(front: Front) -> None:
    front.model.script(refused(429, retry_after_ms="5"), refused(500))
    async with made(front, retries=2) as client:
        answer = await client.chat.completions.create(model="m", messages=MESSAGES)
    assert answer.choices[0].message.content == TEXT
    assert len(front.model.requests) == 3
    assert len(await settled(front.service)) == 3


async def test_a_refusal_that_will_not_change_is_asked_once(front: Front) -> None:
    front.model.script(refused(401), refused(401))
    async with made(front, retries=2) as client:
        with pytest.raises(openai.InternalServerError, match="check the API key"):
            await client.chat.completions.create(model="m", messages=MESSAGES)
    assert len(front.model.requests) == 1


async def test_a_client_that_gives_up_waiting_is_told_so(front: Front) -> None:
    front.model.script(silent)
    async with made(front, timeout=0.2) as client:
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(model="m", messages=MESSAGES)
    (row,) = await settled(front.service)
    assert (row.status, row.reserved_nano) == ("in_doubt", row.intent.reserve_nano)


async def test_a_stream_that_breaks_off_raises(front: Front, client: openai.AsyncOpenAI) -> None:
    step = Later(more(end=False))
    front.model.script(step)
    stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    first = await anext(stream)
    step.seen.set()
    assert first.choices[0].delta.content == "Hello"
    with pytest.raises(openai.APIError, match="in the middle of the body"):
        await anext(stream)


async def test_the_synchronous_client(front: Front) -> None:
    def use() -> tuple[str | None, list[str | None]]:
        with openai.OpenAI(base_url=front.url, api_key="x", max_retries=0) as client:
            whole = client.chat.completions.create(model="m", messages=MESSAGES)
            stream = client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
            parts = [chunk.choices[0].delta.content for chunk in stream]
            return whole.choices[0].message.content, parts

    text, parts = await asyncio.to_thread(use)
    assert (text, "".join(part or "" for part in parts)) == (TEXT, TEXT)


async def test_words_come_as_they_are_made(front: Front, client: openai.AsyncOpenAI) -> None:
    step = Later(more(word(1), b"data: [DONE]\n\n"))
    front.model.script(step)
    stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    first = await anext(stream)
    assert first.choices[0].delta.content == "Hello"
    assert len(front.model.requests) == 1
    step.seen.set()
    assert [chunk.choices[0].delta.content async for chunk in stream] == [" from"]
