"""The head of a request as an ASGI application sees it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from httptools import HttpParserError, HttpRequestParser, parse_url

MAX_HEADERS = 128
BAD_HOST = 2
"""What a Host that is none counts for: as much as two of them."""
ASGI = {"version": "3.0", "spec_version": "2.3"}
HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})*|\[[A-Za-z0-9._~:%-]+\])(?::[0-9]*)?[ \t]*"
)
Headers = list[tuple[bytes, bytes]]


class RefusedError(Exception):
    """A head that is well formed and not taken; `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def request_scope(
    parser: HttpRequestParser, url: bytes, headers: Headers, hosts: int, addresses: dict[str, Any]
) -> dict[str, Any]:
    """Return the scope of a request whose head is complete.

    Raises RefusedError: 431 for more than `MAX_HEADERS`, 505 for a version that is not 1.0 or 1.1,
    400 for chunks in 1.0 (RFC 9112, 6.1: its framing cannot be trusted), and unless `hosts` is 1,
    or 0 in 1.0 (RFC 9112, 3.2: two servers on the way could each take another one for true).
    """
    if len(headers) > MAX_HEADERS:
        raise RefusedError(431)
    version = parser.get_http_version()
    if version != "1.1":
        if version != "1.0":
            raise RefusedError(505)
        if b"transfer-encoding" in dict(headers) or hosts > 1:
            raise RefusedError(400)
    elif hosts != 1:
        raise RefusedError(400)
    if not url.startswith(b"/"):
        url = _origin_form(url)
    path, _, query = url.partition(b"?")
    plain = unquote_to_bytes(path) if b"%" in path else path
    return {
        "type": "http",
        "asgi": ASGI,
        "http_version": version,
        "method": parser.get_method().decode("ascii"),
        "path": plain.decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        **addresses,
    }


def is_host(value: bytes) -> bool:
    """Tell whether a Host says a name or an address, with or without a port, or nothing.

    RFC 3986, 3.2.2, less the comma: a list of hosts made of two fields would pass as a name. The
    parser leaves blanks at the end.
    """
    return HOST.fullmatch(value) is not None


def head_without_upgrade(parser: HttpRequestParser, url: bytes, headers: Headers) -> bytes:
    """Return the head of a request as if its client had not offered another protocol."""
    first = b"%b %b HTTP/%b\r\n" % (parser.get_method(), url, parser.get_http_version().encode())
    rest = [b"%b: %b\r\n" % header for header in headers if header[0] != b"upgrade"]
    return b"".join([first, *rest, b"\r\n"])


def _origin_form(url: bytes) -> bytes:
    """Return path and query of an absolute target; anything else as it is."""
    try:
        parsed = parse_url(url)
    except HttpParserError:
        return url
    path: bytes = parsed.path or b"/"
    return path + (b"?" + parsed.query if parsed.query else b"")
