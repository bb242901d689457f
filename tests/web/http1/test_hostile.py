"""What no client should say: refused, and never taken for a second request."""

from __future__ import annotations

import pytest
from tests.web.http1.talking import GET, HASTY, LAST, at, echo, echoed, post, reply

from buildwright.web.http import Receive, Scope, Send

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"


def asking(*lines: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"\r\n".join([b"POST / HTTP/" + version, b"host: a", *lines, b"", body])


CHUNKED = b"transfer-encoding: chunked"
EMPTY = b"0\r\n\r\n"
AMBIGUOUS = {
    "length and chunks": asking(b"content-length: 4", CHUNKED, body=EMPTY),
    "chunks and length": asking(CHUNKED, b"content-length: 4", body=EMPTY),
    "two lengths": asking(b"content-length: 4", b"content-length: 5", body=b"abcd"),
    "one length twice": asking(b"content-length: 4", b"content-length: 4", body=b"abcd"),
    "a list of lengths": asking(b"content-length: 4, 4", body=b"abcd"),
    "a negative length": asking(b"content-length: -1"),
    "a signed length": asking(b"content-length: +5", body=b"abcde"),
    "a length in hex": asking(b"content-length: 0x5", body=b"abcde"),
    "an empty length": asking(b"content-length: ", body=b"abcde"),
    "a length with a gap": asking(b"content-length: 5 5", body=b"abcde"),
    "a length with an underscore": asking(b"content-length: 0_5", body=b"abcde"),
    "a huge length": asking(b"content-length: " + b"9" * 30, body=b"abcde"),
    "a length over 64 bits": asking(b"content-length: 18446744073709551617", body=b"a"),
    "a folded header": asking(b"x: a", b" b"),
    "a folded length": asking(b"content-length:", b" 4", body=b"abcd"),
    "folded chunks": asking(b"transfer-encoding:", b" chunked", body=EMPTY),
    "line feeds alone": b"POST / HTTP/1.1\nhost: a\n\n",
    "a line feed in the head": b"POST / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n",
    "a line feed at the end": b"POST / HTTP/1.1\r\nhost: a\r\n\n",
    "a carriage return alone": b"POST / HTTP/1.1\r\nhost: a\rx: y\r\n\r\n",
    "a null in a value": asking(b"x: a\0b"),
    "a control byte in a value": asking(b"x: a\x01b"),
    "a delete in a value": asking(b"x: a\x7fb"),
    "a null in a name": asking(b"x\0y: a"),
    "a space before the colon": asking(b"x : a"),
    "chunks with a space before the colon": asking(b"transfer-encoding : chunked", body=EMPTY),
    "no name": asking(b": a"),
    "no colon": asking(b"host"),
    "a space at the start": b"POST / HTTP/1.1\r\n x: y\r\n\r\n",
    "a coding after chunks": asking(b"transfer-encoding: chunked, gzip", body=EMPTY),
    "chunks twice": asking(b"transfer-encoding: chunked, chunked", body=EMPTY),
    "chunks, then none": asking(CHUNKED, b"transfer-encoding: identity", body=EMPTY),
    "no coding": asking(b"transfer-encoding: identity", body=EMPTY),
    "an unknown coding": asking(b"transfer-encoding: xchunked", body=EMPTY),
    "a hidden coding": asking(b"transfer-encoding: \x0bchunked", body=EMPTY),
    "chunks of an old client": asking(CHUNKED, body=EMPTY, version=b"1.0"),
    "chunks of an old client that stays": asking(
        CHUNKED, b"connection: keep-alive", body=EMPTY, version=b"1.0"
    ),
    "a chunk size over 64 bits": asking(CHUNKED, body=b"10000000000000000\r\nabc"),
    "a negative chunk": asking(CHUNKED, body=b"-1\r\nabc\r\n" + EMPTY),
    "a chunk size with 0x": asking(CHUNKED, body=b"0x3\r\nabc\r\n" + EMPTY),
    "a chunk size with a space": asking(CHUNKED, body=b"3 \r\nabc\r\n" + EMPTY),
    "a chunk size ended by a line feed": asking(CHUNKED, body=b"3\nabc\r\n" + EMPTY),
    "a chunk that does not end": asking(CHUNKED, body=b"3\r\nabc" + EMPTY),
    "a chunk longer than it says": asking(CHUNKED, body=b"3\r\nabcd\r\n" + EMPTY),
    "an extension ended by a line feed": asking(CHUNKED, body=b"3;a\nb\r\nabc\r\n" + EMPTY),
    "a length in a trailer": asking(CHUNKED, body=b"0\r\ncontent-length: 5\r\n\r\n"),
    "no method": b" / HTTP/1.1\r\n\r\n",
    "an unknown method": b"BREW / HTTP/1.1\r\n\r\n",
    "a bare é in the target": b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n",
    "a control byte in the target": b"GET /\x01 HTTP/1.1\r\n\r\n",
    "another protocol": b"GET / SPDY/1.1\r\n\r\n",
    "a preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a handshake of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}
VERSIONS = (b"0.9", b"2.0")


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_what_could_be_read_in_two_ways_is_refused(request_: bytes) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await echo(scope, receive, send)

    async with at(app) as door:
        answer = await door.raw(request_ + SMUGGLED)
        later = await door.raw(post(b"good") + request_ + SMUGGLED, SMUGGLED)
        assert (await door.ask()).status == 200
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1") == 1
    # What was asked before is answered, then comes the refusal.
    assert (later.count(b"HTTP/1.1 200"), later.count(b"HTTP/1.1 400")) == (1, 1)
    assert later.index(b"POST / good") < later.index(b"HTTP/1.1 400")
    assert "/smuggled" not in seen


@pytest.mark.parametrize("version", VERSIONS)
async def test_another_version_is_refused(version: bytes) -> None:
    async with at(echo) as door:
        answer = await door.raw(GET.replace(b"1.1", version) + SMUGGLED)
        assert (await door.raw(b"GET /\r\n\r\n")).startswith(b"HTTP/1.1 505 ")
    assert answer.startswith(b"HTTP/1.1 505 ")
    assert answer.count(b"HTTP/1.1") == 1


TOO_MUCH = {
    "one long header": asking(b"x: " + b"a" * 100_000),
    "a header without end": b"POST / HTTP/1.1\r\nx: " + b"a" * 1_000_000,
    "many headers": asking(*[b"x-%d: a" % number for number in range(128)]),
    "a long target": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "a long trailer": asking(CHUNKED, body=b"1\r\na\r\n0\r\nx: " + b"a" * 1_000_000),
    "a long extension": asking(CHUNKED, body=b"1\r\na\r\n1;" + b"a" * 1_000_000),
}


@pytest.mark.parametrize("request_", TOO_MUCH.values(), ids=TOO_MUCH)
async def test_more_than_a_head_may_hold_is_refused(request_: bytes) -> None:
    async with at(echo) as door:
        answer = await door.raw(request_)
        after_good = await door.raw(GET + request_)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert echoed(after_good) == [b"GET / ", b""]


async def test_as_much_as_a_head_may_hold_is_answered() -> None:
    many = asking(*[b"x-%d: a" % number for number in range(126)], b"content-length: 0")
    long = asking(b"x: " + b"a" * 60_000, b"content-length: 0")
    async with at(echo) as door:
        assert len(echoed(await door.raw(many + long + many + LAST))) == 4


async def test_a_head_that_comes_slowly_is_given_up() -> None:
    async with at(echo, patience=HASTY) as door:
        first = await door.raw(GET[:10])
        second = await door.raw(GET + GET[:10])
    assert first.startswith(b"HTTP/1.1 408 ")
    assert second.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in second


async def test_a_body_that_comes_slowly_is_given_up_and_the_application_told() -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        told.append((await receive())["type"])
        told.append((await receive())["type"])

    async with at(app, patience=HASTY) as door:
        answer = await door.raw(post(b"body")[:-1])
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert told == ["http.request", "http.disconnect"]


async def test_a_body_that_breaks_after_the_response_began_cuts_the_response() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        while (await receive())["type"] != "http.disconnect":
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"never"})

    async with at(app) as door, door.talk() as talk:
        await talk.say(asking(CHUNKED, body=b"1\r\na\r\n"))
        await talk.reader.readuntil(b"a\r\n")
        await talk.say(b"no size\r\n")
        assert await talk.rest() == b""


async def test_a_body_that_breaks_after_the_response_leaves_the_response_whole() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, b"enough")

    async with at(app) as door, door.talk() as talk:
        await talk.say(asking(CHUNKED, body=b"1\r\na\r\n"))
        assert (await talk.answer()).body == b"enough"
        await talk.say(b"no size\r\n")
        assert await talk.rest() == b""
