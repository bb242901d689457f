"""What the head of a response says about its body and its connection, beyond what llhttp checks.

llhttp in its strict mode refuses by itself: bad bytes in names and values, folded lines, bare line
feeds, any second Content-Length, Content-Length beside Transfer-Encoding, bad chunk sizes.
"""

from __future__ import annotations

import re

from buildwright.gateway.http.limits import MAX_HEAD_BYTES, MAX_HEADERS

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
Headers = list[tuple[bytes, bytes]]
_KEEP_ALIVE = re.compile(rb"(?:^|[,;\s])timeout=([0-9]{1,6})\b", re.IGNORECASE)


class HeadError(Exception):
    """The head cannot be trusted to say where the body ends."""


def check_head(status: int, version: str, headers: Headers, received: int) -> None:
    """Raise HeadError for a head that is too large, too new, or frames its body doubtfully.

    `received` is an upper bound of the head's size: what came so far of this response.
    """
    if version not in ("1.1", "1.0"):
        raise HeadError(f"HTTP version {version} was not offered")
    if not 100 <= status < 600 or status == 101:
        raise HeadError(f"status {status} is no answer to this request")
    if len(headers) > MAX_HEADERS:
        raise HeadError(f"more than {MAX_HEADERS} headers")
    if received > MAX_HEAD_BYTES and _size(headers) > MAX_HEAD_BYTES:
        raise HeadError(f"a head of more than {MAX_HEAD_BYTES} bytes")
    framing = [pair for pair in headers if pair[0] in _FRAMING]
    if framing:
        _check_framing(status, version, framing)


def _check_framing(status: int, version: str, framing: Headers) -> None:
    if status < 200:
        raise HeadError("an interim response with a body")
    if framing[0][0] == b"content-length":
        return  # llhttp saw to it that nothing stands beside it
    if len(framing) > 1 or framing[0][1].lower() != b"chunked" or version == "1.0":
        raise HeadError("a Transfer-Encoding other than chunked, once and in HTTP/1.1")


def body_until_close(status: int, headers: Headers) -> bool:
    """Return whether nothing but the end of the connection ends the body."""
    if status in (204, 304):
        return False
    return all(name not in _FRAMING for name, _ in headers)


def idle_hint_s(headers: Headers, idle_s: float) -> float:
    """Seconds for which the connection may stay idle: ours, or one less than the peer's own.

    A peer that announces `Keep-Alive: timeout=5` closes after 5 s; using it at 4.9 s is a race.
    """
    for name, value in headers:
        if name == b"keep-alive":
            found = _KEEP_ALIVE.search(value)
            if found:
                return min(idle_s, float(found[1]) - 1.0)
    return idle_s


def _size(headers: Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers)
