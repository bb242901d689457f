"""`buildwright cache`: looking into, clearing and filling the cache of a running server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Told
from tests.cli.served import serving
from tests.services.answering import Answering


def line(text: str, answer: Any = "stored", **request: Any) -> str:
    """Return one request with its answer, as `cache warm` reads it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}}
    body = {"id": "x", "created": 1, "model": "m", "choices": [{**choice, "finish_reason": "stop"}]}
    asked = {"model": "m", "messages": [{"role": "user", "content": text}], **request}
    return json.dumps({"request": asked, "answer": body}) + "\n"


def stats(told: Told, url: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(told("cache", "stats", "--url", url, "--json")[1])
    return shown


def test_numbers_and_clearing_of_a_running_server(
    told: Told, model: str, server: Answering
) -> None:
    with serving() as served:
        for text in ("one", "one", "two"):
            assert served.chat(text)[0] == 200
        shown = stats(told, served.url)
        assert (shown["enabled"], shown["backend"], shown["keys"]) == (True, "memory", 2)
        assert shown["hit_rate"] == pytest.approx(1 / 3)
        assert shown["memory_used"] > 0
        assert "33.3%" in told("cache", "stats", "--url", served.url)[1]
        clear = ("cache", "clear", "--url", served.url)
        assert told(*clear, "org:x/*")[:2] == (0, "0 answers deleted\n")
        assert told(*clear)[:2] == (0, "2 answers deleted\n")
        assert served.chat("one")[0] == 200
    assert server.asked == {"one": 2, "two": 1}


def test_a_warmed_answer_is_given_without_asking_anybody(
    told: Told, model: str, server: Answering
) -> None:
    Path("w.jsonl").write_text(line("one") + "\n" + line("two", temperature=0))
    with serving() as served:
        code, out, _ = told("cache", "warm", "w.jsonl", "--url", served.url)
        assert (code, out) == (0, "2 answers put into the cache, 0 refused\n")
        _, answer = served.chat("one")
    assert answer["choices"][0]["message"]["content"] == "stored"
    assert server.requests == []


def test_an_export_of_the_ledger_warms_another_server(
    told: Told, model: str, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDWRIGHT_GATEWAY__KEEP_BODIES", "all")
    with serving() as served:
        served.chat("one")
        served.stop()
    told("calls", "export", "-o", "w.jsonl")
    with serving() as served:
        told("cache", "warm", "w.jsonl", "--url", served.url)
        _, answer = served.chat("one")
    assert answer["choices"][0]["message"]["content"] == "ONE"
    assert server.asked == {"one": 1}


def test_bad_lines_are_told_with_their_number_and_the_others_are_kept(
    told: Told, model: str
) -> None:
    bad = [
        "{oops\n",
        "[]\n",
        '{"request": {"messages": []}, "answer": {}}\n',
        '{"request": {"model": "m"}, "answer": {"choices": []}}\n',
        '{"request": {"model": "m"}, "answer": 7}\n',
        '{"request": {"model": "nobody/x"}, "answer": {}}\n',
        '{"wire": "fax", "request": {"model": "m"}, "answer": {}}\n',
    ]
    Path("w.jsonl").write_text("".join([line("one"), *bad]))
    with serving() as served:
        code, out, err = told("cache", "warm", "w.jsonl", "--url", served.url)
    assert (code, out) == (1, "1 answers put into the cache, 7 refused\n")
    reasons = (
        "no JSON", "expected {", "request.model is missing", "the answer never finished",
        "answer is '7'", "unknown model 'nobody/x'", "wire is 'fax'",
    )  # fmt: skip
    for number, part in enumerate(reasons, 2):
        assert f"line {number}: {part}" in err


def test_a_large_file_goes_in_pieces_and_keeps_its_numbers(told: Told, model: str) -> None:
    lines = [line(f"number {i}", "x" * 20_000) for i in range(120)]
    lines[110] = "oops\n"
    Path("w.jsonl").write_text("".join(lines))
    with serving() as served:
        code, out, err = told("cache", "warm", "w.jsonl", "--url", served.url)
        assert stats(told, served.url)["keys"] == 119
    assert (code, out) == (1, "119 answers put into the cache, 1 refused\n")
    assert "line 111: no JSON" in err


def test_with_keys_only_one_of_scope_admin_may(
    told: Told, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = told("keys", "create", "plain")[1].strip()
    admin = told("keys", "create", "boss", "--scope", "admin")[1].strip()
    with serving() as served:
        ask = ("cache", "stats", "--url", served.url)
        code, _, err = told(*ask)
        assert (code, "refused with 401" in err, "BUILDWRIGHT_KEY" in err) == (2, True, True)
        monkeypatch.setenv("BUILDWRIGHT_KEY", plain)
        code, _, err = told(*ask)
        assert (code, "scope admin" in err) == (2, True)
        assert plain not in err
        monkeypatch.setenv("BUILDWRIGHT_KEY", admin)
        assert told(*ask)[0] == 0
        assert served.chat("one", authorization=f"Bearer {admin}")[0] == 403


def test_an_admin_fills_the_cache_of_a_tenant(
    told: Told, model: str, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = told("keys", "create", "plain", "--org", "acme")[1].strip()
    admin = told("keys", "create", "boss", "--scope", "admin")[1].strip()
    monkeypatch.setenv("BUILDWRIGHT_KEY", admin)
    Path("w.jsonl").write_text(line("one"))
    with serving() as served:
        told("cache", "warm", "w.jsonl", "--url", served.url, "--tenant", "org:acme")
        served.chat("one", authorization=f"Bearer {user}")
        assert server.requests == []
        assert told("cache", "clear", "org:acme/*", "--url", served.url)[1].startswith("1 ")


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_web_page_cannot_fill_the_cache(told: Told, model: str, origin: str) -> None:
    with serving() as served:
        status, answer = served.post("/api/admin/cache", {}, origin=origin)
    assert (status, answer["error"]["code"]) == (403, "foreign_page")


BAD: list[tuple[tuple[str, ...], int, str]] = [
    (("stats", "--url", "http://127.0.0.1:9"), 3, "no gateway answers at http://127.0.0.1:9"),
    (("clear", "--url", "ftp://127.0.0.1"), 2, "--url is 'ftp://127.0.0.1'"),
    (("clear", "--url", "nonsense"), 2, "--url is 'nonsense'"),
    (("warm", "missing.jsonl"), 2, "does not exist"),
]


@pytest.mark.parametrize(("arguments", "exit_code", "message"), BAD)
def test_what_cannot_be_is_one_error(
    told: Told, arguments: tuple[str, ...], exit_code: int, message: str
) -> None:
    code, out, err = told("cache", *arguments)
    assert (code, out) == (exit_code, "")
    assert message in err


def test_what_is_no_gateway_is_told(told: Told, server: Answering) -> None:
    code, _, err = told("cache", "stats", "--url", server.url.removesuffix("/v1"))
    assert code == 2
    assert "no gateway of Buildwright answers there" in err
