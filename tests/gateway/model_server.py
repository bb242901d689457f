"""A small model server that speaks the OpenAI wire over real HTTP, streams, and injects faults."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ModelServer:
    """What the server answers: `faults` first, one for each request, then `text` or `calls`."""

    text: str = "Hello from the wire."
    calls: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    usage: dict[str, int] | None = field(
        default_factory=lambda: {"prompt_tokens": 11, "completion_tokens": 7}
    )
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""
    stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    """Serve on a free port of the loopback."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"state": server}))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop.set()
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: ModelServer

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        self.state.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.state.keys.append(self.headers.get("authorization", ""))
        fault = self.state.faults.pop(0) if self.state.faults else ""
        if fault.isdigit():
            self._refuse(int(fault))
        elif fault.startswith("429 after "):
            self._refuse(429, {"retry-after": fault.rpartition(" ")[2]})
        elif fault == "reset":
            reset = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            self.connection.close()
        elif fault == "silent":
            self.state.stop.wait(30)
        else:
            self._stream(fault)

    def _refuse(self, status: int, headers: dict[str, str] | None = None) -> None:
        message = f"refused with {status}, key {self.headers.get('authorization')}"
        raw = json.dumps({"error": {"message": message, "type": "x"}}).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _stream(self, fault: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for number, line in enumerate(self._lines(fault)):
            if fault == "cut" and number == 2:
                return
            if fault == "stall" and number == 2:
                self.state.stop.wait(30)
            self.wfile.write(line)
            self.wfile.flush()

    def _lines(self, fault: str) -> Iterator[bytes]:
        yield BAD_LINES.get(fault, b"")
        while fault == "endless":
            yield _event(_chunk("x" * 60_000))
        words = self.state.text.split(" ")
        for i, word in enumerate(words):
            yield _event(_chunk(word + (" " if i < len(words) - 1 else "")))
        yield from _tool_calls(self.state.calls)
        reason = "tool_calls" if self.state.calls else "stop"
        if fault != "no end":
            yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        if self.state.usage is not None:
            yield _event({"choices": [], "usage": self.state.usage})
        yield b"data: [DONE]\n\n"


BAD_LINES = {
    "malformed": b"data: {not json\n\n",
    "no stream": b'{"choices": []}\n',
    "bad utf-8": b"data: \xff\xfe\n\n",
    "broken off": b'data: {"error": {"message": "overloaded"}}\n\n',
}


def _tool_calls(calls: list[dict[str, Any]]) -> Iterator[bytes]:
    for index, call in enumerate(calls):
        arguments = json.dumps(call["arguments"])
        for number, part in enumerate((arguments[:5], arguments[5:])):
            first = number == 0
            function = {"name": call["name"] if first else None, "arguments": part}
            row = {"index": index, "id": f"c{index}" if first else None, "function": function}
            yield _event({"choices": [{"index": 0, "delta": {"tool_calls": [row]}}]})


def _chunk(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"
