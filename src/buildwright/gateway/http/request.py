"""From the parts of a request to its bytes; what could smuggle a second request is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from buildwright.gateway.http.errors import UnsafeRequestError
from buildwright.gateway.http.origin import Origin

_CONTROLS = bytes(code for code in range(32) if code != 9) + b"\x7f"
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PATH = re.compile(r"/[\x21\x22\x24-\x7e]*")
_OURS = frozenset(
    b"accept-encoding connection content-length expect host keep-alive proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)
_LENGTH_ALWAYS = frozenset({"POST", "PUT", "PATCH"})
_METHODS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"}) | _LENGTH_ALWAYS


@dataclass(frozen=True, slots=True)
class Start:
    """The lines every request to one path begins with."""

    lines: bytes
    length_always: bool
    answer_has_body: bool


def make_start(origin: Origin, method: str | bytes, path: str) -> Start:
    """Request line, Host and Accept-Encoding; raises UnsafeRequestError."""
    name = method.decode("latin-1") if isinstance(method, bytes) else method
    if name not in _METHODS:
        known = ", ".join(sorted(_METHODS))
        raise UnsafeRequestError(f"method {name[:20]!r} is not supported; expected one of {known}")
    if not _PATH.fullmatch(path):
        raise UnsafeRequestError(
            "the path of a request must start with / and hold only visible ASCII without '#'"
        )
    lines = (
        f"{name} {origin.base_path}{path} HTTP/1.1\r\n"
        f"host: {origin.authority}\r\naccept-encoding: identity\r\n"
    )
    return Start(lines.encode("ascii"), name in _LENGTH_ALWAYS, name != "HEAD")


def render(start: Start, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bytes:
    """Return head and body as one piece; raises UnsafeRequestError naming the header.

    Header values are never repeated in the error: they may be keys.
    """
    block = b"".join([b"%b: %b\r\n" % pair for pair in headers if _is_name(pair[0])])
    count = len(headers)
    clean = len(block.translate(None, _CONTROLS)) == len(block) - 2 * count
    if not clean or block.count(b"\r\n") != count:
        raise _unsafe_value(headers)
    if body or start.length_always:
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (start.lines, block, len(body), body)
    return b"%b%b\r\n" % (start.lines, block)


@lru_cache(maxsize=1024)
def _is_name(name: bytes) -> bool:
    if not _TOKEN.fullmatch(name):
        raise UnsafeRequestError(f"header name {name[:40]!r} is not a token of RFC 9110")
    if name.lower() in _OURS:
        raise UnsafeRequestError(f"header {name!r} is written by the connection pool; leave it out")
    return True


def _unsafe_value(headers: Sequence[tuple[bytes, bytes]]) -> UnsafeRequestError:
    names = [name for name, value in headers if value.translate(None, _CONTROLS) != value]
    return UnsafeRequestError(
        f"the value of header {names[0]!r} holds a control character; "
        "expected printable characters, spaces and tabs"
    )
