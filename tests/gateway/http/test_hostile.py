"""Answers made to confuse, exhaust or hang a client."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from tests.gateway.http.pools import pool_to
from tests.gateway.http.scripted_server import Peer, answering, closing, plain, serving

from buildwright.gateway.http import HttpError

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

MALFORMED = {
    "no HTTP": b"220 mail.example ESMTP\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "HTTP/2 preface": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status 99": b"HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n",
    "status 600": b"HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 X\r\nContent-Length: 0\r\n\r\n",
    "upgrade": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nraw",
    "upgrade without a header": b"HTTP/1.1 101 X\r\n\r\nraw",
    "endless interim": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    "interim with a body": b"HTTP/1.1 100 X\r\nContent-Length: 3\r\n\r\nabc" + OK + b"\r\n",
    "length and chunked": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
    "chunked and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    "a list of lengths": OK + b"Content-Length: 2, 3\r\n\r\nok!",
    "a signed length": OK + b"Content-Length: +2\r\n\r\nok",
    "a negative length": OK + b"Content-Length: -2\r\n\r\nok",
    "a length beyond 64 bits": OK + b"Content-Length: 99999999999999999999\r\n\r\nok",
    "an empty length": OK + b"Content-Length:\r\n\r\nok",
    "chunked is not last": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "gzip transfer": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "twice chunked": OK
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk size that is no number": CHUNKED + b"zz\r\nok\r\n",
    "a negative chunk": CHUNKED + b"-2\r\nok\r\n",
    "a chunk beyond 64 bits": CHUNKED + b"fffffffffffffffff\r\nok\r\n",
    "a chunk longer than it says": CHUNKED + b"2\r\nokay\r\n0\r\n\r\n",
    "a bare line feed after a chunk size": CHUNKED + b"2\nok\r\n0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "NUL in a value": OK + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "control in a value": OK + b"X: a\x01b\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": OK + b"Content-Length : 0\r\n\r\n",
    "no colon": OK + b"nonsense\r\n\r\n",
    "an empty name": OK + b": x\r\n\r\n",
    "a folded line": OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a value of 100 KB": OK + b"X: " + b"a" * 100_000,
    "a name of 100 KB": OK + b"a" * 100_000,
    "a reason of 100 KB": b"HTTP/1.1 200 " + b"a" * 100_000,
    "a whole head of 100 KB": OK + b"X: " + b"a" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "a thousand headers": OK + b"X: a\r\n" * 1000 + b"Content-Length: 0\r\n\r\n",
    "endless empty lines": b"\r\n" * 50_000,
    "a thousand trailers": CHUNKED + b"0\r\n" + b"X: a\r\n" * 1000 + b"\r\n",
    "a trailer of 600 KB": CHUNKED + b"0\r\nX: " + b"a" * 600_000,
    "an extension of 600 KB": CHUNKED + b"2;" + b"a" * 600_000,
    "not gzip": plain(b"plain text", b"Content-Encoding: gzip"),
    "half of a gzip": plain(gzip.compress(b"text" * 99)[:-9], b"Content-Encoding: gzip"),
    "bytes after deflate": plain(
        b"x\x9c\x03\x00\x00\x00\x00\x01more", b"Content-Encoding: deflate"
    ),
    "brotli": plain(b"\x0b\x02\x80text\x03", b"Content-Encoding: br"),
    "gzip twice": plain(gzip.compress(b"text"), b"Content-Encoding: gzip, gzip"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_answer_is_named_and_its_connection_never_used_again(name: str) -> None:
    data = MALFORMED[name]
    segments = [data[start : start + 300_000] for start in range(0, len(data), 300_000)]
    async with serving(closing(*segments)) as server, pool_to(server.url) as pool:
        with pytest.raises(HttpError) as raised:
            async with asyncio.timeout(20):
                await (await pool.send("POST", "/", [], b"{}")).read(1_000_000)
        assert (raised.value.kind, raised.value.sent) == ("malformed", True)
        assert server.url in str(raised.value) or b"Encoding" in data
        while pool.open:
            await asyncio.sleep(0)
        assert server.accepted == 1


@pytest.mark.parametrize("name", ["length and chunked", "a folded line", "no HTTP"])
async def test_it_is_malformed_byte_by_byte_too(name: str) -> None:
    segments = [bytes([byte]) for byte in MALFORMED[name]]
    async with serving(closing(*segments)) as server, pool_to(server.url) as pool:
        with pytest.raises(HttpError) as raised:
            await (await pool.send("POST", "/", [], b"{}")).read(1_000_000)
        assert raised.value.kind == "malformed"


SURPLUS = {
    "a second response": plain(b"good") + plain(b"evil"),
    "half of a second response": plain(b"good") + b"HTTP/1.1 200",
    "more body than it said": plain(b"good") + b"more",
    "more after the last chunk": CHUNKED + b"4\r\ngood\r\n0\r\n\r\nmore",
    "more after close": plain(b"good", b"Connection: close") + b"more",
}


@pytest.mark.parametrize("name", SURPLUS)
async def test_bytes_after_the_end_spoil_the_connection_and_not_the_answer(name: str) -> None:
    async with serving(answering(SURPLUS[name])) as server, pool_to(server.url) as pool:
        for _ in range(3):
            assert await (await pool.send("GET", "/", [])).read(1000) == b"good"
        assert (server.accepted, pool.reused_total) == (3, 0)


async def test_a_server_that_speaks_first_gets_no_request() -> None:
    async def handler(peer: Peer) -> None:
        await peer.send(b"220 hello\r\n")
        await peer.gone()

    async with serving(handler) as server, pool_to(server.url) as pool:
        with pytest.raises(HttpError) as raised:
            await pool.send("POST", "/", [], b"{}")
        # Whether the greeting was seen before the write is the network's choice.
        assert raised.value.kind in ("malformed", "connect")
        assert raised.value.sent is (raised.value.kind == "malformed")
