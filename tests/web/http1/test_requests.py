"""What a client may say, and how it reaches the application."""

from __future__ import annotations

import asyncio

import pytest
from tests.web.http1.talking import GET, LAST, at, body_of, echo, echoed, in_chunks, post, reply

from buildwright.web.http import Receive, Scope, Send


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with at(echo) as door, door.talk() as talk:
        for path in (b"/one", b"/two"):
            await talk.say(post(b"body", path))
            assert (await talk.answer()).body == b"POST %b body" % path


async def test_pipelined_requests_are_answered_in_order() -> None:
    requests = [post(b"%d" % number, b"/%d" % number) for number in range(40)]
    async with at(echo) as door:
        answer = await door.raw(b"".join(requests) + LAST)
    expected = [b"POST /%d %d" % (number, number) for number in range(40)]
    assert echoed(answer) == [*expected, b"GET /last "]


async def test_one_request_at_a_time_is_answered() -> None:
    running, most = 0, 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await reply(send)
        running -= 1

    async with at(app) as door:
        await door.raw(GET * 20 + LAST)
    assert most == 1


async def test_a_client_that_asks_without_end_is_not_read_before_it_is_answered() -> None:
    free = asyncio.Event()
    count = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal count
        count += 1
        await free.wait()
        await reply(send)

    number = 200_000
    async with at(app) as door, door.talk() as talk:
        talk.writer.write(GET * number + LAST)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(talk.writer.drain(), 0.2)
        free.set()
        answers = (await talk.rest()).count(b"HTTP/1.1 200")
    assert count == answers == number + 1


async def test_a_body_in_chunks_arrives_whole_and_without_trailers() -> None:
    chunked = in_chunks(b"one", b"two" * 1000, path=b"/c")
    with_trailer = chunked[:-2] + b"x-sum: 1\r\n\r\n"
    async with at(echo) as door, door.talk() as talk:
        for request in (chunked, with_trailer):
            await talk.say(request)
            assert (await talk.answer()).body == b"POST /c one" + b"two" * 1000


async def test_a_large_body_behind_other_requests_arrives_whole() -> None:
    body = bytes(range(256)) * 4_000
    for large in (post(body), in_chunks(body[:100_000], body[100_000:])):
        async with at(echo) as door:
            answers = echoed(await door.raw(GET * 3 + large + LAST))
        assert answers == [*[b"GET / "] * 3, b"POST / " + body, b"GET /last "]


async def test_the_application_is_told_the_body_piece_by_piece() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        first = await receive()
        await reply(send, b"%b,%d" % (first["body"], first["more_body"]))

    async with at(app) as door, door.talk() as talk:
        head, body = post(b"abcdef").split(b"\r\n\r\n")
        await talk.say(head + b"\r\n\r\n" + body[:3])
        assert (await talk.answer()).body == b"abc,1"


@pytest.mark.parametrize(
    ("target", "path", "raw", "query"),
    [
        (b"/", "/", b"/", b""),
        (b"/a%20b/%C3%A9?x=%20y&z", "/a b/é", b"/a%20b/%C3%A9", b"x=%20y&z"),
        (b"/%ff", "/\ufffd", b"/%ff", b""),
        (b"/a?b?c", "/a", b"/a", b"b?c"),
        (b"//twice//", "//twice//", b"//twice//", b""),
        (b"http://other.example:8/a/%20?q=1", "/a/ ", b"/a/%20", b"q=1"),
        (b"http://other.example", "/", b"/", b""),
        (b"*", "*", b"*", b""),
    ],
)
async def test_a_target_is_read_as_asgi_says(
    target: bytes, path: str, raw: bytes, query: bytes
) -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await reply(send)

    async with at(app) as door, door.talk() as talk:
        await talk.say(b"OPTIONS %b HTTP/1.1\r\nHost: a\r\nX-Two: b\r\n\r\n" % target)
        await talk.answer()
        client = talk.writer.get_extra_info("sockname")
    (scope,) = seen
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (path, raw, query)
    assert (scope["type"], scope["method"], scope["http_version"]) == ("http", "OPTIONS", "1.1")
    assert scope["headers"] == [(b"host", b"a"), (b"x-two", b"b")]
    assert (scope["client"], scope["server"]) == (client, ("127.0.0.1", door.port))


EXPECTING = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-Continue\r\n\r\n"


async def test_a_client_that_asks_may_send_its_body_once_the_application_wants_it() -> None:
    async with at(echo) as door, door.talk() as talk:
        await talk.say(EXPECTING)
        assert (await talk.answer()).status == 100
        await talk.say(b"ok")
        assert (await talk.answer()).body == b"POST / ok"


async def test_nobody_is_asked_for_a_body_that_the_application_does_not_want() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, b"no", 401)
        assert (await receive())["type"] == "http.disconnect"

    async with at(app) as door:
        answer = await door.raw(EXPECTING)
    # Whether "ok" or another request follows could not be told: this connection ends.
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1") == 1


async def test_nobody_is_asked_for_a_body_after_the_response_began() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        body = await body_of(receive)
        await send({"type": "http.response.body", "body": body})

    async with at(app) as door, door.talk() as talk:
        await talk.say(EXPECTING)
        head = await talk.reader.readuntil(b"\r\n\r\n")
        await talk.say(b"ok")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert await talk.rest() == b"2\r\nok\r\n0\r\n\r\n"


async def test_a_client_that_does_not_wait_is_not_told_to_go_on() -> None:
    async with at(echo) as door:
        answer = await door.ask(EXPECTING + b"ok")
        old = await door.ask(EXPECTING.replace(b"HTTP/1.1", b"HTTP/1.0") + b"ok")
    assert answer.body == old.body == b"POST / ok"


UPGRADING = (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMA")


async def test_an_offer_of_http_2_is_declined_and_the_body_is_read() -> None:
    one, two = post(b"body", b"/a", *UPGRADING), in_chunks(b"bo", b"dy", path=b"/b")
    two = two.replace(b"host: a\r\n", b"host: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n")
    async with at(echo) as door:
        whole = await door.raw(one + two + one + LAST)
        split = await door.raw(*(bytes([byte]) for byte in one + two + LAST))
    assert echoed(whole) == [b"POST /a body", b"POST /b body", b"POST /a body", b"GET /last "]
    assert echoed(split) == [b"POST /a body", b"POST /b body", b"GET /last "]


async def test_many_offers_of_another_protocol_in_one_piece_are_declined_one_by_one() -> None:
    async with at(echo) as door:
        answer = await door.raw(post(b"x" * 20, b"/", *UPGRADING) * 400 + LAST)
    assert len(echoed(answer)) == 401


async def test_what_follows_connect_is_never_read_as_requests() -> None:
    async with at(echo) as door:
        answer = await door.raw(GET + b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n" + GET, GET)
    assert echoed(answer) == [b"GET / ", b"CONNECT a:1 "]


async def test_what_follows_a_last_request_is_not_answered() -> None:
    async with at(echo) as door:
        answer = await door.raw(GET + LAST + GET, GET)
    assert echoed(answer) == [b"GET / ", b"GET /last "]
