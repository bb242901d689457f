"""Answers that are there before their request is, and bodies that nobody reads."""

from __future__ import annotations

import asyncio
import http.client
import socket
from typing import Any

import httpx2
import pytest
from tests.web.http1.talking import HASTY, Talk, at, post, reply

from buildwright.web.http import Receive, Scope, Send

MIB = b"x" * (1 << 20)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 413 after the first piece, as the doors do."""
    await receive()
    await reply(send, b"too large", 413)


BIG = MIB * 5


def _by_http_client(port: int) -> list[tuple[int, bytes]]:
    client = http.client.HTTPConnection("127.0.0.1", port)
    answers = []
    for _ in range(2):
        client.request("POST", "/", BIG)
        answer = client.getresponse()
        answers.append((answer.status, answer.read()))
    client.close()
    return answers


def _by_httpx2(port: int) -> list[tuple[int, bytes]]:
    with httpx2.Client(trust_env=False) as client:
        answers = [client.post(f"http://127.0.0.1:{port}/", content=BIG) for _ in range(2)]
    return [(answer.status_code, answer.content) for answer in answers]


def _by_socket(port: int) -> list[tuple[int, bytes]]:
    answers = []
    for last in (b"connection: close", b"expect: 100-continue"):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(post(BIG, b"/", last))
            answer = b""
            while b"too large" not in answer:
                answer += client.recv(1 << 16)
            head, body = answer.split(b"\r\n\r\n")[-2:]
            answers.append((int(head.split()[1]), body))
    return answers


@pytest.mark.parametrize("client", [_by_http_client, _by_httpx2, _by_socket])
async def test_an_early_answer_reaches_a_client_that_is_still_writing(client: Any) -> None:
    async with at(refuse) as door:
        answers = await asyncio.to_thread(client, door.port)
    assert answers == [(413, b"too large")] * 2


async def test_a_client_that_goes_on_writing_after_its_answer_is_cut_off() -> None:
    head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 999999999999\r\n\r\n"
    async with at(refuse, patience=HASTY) as door, door.talk() as talk:
        await talk.say(head + b"x")
        assert (await talk.answer()).status == 413
        with pytest.raises(ConnectionError):
            await _write_for_ever(talk)


async def _write_for_ever(talk: Talk) -> None:
    while True:
        talk.writer.write(b"x" * 1000)
        await talk.writer.drain()
        await asyncio.sleep(0)


async def test_a_large_body_that_is_not_read_is_not_taken() -> None:
    free = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await free.wait()
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await reply(send, b"%d" % size)

    async with at(app) as door, door.talk() as talk:
        talk.writer.write(post(MIB * 64))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(talk.writer.drain(), 0.2)
        (exchange,) = door.state.exchanges
        assert exchange.unread <= 96 << 10
        free.set()
        assert (await talk.answer()).body == b"%d" % (64 << 20)
