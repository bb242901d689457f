"""Applications that do not keep to the rules: their clients are never told something wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from tests.web.http1.talking import GET, Answer, at, body_of, echo, post, reply

from buildwright.web.app import App
from buildwright.web.http import Receive, Scope, Send

START = {"type": "http.response.start", "status": 200}
FIVE = {**START, "headers": [(b"content-length", b"5")]}


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.ERROR, "buildwright.web")
    yield
    # Whatever goes wrong in an application is in the log.
    assert caplog.get_records("call")


LOGGED = pytest.mark.usefixtures("said")


async def raw_of(app: App, request: bytes = GET) -> bytes:
    """Return all that an application sends; a good one is answered on the server afterwards."""

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        await (echo if scope["path"] == "/good" else app)(scope, receive, send)

    async with at(either) as door:
        answer = await door.raw(request)
        assert (await door.ask(post(b"ok", b"/good"))).body == b"POST /good ok"
    return answer


def is_500(answer: bytes) -> bool:
    return (
        answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        and answer.endswith(b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        and answer.count(b"HTTP/1.1") == 1
    )


@LOGGED
async def test_one_that_raises_before_its_response() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("secret")

    assert is_500(await raw_of(app))
    assert is_500(await raw_of(app, post(b"body") + GET))


@LOGGED
async def test_one_that_raises_after_the_start_that_has_not_left() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(FIVE)
        raise LookupError("secret")

    assert is_500(await raw_of(app))


@LOGGED
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_one_that_raises_in_the_middle_is_cut(version: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await body_of(receive)
        raise LookupError("secret")

    async with at(app) as door, door.talk() as talk:
        await talk.say(post(b"x").replace(b"1.1", version)[:-1])
        await talk.reader.readuntil(b"ab")
        await talk.say(b"x")
        if version == b"1.0":
            # The end of the connection would be the end of the response: it is reset instead.
            with pytest.raises(ConnectionError):
                await talk.reader.read()
        else:
            assert await talk.rest() == b"\r\n"


async def test_one_that_raises_after_its_response() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, b"fine")
        raise LookupError("secret")

    async with at(app) as door, door.talk() as talk:
        for _ in range(2):
            await talk.say(GET)
            assert (await talk.answer()).body == b"fine"


async def test_one_that_does_not_answer() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        return

    assert is_500(await raw_of(app))
    assert is_500(await raw_of(app, GET + GET))


async def test_one_whose_inner_call_was_cancelled() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    assert is_500(await raw_of(app))


async def test_one_that_does_not_end_its_response_is_cut() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})

    answer = await raw_of(app)
    assert answer.endswith(b"2\r\nab\r\n")


@pytest.mark.parametrize(
    ("pieces", "sent"),
    [([b"abcdef"], b""), ([b"abc"], b""), ([b"ab", b"cdef"], b"ab"), ([b"ab", b""], b"ab")],
)
async def test_one_whose_body_is_not_as_long_as_it_said(pieces: list[bytes], sent: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(FIVE)
        for number, piece in enumerate(pieces, 1):
            more = number < len(pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    answer = await raw_of(app)
    assert answer.endswith(b"content-length: 5\r\n\r\n" + sent) if sent else is_500(answer)


@LOGGED
async def test_one_that_goes_on_after_a_body_of_a_wrong_length() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(FIVE)
        for body in (b"abcdef", b"", b"xy"):
            with pytest.raises(RuntimeError, match="content-length"):
                await send({"type": "http.response.body", "body": body})

    assert is_500(await raw_of(app))


@LOGGED
@pytest.mark.parametrize(
    "header",
    [
        (b"x", b"a\r\nset-cookie: b"),
        (b"x", b"a\nb"),
        (b"x", b"a\rb"),
        (b"x\r\ny", b"a"),
        (b"x", b"a\r\n\r\nHTTP/1.1 200 OK"),
    ],
)
async def test_one_that_would_break_a_line_of_its_head(header: tuple[bytes, bytes]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "headers": [header]})

    assert is_500(await raw_of(app))


async def test_one_that_answers_its_own_mistake() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for wrong in (
            {**START, "headers": [(b"x", b"a\r\nb")]},
            {**START, "headers": [(b"content-length", b"many")]},
            {**START, "status": 100},
            {**START, "status": 1000},
        ):
            with pytest.raises(ValueError, match=r"line break|invalid literal|no status"):
                await send(wrong)
        await reply(send, b"sorry", 500)

    async with at(app) as door:
        answer = await door.ask()
    assert (answer.status, answer.body) == (500, b"sorry")
    assert set(answer.headers) == {b"date", b"content-length"}


async def test_one_that_sends_in_the_wrong_order() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(RuntimeError, match="before its start"):
            await send({"type": "http.response.body", "body": b"early"})
        await send({**START, "headers": [(b"content-length", b"4")]})
        with pytest.raises(RuntimeError, match="second start"):
            await send(START)
        await send({"type": "http.response.body", "body": b"good"})
        with pytest.raises(RuntimeError, match="after its end"):
            await send({"type": "http.response.body", "body": b"late"})

    async with at(app) as door:
        answer: Answer = await door.ask()
    assert answer.body == b"good"
