"""Requests as hypothesis draws them, and an application that tells all it was told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from tests.web.http1.talking import body_of, reply

from buildwright.web.http import Receive, Scope, Send

IN_NAME = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$%&'*+-.^_`|~"
IN_PATH = "abcXYZ019-._~!$&'()*+,;=:@/%"
VISIBLE = "".join(map(chr, range(0x21, 0x7F))) + "\x80\xe9\xff"
FRAMING = ("content-length", "transfer-", "connection", "upgrade", "expect", "keep-alive", "proxy-")
HOSTS = (b"host: a\r\n", b"Host:b.example:8000 \r\n", b"HOST: [::1]\r\n", b"host:\r\n")
TOLD = ("method", "path", "root_path", "http_version", "type", "scheme")


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    data: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Conversation:
    """Pipelined requests, their bytes cut anywhere."""

    methods: list[str]
    pieces: list[bytes]

    def __repr__(self) -> str:
        shown = [piece if len(piece) < 400 else piece[:400] + b"..." for piece in self.pieces]
        return f"Conversation({self.methods}, {shown})"


async def teller(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the scope and the body as JSON; the status depends on the path."""
    body = await body_of(receive)
    told: dict[str, Any] = {name: scope[name] for name in TOLD}
    told["raw_path"] = scope["raw_path"].decode("latin-1")
    told["query_string"] = scope["query_string"].decode("latin-1")
    pairs = scope["headers"]
    told["headers"] = [[one.decode("latin-1") for one in pair] for pair in pairs]
    told["body"] = body.decode("latin-1")
    status = (200, 201, 404, 500)[len(scope["raw_path"]) % 4]
    await reply(send, json.dumps(told).encode(), status, (b"content-type", b"application/json"))


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    name = draw(st.text(IN_NAME, min_size=1, max_size=12).filter(_is_free))
    words = draw(st.lists(st.text(VISIBLE, min_size=1, max_size=8), max_size=3))
    gap, space = draw(st.sampled_from([" ", "  ", "\t"])), draw(st.sampled_from(["", " ", "\t "]))
    return f"{name}:{space}{gap.join(words)}\r\n".encode("latin-1")


def _is_free(name: str) -> bool:
    return not name.lower().startswith(FRAMING) and name.lower() != "host"


@st.composite
def targets(draw: st.DrawFn) -> bytes:
    form = draw(st.sampled_from(["/", "/", "http://a.example:80/"]))
    path = draw(st.text(IN_PATH, max_size=12) | st.just("%C3%A9/%20%ff%"))
    query = draw(st.just("") | st.text(IN_PATH + "?", max_size=10).map("?{}".format))
    return f"{form}{path}{query}".encode()


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Return the end of a head, and a body by length, in chunks or none."""
    body = draw(st.binary(max_size=40) | st.just(bytes(range(256)) * 300))
    if (kind := draw(st.sampled_from(["none", "length", "chunks"]))) == "none":
        return b"\r\n"
    if kind == "length":
        return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    cuts = sorted(draw(st.sets(st.integers(0, len(body)), max_size=4)) | {0, len(body)})
    pieces = [body[start:end] for start, end in pairwise(cuts)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces if one)
    return b"Transfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % chunks


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]))
    lines = draw(st.lists(headers(), max_size=5))
    lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(HOSTS)))
    data = b"%b %b HTTP/1.1\r\n%b" % (method.encode(), draw(targets()), b"".join(lines))
    return Asked(method, data + draw(bodies()))


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    asked = draw(st.lists(requests(), min_size=1, max_size=4))
    data = b"".join(one.data for one in asked)
    cuts = draw(st.sets(st.integers(0, len(data)), max_size=12)) | {0, len(data)}
    pieces = [data[start:end] for start, end in pairwise(sorted(cuts))]
    return Conversation([one.method for one in asked], pieces)
