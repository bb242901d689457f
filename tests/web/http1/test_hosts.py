"""One valid Host a request, RFC 9112, 3.2: two servers on the way never mean two different ones."""

from __future__ import annotations

import pytest
from tests.web.http1.talking import LAST, at, echo, post

from buildwright.web.http import Receive, Scope, Send
from buildwright.web.http1.scope import is_host

OFFER = b"connection: upgrade\r\nupgrade: h2c\r\n"
REFUSED = {
    "none": b"GET /x HTTP/1.1\r\nx: y\r\n\r\n",
    "two": b"GET /x HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "the same one twice": b"GET /x HTTP/1.1\r\nHost: a\r\nx: y\r\nhOST: a\r\n\r\n",
    "an empty one and one": b"GET /x HTTP/1.1\r\nhost:\r\nhost: a\r\n\r\n",
    "two of an old client": b"GET /x HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n",
    "a bad one of an old client": b"GET /x HTTP/1.0\r\nhost: a,b\r\n\r\n",
    "none beside a whole target": b"GET http://a/x HTTP/1.1\r\n\r\n",
    "two beside an offer": b"GET /x HTTP/1.1\r\n" + OFFER + b"host: a\r\nhost: b\r\n\r\n",
    "none beside an offer": b"GET /x HTTP/1.1\r\n" + OFFER + b"\r\n",
    "none for a tunnel": b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    "none, but one in a trailer": (
        b"POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nhost: a\r\n\r\n"
    ),
}
NO_HOSTS = [
    b"a,b", b"a, b", b"a b", b"a\tb", b"user@a", b"user:word@a:1", b"a/b", b"http://a", b"a?b",
    b"a#b", b"a:b", b"a:1:2", b"a:-1", b"::1", b"[::1", b"[]", b"[::1]a", b"[a@b]", b"a%", b"a%2",
    b"a%zz", b"a\\b", b'"a"', b"<a>", b"\xe9", b"a\x80",
]  # fmt: skip
HOSTS = [
    b"a", b"a.example", b"A.Example:8000", b"localhost:1", b"127.0.0.1:65535", b"a:", b"", b":80",
    b"my_service", b"xn--bcher-kva.example", b"a%20b", b"[::1]", b"[::1]:8080", b"[fe80::1%25eth0]",
    b"[v1.x]", b"a \t",
]  # fmt: skip


async def statuses(request_: bytes) -> tuple[list[bytes], list[str]]:
    """Return the statuses of a request with another behind it, and the paths that were asked."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await echo(scope, receive, send)

    async with at(app) as door:
        answer = await door.raw(request_ + LAST)
    return [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]], seen


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
async def test_what_has_not_one_host_is_refused(request_: bytes) -> None:
    assert await statuses(request_) == ([b"400"], [])


@pytest.mark.parametrize("value", NO_HOSTS)
async def test_a_host_that_is_none_is_refused(value: bytes) -> None:
    assert not is_host(value)
    request_ = b"GET /x HTTP/1.1\r\nhost: " + value + b"\r\n\r\n"
    assert await statuses(request_) == ([b"400"], [])


@pytest.mark.parametrize("value", HOSTS)
async def test_a_host_that_is_one_is_taken(value: bytes) -> None:
    assert is_host(value)
    request_ = b"GET /x HTTP/1.1\r\nhost: " + value + b"\r\n\r\n"
    assert await statuses(request_) == ([b"200", b"200"], ["/x", "/last"])


async def test_an_old_client_may_name_no_host() -> None:
    request_ = b"GET /x HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"
    assert await statuses(request_) == ([b"200", b"200"], ["/x", "/last"])


async def test_a_good_host_before_makes_no_later_one_good() -> None:
    good = post(b"", b"/good")
    for later in (good.replace(b"host: a", b"host: a,a"), good.replace(b"host: a\r\n", b"")):
        assert await statuses(good + later) == ([b"200", b"400"], ["/good"])
    assert await statuses(good + good.replace(b"host: a", b"host: b")) == (
        [b"200"] * 3,
        ["/good", "/good", "/last"],
    )
