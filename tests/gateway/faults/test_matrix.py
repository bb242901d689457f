"""Every fault of an upstream: what the client sees, tries, money, breaker, and the next call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.clients.answers import COST_NANO, TEXT
from tests.gateway.faults import faults
from tests.gateway.faults.calling import FORMS, Case, opened
from tests.gateway.faults.rows import FIRST, GOOD_STREAMS, LATER, WHOLE, Row, later

from buildwright.gateway.sse import data_of, events_of


def named(row: Row) -> str:
    return row.name


async def judged(case: Case, row: Row) -> None:
    """Compare tries, money and breaker; then see that the next call works and nothing leaks."""
    assert len(case.model.requests) == row.tries
    assert (await case.row()).status == row.row
    spent, held = await case.money()
    assert case.faults() == row.faults
    case.model.steps.clear()
    async with case.ask() as response:
        assert response.status == 200
        assert (await response.json())["choices"][0]["message"]["content"] == TEXT
    next_row = await case.row()
    # What one try may cost at most, and every doubtful one holds.
    bound = next_row.intent.reserve_nano
    assert (next_row.status, spent, held) == ("done", row.spent, row.held * bound)
    assert await case.money() == (row.spent + COST_NANO, held)
    assert case.clean()


async def refused(case: Case, row: Row, **changed: Any) -> None:
    """Call; the client sees the envelope of the OpenAI wire."""
    case.model.script(*[row.step] * 3)
    async with case.ask(**changed) as response:
        body = await response.json()
    error = body["error"]
    assert (response.status, error["code"]) == (row.status, row.code)
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"].startswith("m: ")
    assert response.headers.get("retry-after-ms") == row.retry_after_ms
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-buildwright-attempts"] == str(row.tries)


@pytest.mark.parametrize("row", WHOLE, ids=named)
async def test_a_fault_of_a_whole_answer(row: Row, tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        await refused(case, row)
        await judged(case, row)


@pytest.mark.parametrize("row", FIRST, ids=named)
async def test_a_fault_before_the_first_event(row: Row, tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        await refused(case, row, stream=True)
        await judged(case, row)


@pytest.mark.parametrize("name", LATER)
async def test_a_fault_in_mid_stream(name: str, tmp_path: Path) -> None:
    row = next(row for row in later() if row.name == name)
    assert isinstance(row.step, faults.Later)
    async with opened(tmp_path) as case:
        case.model.script(row.step)
        async with case.ask(stream=True) as response:
            first = await response.content.readuntil(b"\n\n")
            row.step.seen.set()
            rest = await response.read()
        assert (response.status, b"Hello" in first) == (200, True)
        last = orjson.loads(data_of(events_of(rest)[-1]))
        assert last["error"]["code"] == row.code
        assert b"[DONE]" not in rest
        await judged(case, row)


@pytest.mark.parametrize("name", list(GOOD_STREAMS))
async def test_an_unusual_stream_is_a_good_one(name: str, tmp_path: Path) -> None:
    async with opened(tmp_path) as case:
        case.model.script(GOOD_STREAMS[name])
        async with case.ask(stream=True, stream_options={"include_usage": True}) as response:
            raw = await response.read()
        assert (response.status, raw.endswith(b"data: [DONE]\n\n")) == (200, True)
        assert (await case.row()).status == "done"
        assert await case.money() == (COST_NANO, 0)
        assert (len(case.model.requests), case.faults(), case.clean()) == (1, 0, True)


USAGES: dict[str, tuple[Any, int, int]] = {
    "negative": ({"prompt_tokens": -5, "completion_tokens": 7}, -1, 7),
    "texts": ({"prompt_tokens": "11", "completion_tokens": "7"}, -1, -1),
    "fractions": ({"prompt_tokens": 11.5, "completion_tokens": 7.5}, -1, -1),
    "truths": ({"prompt_tokens": True, "completion_tokens": 7}, -1, 7),
    "beyond all bounds": ({"prompt_tokens": 10**30, "completion_tokens": 7}, -1, 7),
    "a list": ([11, 7], -1, -1),
    "a text": ("11", -1, -1),
    "nothing": (None, -1, -1),
    "a total too small": ({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 3}, 11, 7),
    "a total too large": (
        {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 100}, 11, 89,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(USAGES))
@pytest.mark.parametrize("form", FORMS)
async def test_a_wrong_usage_never_makes_a_call_cheaper(
    name: str, form: str, tmp_path: Path
) -> None:
    stream = form == "streamed"
    usage, told_input, told_output = USAGES[name]
    async with opened(tmp_path) as case:
        case.model.script(faults.with_usage(usage)[stream])
        async with case.ask(stream=stream) as response:
            assert response.status == 200
            await response.read()
        row = await case.row()
        assert row.settlement is not None
        counted = row.settlement.usage
        own_input, own_output = counted.input > 11, counted.output > 7
        assert own_input if told_input < 0 else counted.input == told_input
        outputs = counted.output + counted.reasoning
        assert own_output if told_output < 0 else outputs == told_output
        assert counted.estimated or not counted.consistent or told_output == 89
        cost = counted.input * 1_000_000 + outputs * 2_000_000
        assert await case.money() == (cost, 0)
