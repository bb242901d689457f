"""Why a call was not answered from the cache, told from what the ledger kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from buildwright.core.errors import UnknownNameError, UsageError
from buildwright.core.gateway_settings import CacheSettings, GatewaySettings, GatewayTree
from buildwright.core.ledger import Intent, Settlement, TokenUsage
from buildwright.gateway.ledger_memory import MemoryLedger
from buildwright.services.debugging import Miss, answer_text, token_checks, why_miss

TREE = GatewayTree(Path("unused"))
SYSTEM = {"role": "system", "content": "Be brief."}
HELLO = {"role": "user", "content": "hello"}
BODY: dict[str, Any] = {"model": "m", "messages": [SYSTEM, HELLO], "temperature": 0.5}


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(lambda: 1000.0)


async def made(
    ledger: MemoryLedger, body: dict[str, Any] | None, at: float = 0.0, **other: Any
) -> str:
    """Store a finished call; return its id."""
    call_id = f"call-{at}"
    values: dict[str, Any] = {"tenant": "t", "wire": "chat"} | other
    settled = Settlement(
        call_id,
        at,
        values.pop("status", "done"),
        TokenUsage(fresh_input=values.pop("reported", 100)),
        attempts=values.pop("attempts", 1),
    )
    request = None if body is None else json.dumps(body).encode()
    intent = Intent(
        call_id, at, scopes=(), reserve_nano=0, asked_model="m", provider="p", model="m",
        price_version="v", request=request, **values,
    )  # fmt: skip
    await ledger.intend(intent)
    await ledger.settle(settled)
    return call_id


async def missed(ledger: MemoryLedger, body: dict[str, Any], at: float = 5.0, **other: Any) -> Miss:
    return await why_miss(ledger, TREE, await made(ledger, body, at, **other))


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"temperature": 0.6}, "parameter temperature"),
    ({"max_tokens": 9}, "parameter max_tokens"),
    ({"stream": True}, "parameter stream"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
    ({"messages": [SYSTEM, {"role": "user", "content": "Hello"}]}, "messages[1]"),
    ({"messages": [SYSTEM, HELLO, {"role": "user", "content": "and"}]}, "messages[2]"),
    ({"messages": [{"role": "system", "content": "Be long."}, HELLO]}, "system prompt"),
    ({"model": "m2"}, "model"),
]


@pytest.mark.parametrize(("change", "part"), CHANGES, ids=[part for _, part in CHANGES])
async def test_the_part_that_differed_is_named(
    ledger: MemoryLedger, change: dict[str, Any], part: str
) -> None:
    near = await made(ledger, BODY)
    miss = await missed(ledger, BODY | change)
    assert (miss.reason, miss.parts, miss.nearest) == (part, (part,), near)
    assert miss.text == f"{part} differs from call {near}"


async def test_the_nearest_call_is_compared_and_fields_without_meaning_are_not(
    ledger: MemoryLedger,
) -> None:
    far = {**BODY, "messages": [{"role": "user", "content": "x"}], "temperature": 1}
    await made(ledger, far, 0.0)
    near = await made(ledger, BODY, 1.0)
    await made(ledger, far | {"seed": 1}, 2.0)
    miss = await missed(ledger, BODY | {"user": "ann", "top_p": 0.5})
    assert (miss.parts, miss.nearest) == (("parameter top_p",), near)


async def test_equal_numbers_are_no_difference(ledger: MemoryLedger) -> None:
    await made(ledger, BODY | {"temperature": 1})
    assert (await missed(ledger, BODY | {"temperature": 1.0})).parts == ()


async def test_another_tenant_s_answer_is_told_as_such(ledger: MemoryLedger) -> None:
    twin = await made(ledger, BODY, 0.0, tenant="other")
    miss = await missed(ledger, BODY)
    assert (miss.reason, miss.nearest) == ("tenant", twin)
    await made(ledger, BODY | {"top_p": 1}, 1.0)
    assert (await missed(ledger, BODY, 6.0, tenant="third")).reason == "tenant"


async def test_a_first_call_had_nothing_to_be_answered_from(ledger: MemoryLedger) -> None:
    await made(ledger, None)
    assert (await missed(ledger, BODY)).reason == "first"


async def test_an_answer_that_ran_out_is_told_and_one_at_temperature_0_is_kept_longer(
    ledger: MemoryLedger,
) -> None:
    await made(ledger, BODY)
    assert (await missed(ledger, BODY, 7_300.0)).reason == "expired"
    cold = BODY | {"temperature": 0}
    await made(ledger, cold, 8_000.0)
    assert (await missed(ledger, cold, 15_300.0)).reason == "not_stored"


@pytest.mark.parametrize("status", ["failed", "in_doubt"])
async def test_a_call_that_never_finished_was_not_stored(ledger: MemoryLedger, status: str) -> None:
    await made(ledger, BODY, status=status)
    miss = await missed(ledger, BODY)
    assert f"never finished ({status})" in miss.text


async def test_an_equal_finished_call_says_what_may_have_become_of_it(
    ledger: MemoryLedger,
) -> None:
    await made(ledger, BODY)
    miss = await missed(ledger, BODY)
    assert miss.reason == "not_stored"
    assert "no-store" in miss.text
    off = replace(TREE, gateway=GatewaySettings(cache=CacheSettings(enabled=False)))
    assert "switched off" in (await why_miss(ledger, off, miss.call_id)).text


async def test_a_hit_is_told_as_one(ledger: MemoryLedger) -> None:
    await made(ledger, BODY)
    assert (await missed(ledger, BODY, attempts=0)).reason == "hit"


async def test_without_its_request_a_call_says_how_to_keep_it(ledger: MemoryLedger) -> None:
    call_id = await made(ledger, None)
    with pytest.raises(UsageError, match="was not kept") as caught:
        await why_miss(ledger, TREE, call_id)
    assert "gateway.keep_bodies" in caught.value.next_step
    with pytest.raises(UnknownNameError, match="unknown call"):
        await why_miss(ledger, TREE, "nothing")


async def test_an_unknown_call_is_answered_with_the_newest_ones(ledger: MemoryLedger) -> None:
    for number in range(30):
        await made(ledger, BODY, float(number))
    with pytest.raises(UnknownNameError, match=r"known: call-27.0, call-28.0, call-29.0\n"):
        await why_miss(ledger, TREE, "nothing")
    with pytest.raises(UnknownNameError, match=r"did you mean 'call-28.0'"):
        await why_miss(ledger, TREE, "kall-28.0")


async def test_counts_are_compared_for_each_model_where_a_usage_was_reported(
    ledger: MemoryLedger,
) -> None:
    for number, reported in enumerate((10, 20, 40, 0)):
        await made(ledger, BODY, float(number), reported=reported)
    rows = [row for n in range(4) if (row := await ledger.get(f"call-{float(n)}"))]
    (check,) = token_checks(rows)
    ours = check.p95 * 10
    assert (check.model, check.calls, check.p5) == ("p/m", 3, ours / 40)
    assert check.mean == pytest.approx(ours * (1 / 10 + 1 / 20 + 1 / 40) / 3)


def test_an_answer_on_many_lines_is_read_like_one_on_one() -> None:
    answer = {"id": "1", "choices": [{"index": 0, "message": {"content": "one\ntwo"}}]}
    assert answer_text(json.dumps(answer, indent=2).encode()) == "one\ntwo"


def test_an_answer_of_the_anthropic_wire_is_read() -> None:
    tool = {"type": "tool_use", "id": "t", "name": "look", "input": {"at": 1}}
    blocks = [{"type": "text", "text": "I see."}, tool]
    answer = {"id": "1", "type": "message", "content": blocks}
    assert answer_text(json.dumps(answer, indent=2).encode()) == 'I see.\n[look] {"at":1}'


def test_a_stream_of_the_anthropic_wire_is_read() -> None:
    tool = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    pieces: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "1", "model": "m", "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "am."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": tool},
        {"type": "content_block_delta", "index": 1,
         "delta": {"type": "input_json_delta", "partial_json": '{"at":1}'}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
        {"type": "message_stop"},
    ]  # fmt: skip
    events = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in pieces)
    assert answer_text(events.encode()) == 'I am.\n[look] {"at":1}'
    assert answer_text(b"event: x\ndata: {no json\n\n").startswith("event: x")


def test_what_an_answer_says_is_read_whole_streamed_and_as_it_is() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    whole = {"choices": [{"message": {"content": "Hi", "tool_calls": [call]}}]}
    assert answer_text(json.dumps(whole).encode()) == "Hi\n[f] {}"
    assert (
        answer_text(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n') == "Hi"
    )
    assert answer_text(b'{"data": []}') == '{"data": []}'
    assert answer_text(b"\xff") == "�"
    assert answer_text(None) == ""
