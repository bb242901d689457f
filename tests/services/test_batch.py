"""Many calls at once: in order, each for itself, resumable; over a real connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.services.answering import Answering, answering

from buildwright import AsyncLLMProcessor, LLMRequest
from buildwright.core.errors import UsageError
from buildwright.core.gateway_settings import GatewayTree, ModelSettings
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.pipeline import Gateway
from buildwright.gateway.surroundings import Surroundings
from buildwright.services.batch import Processor
from buildwright.services.batch_files import Prompts, finished, hash_of, read_prompts


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as state:
        yield state


def tree_of(server: Answering, home: Path) -> GatewayTree:
    priced = {"input_usd_per_mtok": 100_000.0, "output_usd_per_mtok": 200_000.0}
    return GatewayTree(home / "home", {"m": ModelSettings("small", server.url, **priced)})  # type: ignore[arg-type]


def prompts(*texts: str) -> list[LLMRequest]:
    return [LLMRequest(text, "m") for text in texts]


async def test_answers_come_in_the_order_of_the_requests_with_their_cost(
    server: Answering, tmp_path: Path
) -> None:
    processor = AsyncLLMProcessor(max_concurrent=3, tree=tree_of(server, tmp_path))
    names = [f"number {i}" for i in range(20)]
    answers = await processor.process_batch(prompts(*names))
    assert [one.text for one in answers] == [name.upper() for name in names]
    assert [one.request_id for one in answers] == [str(i) for i in range(20)]
    assert {one.status for one in answers} == {"success"}
    assert {(one.input_tokens, one.output_tokens, one.cost_usd) for one in answers} == {
        (10, 5, 2.0)
    }
    assert server.most <= 3


async def test_one_that_fails_sinks_no_other(server: Answering, tmp_path: Path) -> None:
    processor = AsyncLLMProcessor(tree=tree_of(server, tmp_path))
    requests = [*prompts("a", "refuse me", "b"), LLMRequest("c", "no/such"), LLMRequest("d", "")]
    answers = await processor.process_batch(requests)
    assert [one.status for one in answers] == ["success", "error", "success", "error", "error"]
    assert [one.text for one in answers] == ["A", "", "B", "", ""]
    assert "not this one" in answers[1].error
    assert (answers[3].http_status, answers[3].error_code) == (404, "model_not_found")
    assert "model is missing" in answers[4].error


async def test_progress_is_told_after_each_answer(server: Answering, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    processor = AsyncLLMProcessor(tree=tree_of(server, tmp_path))
    await processor.process_batch(
        prompts("a", "b", "c"), progress=lambda done, of: told.append((done, of))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


async def test_results_come_as_they_are_ready(server: Answering, tmp_path: Path) -> None:
    processor = AsyncLLMProcessor(max_concurrent=2, tree=tree_of(server, tmp_path))
    seen = []
    async for answer in processor.stream_batch(prompts("hold this", "quick")):
        seen.append(answer.text)
        server.go.set()
    assert seen == ["QUICK", "HOLD THIS"]


async def test_a_second_run_with_the_same_id_buys_nothing(
    server: Answering, tmp_path: Path
) -> None:
    tree = tree_of(server, tmp_path)
    first = await AsyncLLMProcessor(tree=tree).process_batch(prompts("a", "b"), batch_id="mine")
    again = await AsyncLLMProcessor(tree=tree).process_batch(prompts("a", "b"), batch_id="mine")
    assert [one.text for one in again] == [one.text for one in first] == ["A", "B"]
    assert (sum(one.cost_usd for one in again), len(server.requests)) == (0.0, 2)


async def test_equal_prompts_are_one_call(server: Answering, tmp_path: Path) -> None:
    processor = AsyncLLMProcessor(max_concurrent=10, tree=tree_of(server, tmp_path))
    answers = await processor.process_batch(prompts(*["same"] * 10))
    assert {one.text for one in answers} == {"SAME"}
    assert (len(server.requests), sum(one.cached for one in answers)) == (1, 9)


async def test_a_generator_is_read_only_as_far_as_answers_are_taken(
    server: Answering, tmp_path: Path
) -> None:
    read: list[int] = []

    def many() -> Iterator[LLMRequest]:
        for number in range(1_000):
            read.append(number)
            yield LLMRequest(f"number {number}", "m")

    processor = AsyncLLMProcessor(2, batch_size=1, tree=tree_of(server, tmp_path))
    stream = processor.stream_batch(many())
    await anext(stream)
    await stream.aclose()
    assert len(read) <= 8


@pytest.mark.parametrize(
    "sizes", [{"max_concurrent": 0}, {"max_concurrent": 10_001}, {"batch_size": 0}]
)
async def test_sizes_that_make_no_sense_are_refused(
    server: Answering, tmp_path: Path, sizes: dict[str, int]
) -> None:
    processor = AsyncLLMProcessor(**sizes, tree=tree_of(server, tmp_path))
    with pytest.raises(UsageError, match=f"{next(iter(sizes))} is "):
        await processor.process_batch(prompts("a"))


BAD_LINES: list[tuple[str, str]] = [
    ("{", "line 1: no JSON"),
    ("[]", "line 1: expected a JSON object"),
    ('{"prompt": "a"}\n{"promt": "b"}', "line 2: unknown field 'promt'"),
    ('{"prompt": ""}', "line 1: prompt is missing"),
    ('{"prompt": 7}', "line 1: prompt is no text"),
    ('{"custom_id": "a", "url": "/v1/images", "body": {}}', "line 1: url is '/v1/images'"),
    ('{"custom_id": "a", "url": "/v1/embeddings"}', "custom_id or body is missing"),
    ("\n\n", "has no lines"),
]


@pytest.mark.parametrize(("text", "message"), BAD_LINES)
def test_a_bad_line_is_named_and_nothing_is_sent(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        read_prompts(path, "m")


def test_a_line_without_a_model_needs_one_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "a"}')
    with pytest.raises(UsageError, match="line 1: model is missing"):
        read_prompts(path, "")


def test_a_torn_last_line_of_an_earlier_run_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    requests = tuple(LLMRequest(text, "m") for text in "abc")
    rows: list[dict[str, Any]] = [
        {"index": place, "error": error, "request_hash": hash_of(requests[place])}
        for place, error in enumerate((None, "no"))
    ]
    whole = "".join(json.dumps(row) + "\n" for row in rows)
    for torn in ("", '{"ind', '{"index": 2, "err', '{"id": "batch_req_7"'):
        path.write_text(whole + torn)
        assert finished(path, Prompts(requests, openai=False, batch_id="b")) == {0}
        assert path.read_text() == whole


async def test_a_fault_of_ours_ends_a_batch_instead_of_holding_it_up() -> None:
    class Broken:
        around = Surroundings()

        async def handle(self, call: Call) -> Answer:
            raise RuntimeError(f"fault at {call.asked}")

    processor = Processor(cast("Gateway", Broken()), batch_size=1)
    with pytest.raises(RuntimeError, match="fault at m"):
        await processor.process_batch([LLMRequest(text, "m") for text in "abcdefghij"])
