"""Content encodings that a peer uses although it was asked for none."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PIECE_BYTES = 64 * 1024
_GZIP = zlib.MAX_WBITS | 16


class EncodingError(Exception):
    """The body is not what its Content-Encoding says."""


def make_inflater(encoding: bytes) -> Inflater | None:
    """Return what undoes `encoding`, or None where there is nothing to undo.

    Raises EncodingError for an encoding other than gzip and deflate.
    """
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        return None
    if name in (b"gzip", b"x-gzip"):
        return Inflater(gzip=True)
    if name == b"deflate":
        return Inflater(gzip=False)
    raise EncodingError(f"content-encoding {name[:40]!r} was not asked for and is not supported")


class Inflater:
    """Undo gzip (any number of members) or deflate (zlib or raw), never holding a whole body."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` decodes to in pieces of at most 64 KiB; raises EncodingError."""
        while data:
            inflate = self._current(data)
            try:
                yield from self._pieces(inflate, data)
            except zlib.error as error:
                raise EncodingError("the compressed body is damaged") from error
            data = inflate.unused_data

    def finish(self) -> None:
        """Say that the body ended; raises EncodingError when the compressed data did not."""
        if self._inflate is not None and not self._inflate.eof:
            raise EncodingError("the compressed body ends too early")

    def _pieces(self, inflate: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        while True:
            piece = inflate.decompress(data, PIECE_BYTES)
            if piece:
                yield piece
            data = inflate.unconsumed_tail
            if inflate.eof or (not data and len(piece) < PIECE_BYTES):
                return

    def _current(self, data: bytes) -> zlib._Decompress:
        if self._inflate is None:
            self._inflate = zlib.decompressobj(_GZIP if self._gzip else _deflate_bits(data))
        elif self._inflate.eof:
            if not self._gzip:
                raise EncodingError("bytes follow the end of the compressed body")
            self._inflate = zlib.decompressobj(_GZIP)
        return self._inflate


def _deflate_bits(data: bytes) -> int:
    # Some servers send raw deflate; a zlib header has method 8 in its low half and a window ≤ 7.
    return zlib.MAX_WBITS if data[0] & 0x8F == 8 else -zlib.MAX_WBITS
