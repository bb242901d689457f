"""Server-sent events as bytes: whole events are passed on as they are, few are looked into."""

from __future__ import annotations

MAX_EVENT_BYTES = 8 << 20
DONE = b"data: [DONE]\n\n"


class EventTooLargeError(Exception):
    """An upstream sent more than `MAX_EVENT_BYTES` without ending an event."""


class Splitter:
    """Cuts chunks of bytes behind the last complete event; line ends become `\\n`."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return the complete events so far (maybe none); raises EventTooLargeError."""
        if b"\r" in chunk:
            # A raw CR cannot stand inside JSON, so none of it is content.
            chunk = chunk.replace(b"\r", b"")
        if self._pending:
            chunk = self._pending + chunk
        if chunk.endswith(b"\n\n"):
            self._pending = b""
            return chunk
        cut = chunk.rfind(b"\n\n") + 2
        if cut < 2:
            cut = 0
        self._pending = chunk[cut:]
        if len(self._pending) > MAX_EVENT_BYTES:
            raise EventTooLargeError
        return chunk[:cut]

    @property
    def pending(self) -> bytes:
        """What came after the last complete event."""
        return self._pending


def events_of(block: bytes) -> list[bytes]:
    """Return the events of complete ones, each without its blank line."""
    return [event for event in block.split(b"\n\n") if event]


def data_of(event: bytes) -> bytes:
    """Return the data of one event, lines joined; empty for comments and other fields."""
    lines = [line[5:].lstrip(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines)


def name_of(event: bytes) -> bytes:
    """Return an event's name, empty when it has none."""
    for line in event.split(b"\n"):
        if line.startswith(b"event:"):
            return line[6:].strip()
    return b""
