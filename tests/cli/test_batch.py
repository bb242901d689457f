"""`buildwright batch`: a file in, a file out, whatever happens in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Told
from tests.services.answering import Answering

LINES = [f"prompt {number}" for number in range(8)]
SUICIDE = """
import os, signal, sys
from buildwright.cli.main import exit_code_of
from buildwright.services import batch_files

real, written = batch_files.write_result, []

def write(handle, answer, prompts):
    if len(written) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    written.append(answer.index)
    real(handle, answer, prompts)

batch_files.write_result = write
sys.exit(exit_code_of(sys.argv[1:]))
"""


def write_prompts(*texts: str) -> None:
    Path("p.jsonl").write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))


def results() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]


def test_answers_are_written_in_order_and_summed_up(told: Told, model: str) -> None:
    write_prompts(*LINES)
    code, out, err = told("batch", "p.jsonl", "-o", "r.jsonl", "--model", model)
    assert (code, err) == (0, "")
    assert out == "8 answered, 0 failed, 0 kept from before, 16.000000 USD: r.jsonl\n"
    assert [row["text"] for row in results()] == [line.upper() for line in LINES]


def test_a_line_that_fails_is_told_and_only_it_is_sent_again(
    told: Told, model: str, server: Answering
) -> None:
    write_prompts("one", "refuse two", "three")
    code, out, _ = told("batch", "p.jsonl", "-o", "r.jsonl", "--model", model, "--json")
    assert code == 1
    assert json.loads(out) == {"done": 2, "failed": 1, "kept": 0, "cost_usd": 4.0}
    assert [row["status"] for row in results()] == ["success", "error", "success"]
    assert "not this one" in results()[1]["error"]
    code, out, _ = told("batch", "p.jsonl", "-o", "r.jsonl", "--model", model, "--json")
    assert json.loads(out) == {"done": 0, "failed": 1, "kept": 2, "cost_usd": 0.0}
    assert server.asked == {"one": 1, "refuse two": 2, "three": 1}


@pytest.mark.parametrize("concurrent", ["1", "4"])
def test_after_a_kill_the_same_command_finishes_and_buys_nothing_twice(
    told: Told, model: str, server: Answering, concurrent: str
) -> None:
    write_prompts(*LINES)
    usual = ("batch", "p.jsonl", "-o", "r.jsonl", "--model", model)
    command = (*usual, "--max-concurrent", concurrent)
    killed = subprocess.run([sys.executable, "-c", SUICIDE, *command], env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL
    assert len(results()) == 3
    _, listed, _ = told("calls", "list", "--json", "--limit", "100")
    paid = {row["id"] for row in json.loads(listed) if row["status"] == "done"}
    texts = [json.loads(told("calls", "show", one, "--json")[1])["request"] for one in paid]
    bought = {body["messages"][0]["content"] for body in texts}
    assert len(bought) >= 4
    code, out, _ = told(*command, "--json")
    assert (code, json.loads(out)["kept"], json.loads(out)["failed"]) == (0, 3, 0)
    assert [row["text"] for row in results()] == [line.upper() for line in LINES]
    assert {text: server.asked[text] for text in bought} == dict.fromkeys(bought, 1)
    if concurrent == "1":
        assert server.asked == dict.fromkeys(LINES, 1)


def test_openai_batch_files_go_in_and_come_out(told: Told, model: str) -> None:
    chat = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    lines = [
        {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": chat},
        {"custom_id": "b", "url": "/v1/embeddings", "body": {"model": model, "input": "x"}},
        {"custom_id": "c", "url": "/v1/chat/completions", "body": chat | {"model": "no/such"}},
    ]
    Path("p.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, _, _ = told("batch", "p.jsonl", "-o", "r.jsonl")
    rows = results()
    assert code == 1
    assert [row["custom_id"] for row in rows] == ["a", "b", "c"]
    assert rows[0]["response"]["status_code"] == 200
    assert rows[0]["response"]["body"]["choices"][0]["message"]["content"] == "HELLO"
    assert rows[0]["error"] is None
    assert rows[1]["response"]["body"]["data"][0]["embedding"] == [0.25, 0.5]
    assert rows[2]["error"]["code"] == "model_not_found"


def test_a_bad_file_is_one_error_and_nothing_is_sent(
    told: Told, model: str, server: Answering
) -> None:
    Path("p.jsonl").write_text('{"prompt": "a"}\n{oops}\n')
    code, out, err = told("batch", "p.jsonl", "-o", "r.jsonl", "--model", model)
    assert (code, out) == (2, "")
    assert "error: p.jsonl, line 2: no JSON" in err
    assert server.requests == []
