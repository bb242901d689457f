"""`buildwright batch` with files that are wrong: nothing is lost, sent or paid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Told
from tests.services.answering import Answering

COMMAND = ("batch", "p.jsonl", "-o", "r.jsonl", "--model", "m")


def put(*rows: Any) -> None:
    Path("p.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def results() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("r.jsonl").read_bytes().splitlines()]


def spent(told: Told) -> list[Any]:
    listed: list[Any] = json.loads(told("calls", "list", "--json")[1])
    return listed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", -5),
        ("max_tokens", -5_000_000),
        ("max_tokens", 0),
        ("max_tokens", "many"),
        ("max_tokens", True),
        ("max_tokens", 99_999_999_999),
        ("temperature", "hot"),
        ("temperature", [1]),
        ("messages", ["hi"]),
        ("messages", [{"content": "hi"}]),
    ],
)
@pytest.mark.usefixtures("model")
def test_a_line_with_a_wrong_value_fails_alone_unsent_and_unpaid(
    told: Told, server: Answering, field: str, value: Any
) -> None:
    put({"prompt": "good"}, {"prompt": "bad", field: value})
    code, out, _ = told(*COMMAND, "--json")
    assert (code, json.loads(out)["done"], json.loads(out)["failed"]) == (1, 1, 1)
    good, bad = results()
    assert (good["text"], bad["status"]) == ("GOOD", "error")
    assert field in bad["error"]
    assert server.asked == {"good": 1}
    assert [row["cost_usd"] for row in spent(told)] == ["2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"prompt": "a", "system": 5}', "system is no text"),
        ('{"messages": "hi"}', "messages is no list"),
        ('{"prompt": ["a"]}', "prompt is no text"),
        ('{"prompt": "a", "model": 7}', "model is no text"),
        ('{"prompt": ""}', "prompt is missing or empty"),
        ('{"prompt": "a", "temperature": NaN}', "no JSON"),
        ('{"prompt": "a", "tempreature": 1}', "unknown field 'tempreature'"),
        ('["a"]', "expected a JSON object"),
        ('{"prompt": "\\ud800"}', "no JSON"),
    ],
)
@pytest.mark.usefixtures("model")
def test_a_line_of_the_wrong_form_is_named_and_nothing_is_sent(
    told: Told, server: Answering, text: str, said: str
) -> None:
    Path("p.jsonl").write_text('{"prompt": "good"}\n' + text + "\n")
    code, out, err = told(*COMMAND)
    assert (code, out) == (2, "")
    assert "p.jsonl, line 2: " in err
    assert said in err
    assert (server.requests, Path("r.jsonl").exists()) == ([], False)


@pytest.mark.usefixtures("model")
def test_two_lines_of_one_name_are_refused(told: Told) -> None:
    body = {"messages": [{"role": "user", "content": "x"}]}
    put({"custom_id": "a", "body": body}, {"custom_id": "a", "body": body})
    assert "line 2: id 'a' is that of line 1 too" in told(*COMMAND)[2]


@pytest.mark.usefixtures("model")
def test_a_method_other_than_post_is_refused(told: Told) -> None:
    put({"custom_id": "a", "method": "GET", "body": {}})
    assert "line 1: method is 'GET'; expected POST" in told(*COMMAND)[2]


@pytest.mark.usefixtures("model")
def test_line_separators_of_unicode_within_a_text_part_no_lines(
    told: Told, server: Answering
) -> None:
    put({"prompt": "a\u2028b\x85c"})
    assert told(*COMMAND)[0] == 0
    assert server.asked == {"a\u2028b\x85c": 1}


@pytest.mark.usefixtures("model")
def test_a_file_with_a_byte_order_mark_is_read(told: Told) -> None:
    Path("p.jsonl").write_bytes(b'\xef\xbb\xbf{"prompt": "a"}\r\n')
    assert told(*COMMAND)[0] == 0


@pytest.mark.parametrize("text", ["notes\n", "notes", '{"prompt": "a"}\n', '{"index": 0}\n{"x'])
@pytest.mark.usefixtures("model")
def test_a_file_that_holds_something_else_is_left_as_it_is(
    told: Told, server: Answering, text: str
) -> None:
    put({"prompt": "a"})
    Path("r.jsonl").write_text(text)
    code, _, err = told(*COMMAND)
    assert (code, "line 1 is no answer to this file" in err) == (2, True)
    assert (Path("r.jsonl").read_text(), server.requests) == (text, [])


@pytest.mark.usefixtures("model")
def test_the_prompts_themselves_are_never_written_over(told: Told) -> None:
    put({"prompt": "a"})
    before = Path("p.jsonl").read_bytes()
    assert told("batch", "p.jsonl", "-o", "p.jsonl", "--model", "m")[0] == 2
    assert Path("p.jsonl").read_bytes() == before


@pytest.mark.usefixtures("model")
def test_answers_to_other_prompts_are_neither_kept_nor_lost(told: Told) -> None:
    put({"prompt": "a"}, {"prompt": "b"})
    told(*COMMAND)
    before = results()
    for other in (({"prompt": "b"}, {"prompt": "a"}), ({"prompt": "a"},)):
        put(*other)
        assert told(*COMMAND)[0] == 2
    assert results() == before


@pytest.mark.usefixtures("model")
def test_a_failed_line_may_be_corrected_and_the_others_stay(told: Told, server: Answering) -> None:
    put({"prompt": "a"}, {"prompt": "refuse b"})
    assert told(*COMMAND)[0] == 1
    put({"prompt": "a"}, {"prompt": "b"})
    assert told(*COMMAND)[0] == 0
    assert [row["text"] for row in results()] == ["A", "B"]
    assert server.asked["a"] == 1


@pytest.mark.usefixtures("model")
def test_a_torn_last_line_is_dropped_and_answered_again(told: Told) -> None:
    put({"prompt": "a"}, {"prompt": "b"})
    told(*COMMAND)
    before = results()
    raw = Path("r.jsonl").read_bytes()
    Path("r.jsonl").write_bytes(raw[:-9])
    code, out, _ = told(*COMMAND, "--json")
    assert (code, json.loads(out)["kept"]) == (0, 1)
    assert [row["text"] for row in results()] == [row["text"] for row in before]
