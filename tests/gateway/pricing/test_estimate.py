"""The estimate of input tokens against counts of real tokenizers (corpus/tokens.jsonl).

The counts were made once with bpe-openai 0.1.4, whose ranks are those of OpenAI.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from buildwright.gateway.pricing import estimate_tokens

LINES = (Path(__file__).parent / "corpus" / "tokens.jsonl").read_text(encoding="utf-8").splitlines()
TEXTS = [json.loads(line) for line in LINES]
PROSE = ("english", "german", "chinese", "code")
EMPTY = estimate_tokens({"messages": [{"role": "user", "content": ""}]})


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages), **more}


def said(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize("sample", TEXTS, ids=lambda sample: sample["name"])
def test_the_estimate_is_not_below_the_count_of_either_tokenizer(sample: dict[str, Any]) -> None:
    estimate = estimate_tokens(chat(said(sample["text"]))) - EMPTY
    assert estimate >= max(sample["o200k"], sample["cl100k"])
    if sample["name"] in PROSE:
        assert estimate <= 2.2 * max(sample["o200k"], sample["cl100k"])


def test_a_message_has_an_overhead_of_its_own() -> None:
    one, two = chat(said("hello")), chat(said("hello"), said("hello"))
    assert estimate_tokens(two) - estimate_tokens(one) >= 8


def test_all_that_a_model_reads_counts() -> None:
    text = "read this sentence and count its tokens well " * 10
    tool = {"type": "function", "function": {"name": "f", "description": text}}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
    least = estimate_tokens(chat(said(text))) - EMPTY
    for body in (
        chat(said(""), tools=[tool]),
        chat(said(""), response_format={"type": "json_schema", "json_schema": {"d": text}}),
        chat(said([{"type": "text", "text": text}])),
        chat({"role": "assistant", "content": None, "tool_calls": [call]}),
        chat({"role": "user", "content": "", "name": text}),
        chat(said(""), system=text),
        {"model": "m", "input": [text]},
        {"model": "m", "prompt": text, "messages": "nonsense"},
        chat(said([{"type": "text", text: 1}])),
    ):
        assert estimate_tokens(body) >= least


def test_tokens_given_as_numbers_count_one_each() -> None:
    assert estimate_tokens({"model": "m", "input": list(range(1000))}) >= 1000


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 900_000}},
        {"type": "image", "source": {"type": "base64", "data": "A" * 900_000}},
    ],
)
def test_a_picture_counts_the_same_however_many_bytes_it_has(part: dict[str, Any]) -> None:
    assert 1_700 <= estimate_tokens(chat(said([part]))) <= 1_800
    assert estimate_tokens(chat(said([part, part]))) >= 3_400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None},
        {"messages": [None, 5, "x", []]},
        {"messages": [{"content": "\ud800"}]},
    ],
)
def test_a_body_of_nonsense_has_an_estimate_too(body: dict[str, Any]) -> None:
    assert estimate_tokens(body) > 0


def test_what_no_model_reads_is_free() -> None:
    plain = chat(said("x"))
    settings = {"max_tokens": 5000, "temperature": 0.5, "user": "u" * 999, "stop": ["a"] * 9}
    assert estimate_tokens(plain | settings) == estimate_tokens(plain)
