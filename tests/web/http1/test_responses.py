"""What an application may answer, and how it reaches the client."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Any

import pytest
from tests.web.http1.talking import GET, at, body_of, reply

from buildwright.web.app import App
from buildwright.web.http import Receive, Scope, Send

OLD = b"GET / HTTP/1.0\r\n\r\n"
OLD_KEEP = b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"
HEAD = GET.replace(b"GET", b"HEAD")


def answering(status: int, headers: list[tuple[bytes, bytes]], *pieces: bytes) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await body_of(receive)
        start: dict[str, Any] = {"type": "http.response.start", "status": status}
        await send({**start, "headers": headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    return app


SIZED = answering(200, [(b"content-length", b"5"), (b"x-a", b"b")], b"ab", b"cde")
UNSIZED = answering(200, [(b"x-a", b"b")], b"ab", b"", b"cde" * 10)


async def bytes_of(app: App, request: bytes) -> bytes:
    """Return the answer without its date; where the connection is kept, one more ends it."""
    async with at(app) as door:
        answer = await door.raw(request + b"X\r\n\r\n")
    answer, dates = re.subn(rb"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", b"", answer)
    assert dates >= 1
    return answer.split(b"HTTP/1.1 400")[0]


@pytest.mark.parametrize(
    ("app", "request_", "expected"),
    [
        (SIZED, GET, b"content-length: 5\r\nx-a: b\r\n\r\nabcde"),
        (SIZED, HEAD, b"content-length: 5\r\nx-a: b\r\n\r\n"),
        (SIZED, OLD, b"content-length: 5\r\nx-a: b\r\nconnection: close\r\n\r\nabcde"),
        (SIZED, OLD_KEEP, b"content-length: 5\r\nx-a: b\r\nconnection: keep-alive\r\n\r\nabcde"),
        (
            UNSIZED,
            GET,
            b"x-a: b\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1e\r\n%b\r\n0\r\n\r\n"
            % (b"cde" * 10),
        ),
        (UNSIZED, HEAD, b"x-a: b\r\ntransfer-encoding: chunked\r\n\r\n"),
        (UNSIZED, OLD, b"x-a: b\r\nconnection: close\r\n\r\nab" + b"cde" * 10),
        (UNSIZED, OLD_KEEP, b"x-a: b\r\nconnection: close\r\n\r\nab" + b"cde" * 10),
    ],
)
async def test_the_bytes_of_a_response(app: App, request_: bytes, expected: bytes) -> None:
    assert await bytes_of(app, request_) == b"HTTP/1.1 200 OK\r\n" + expected


@pytest.mark.parametrize(
    ("status", "line", "headers"),
    [
        (204, b"204 No Content", []),
        (304, b"304 Not Modified", [(b"content-length", b"5")]),
        (304, b"304 Not Modified", []),
    ],
)
async def test_a_status_without_a_body_has_none(
    status: int, line: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    told = b"".join(b"%b: %b\r\n" % header for header in headers)
    sent = await bytes_of(answering(status, headers, b"never"), GET)
    assert sent == b"HTTP/1.1 %b\r\n%b\r\n" % (line, told)


async def test_a_connection_is_kept_after_responses_of_every_kind() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        kinds = [SIZED, UNSIZED, answering(204, []), answering(304, [])]
        await kinds[int(scope["path"][1:])](scope, receive, send)

    async with at(app) as door, door.talk() as talk:
        for method in ("GET", "HEAD", "POST"):
            for kind in range(4):
                await talk.say(b"%b /%d HTTP/1.1\r\nhost: a\r\n\r\n" % (method.encode(), kind))
                answer = await talk.answer(method)
                assert answer.status == (200, 200, 204, 304)[kind]


@pytest.mark.parametrize("status", [299, 529, 999])
async def test_a_status_without_a_standard_phrase_is_sent(status: int) -> None:
    async with at(answering(status, [(b"content-length", b"0")])) as door:
        assert (await door.ask()).status == status


async def test_an_old_client_keeps_its_connection_where_the_length_is_known() -> None:
    async with at(SIZED) as door, door.talk() as talk:
        for _ in range(3):
            await talk.say(OLD_KEEP)
            assert (await talk.answer()).body == b"abcde"


async def test_a_large_body_arrives_whole() -> None:
    body = bytes(range(256)) * 20_000

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, body)

    async with at(app) as door:
        assert (await door.ask()).body == body


async def test_the_head_of_a_stream_leaves_with_its_first_piece() -> None:
    begun, asked = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        begun.set()
        await asked.wait()
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await send({"type": "http.response.body"})

    async with at(app) as door:
        loop = asyncio.get_running_loop()
        with socket.create_connection(("127.0.0.1", door.port)) as client:
            client.setblocking(False)
            await loop.sock_sendall(client, GET)
            await begun.wait()
            with pytest.raises(BlockingIOError):
                client.recv(1)
            asked.set()
            assert (await loop.sock_recv(client, 65_536)).partition(b"\r\n\r\n")[2]
