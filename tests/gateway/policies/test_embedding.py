"""Embedding calls that arrive together are one upstream call, and each pays its share."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.policies.making import target

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.call import Answer, Call, Caller
from buildwright.gateway.errors import GatewayError, unreachable
from buildwright.gateway.policies.embedding import Embedding, divided


class Upstream:
    """Gives each text its length as its vector; three tokens for a text."""

    def __init__(self, *, short: bool = False, error: GatewayError | None = None) -> None:
        self.asked: list[Any] = []
        self._short, self._error = short, error

    async def send(self, call: Call, _target: object) -> Answer:
        texts = call.body["input"]
        self.asked.append(texts)
        if self._error is not None:
            raise self._error
        texts = [texts] if isinstance(texts, str) else texts
        rows = [{"index": i, "embedding": [float(len(text))]} for i, text in enumerate(texts)]
        call.usage = TokenUsage(fresh_input=3 * len(texts))
        body = {"object": "list", "model": "e", "data": rows[self._short :],
                "usage": {"prompt_tokens": 3 * len(texts)}}  # fmt: skip
        return Answer(orjson.dumps(body), usage=call.usage)


def embed(texts: str | list[str] | list[int], tenant: str = "t", **more: Any) -> Call:
    body = {"model": "e", "input": texts, **more}
    call = Call("c", "embeddings", body, Caller(tenant), 0.0, 0.0)
    call.input_tokens = 5 if isinstance(texts, str) else 5 * len(texts)
    return call


async def together(upstream: Upstream, *calls: Call) -> list[Any]:
    policy = Embedding(upstream.send)
    answers = await asyncio.gather(
        *(policy.send(call, target()) for call in calls), return_exceptions=True
    )
    return [
        answer if isinstance(answer, BaseException) else orjson.loads(answer.body)
        for answer in answers
    ]


async def test_what_arrives_together_is_asked_together() -> None:
    upstream = Upstream()
    calls = [embed("a"), embed(["bb", "ccc"]), embed("dddd")]
    answers = await together(upstream, *calls)
    assert upstream.asked == [["a", "bb", "ccc", "dddd"]]
    vectors = [[row["embedding"][0] for row in answer["data"]] for answer in answers]
    assert vectors == [[1.0], [2.0, 3.0], [4.0]]
    assert [row["index"] for row in answers[1]["data"]] == [0, 1]
    assert [call.usage.fresh_input for call in calls] == [3, 6, 3]


async def test_one_call_alone_goes_as_it_came() -> None:
    upstream = Upstream()
    await together(upstream, embed("a"))
    assert upstream.asked == ["a"]


@pytest.mark.parametrize("other", [
    embed("b", tenant="u"), embed("b", dimensions=3), embed([1, 2, 3]),
])  # fmt: skip
async def test_other_tenants_parameters_and_token_lists_go_apart(other: Call) -> None:
    upstream = Upstream()
    await together(upstream, embed("a"), other)
    assert len(upstream.asked) == 2


async def test_an_error_is_everybodys() -> None:
    answers = await together(Upstream(error=unreachable("down")), embed("a"), embed("b"))
    assert [answer.message for answer in answers] == ["down", "down"]


async def test_a_wrong_number_of_vectors_is_nobodys() -> None:
    answers = await together(Upstream(short=True), embed("a"), embed("b"))
    assert all("number of vectors" in answer.message for answer in answers)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 1000), min_size=1, max_size=30))
def test_shares_are_whole_and_sum_to_the_total(total: int, weights: list[int]) -> None:
    shares = divided(total, weights)
    assert sum(shares) == total
    assert min(shares) >= 0
