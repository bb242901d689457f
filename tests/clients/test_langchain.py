"""LangChain's ChatOpenAI against the served gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator

import openai
import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr
from tests.clients.answers import TEXT
from tests.clients.gateway import settled
from tests.clients.serving import Front
from tests.gateway.faults.faults import refused


class Book(BaseModel):
    """A book."""

    title: str
    year: int


@pytest.fixture
async def wire() -> AsyncIterator[openai.DefaultAsyncHttpxClient]:
    """A client of the test's own: LangChain shares one by address, and ports come round again."""
    async with openai.DefaultAsyncHttpxClient() as made:
        yield made


@pytest.fixture
def chat(front: Front, wire: openai.DefaultAsyncHttpxClient) -> ChatOpenAI:
    return ChatOpenAI(
        model="m",
        base_url=front.url,
        api_key=SecretStr("x"),
        max_retries=0,
        stream_usage=True,
        http_async_client=wire,
    )


async def test_it_asks_and_knows_the_usage(chat: ChatOpenAI) -> None:
    answer = await chat.ainvoke([HumanMessage("Say hello.")])
    assert answer.content == TEXT
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 18


async def test_it_streams_with_usage(chat: ChatOpenAI, front: Front) -> None:
    parts = [part async for part in chat.astream("Say hello.")]
    assert "".join(str(part.content) for part in parts) == TEXT
    assert sum(p.usage_metadata["total_tokens"] for p in parts if p.usage_metadata) == 18
    (row,) = await settled(front.service)
    assert row.status == "done"


async def test_it_calls_tools(chat: ChatOpenAI) -> None:
    answer = await chat.bind_tools([Book]).ainvoke("A book.")
    (called,) = answer.tool_calls
    assert (called["name"], called["args"]) == ("Book", {"title": "Dune", "year": 1965})


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
async def test_it_gets_structured_answers(chat: ChatOpenAI, method: str) -> None:
    structured = chat.with_structured_output(Book, method=method)  # type: ignore[arg-type]
    assert await structured.ainvoke("A book as JSON.") == Book(title="Dune", year=1965)


async def test_its_errors_are_those_of_the_wire(chat: ChatOpenAI, front: Front) -> None:
    front.model.script(refused(429))
    with pytest.raises(openai.RateLimitError, match="m: HTTP 429"):
        await chat.ainvoke("Say hello.")


async def test_it_embeds(front: Front, wire: openai.DefaultAsyncHttpxClient) -> None:
    embeddings = OpenAIEmbeddings(
        model="m",
        openai_api_base=front.url,
        openai_api_key=SecretStr("x"),
        check_embedding_ctx_length=False,
        http_async_client=wire,
    )
    assert await embeddings.aembed_documents(["a", "bbb"]) == [[1.0, 0.5], [3.0, 0.5]]
