"""From the bytes of one connection to its responses, one after the other.

Parsing is httptools' (llhttp, strict); this file owns the framing decisions it leaves open, and
the limits on what a peer may make us hold.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from buildwright.gateway.http.head import HeadError, body_until_close, check_head
from buildwright.gateway.http.incoming import Incoming
from buildwright.gateway.http.limits import MAX_HEAD_BYTES, MAX_HEADERS, MAX_INTERIM


class ResponseReader:
    """Fill one `Incoming` at a time.

    `in_body` says that the head is complete, `until_close` that only the end of the connection
    ends the body, `keep` that another response may follow on it, `silent` how many bytes came
    since the last one that was of use.
    """

    __slots__ = (
        "_body_wanted",
        "_defect",
        "_incoming",
        "_interim",
        "_interims",
        "_parser",
        "_trailers",
        "in_body",
        "keep",
        "silent",
        "until_close",
    )

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.expect(Incoming(), body_wanted=True)

    def expect(self, incoming: Incoming, *, body_wanted: bool) -> None:
        """Read the next response into `incoming`; without a body where the request was HEAD."""
        self._incoming = incoming
        self._body_wanted = body_wanted
        self._defect = ""
        self._interim = False
        self._interims = 0
        self._trailers = 0
        self.in_body = False
        self.keep = True
        self.silent = 0
        self.until_close = False

    def feed(self, data: bytes) -> None:
        """Read on; raises HeadError for what is no response, or one that is too long-winded.

        Bytes after the end of a response spoil the connection, not the response.
        """
        self.silent += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.keep = False
            if not self._incoming.complete:
                raise HeadError(self._defect or _said(error)) from error
        if self.silent > MAX_HEAD_BYTES and not self._incoming.complete:
            raise HeadError(f"more than {MAX_HEAD_BYTES} bytes that are neither head nor body")

    def dispose(self) -> None:
        """Let go of the parser, which refers back to this reader."""
        del self._parser

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Refuse a second response."""
        if self._incoming.complete:
            self._refuse("bytes after the end of the response")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; drop a trailer, which means nothing to us."""
        if not self.in_body:
            self._incoming.headers.append((name.lower(), value.rstrip(b" \t")))
            return
        self._trailers += 1
        if self._trailers > MAX_HEADERS:
            self._refuse(f"more than {MAX_HEADERS} trailers")

    def on_headers_complete(self) -> None:
        """Decide what kind of body follows, and whether the connection survives it."""
        incoming = self._incoming
        parser = self._parser
        status = parser.get_status_code()
        try:
            check_head(status, parser.get_http_version(), incoming.headers, self.silent)
        except HeadError as error:
            self._refuse(str(error))
        if status < 200:
            self._skip_interim()
            return
        incoming.status = status
        self.in_body = True
        self.silent = 0
        self.keep = parser.should_keep_alive()
        self.until_close = not self.keep and body_until_close(status, incoming.headers)
        if not self._body_wanted:
            # The parser does not know that a HEAD was asked, so it cannot read on after this.
            self.keep = False
            incoming.complete = True

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        incoming = self._incoming
        if not incoming.complete:
            incoming.pieces.append(piece)
            incoming.unread += len(piece)
            self.silent = 0

    def on_message_complete(self) -> None:
        """The response ended where its framing said so."""
        if self._interim:
            self._interim = False
        else:
            self._incoming.complete = True

    def _refuse(self, defect: str) -> None:
        self._defect = defect
        raise HeadError(defect)

    def _skip_interim(self) -> None:
        self._interim = True
        self._interims += 1
        self._incoming.headers.clear()
        if self._interims > MAX_INTERIM:
            self._refuse(f"more than {MAX_INTERIM} interim responses")


def _said(error: HttpParserError | HttpParserUpgrade) -> str:
    if isinstance(error, HttpParserUpgrade):
        return "it changed to another protocol"
    return str(error) or "no HTTP response"
