"""A model server in a thread: whole answers or streams that repeat the last message in capitals."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@dataclass
class Answering:
    """What came in; a message with `refuse` in it is refused, one with `hold` waits for `go`."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    suffix: str = ""
    url: str = ""
    held: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: int = 0
    most: int = 0

    @property
    def asked(self) -> Counter[str]:
        """How often each message came."""
        return Counter(said(body) for body in self.requests)


def said(body: dict[str, Any]) -> str:
    """Return a request's last message, or the text to embed."""
    return str(body["messages"][-1]["content"] if "messages" in body else body["input"])


@contextmanager
def answering() -> Iterator[Answering]:
    """Serve on a free port of the loopback."""
    state = Answering()
    handler = type("Bound", (_Handler,), {"state": state})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    state.url = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.go.set()
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Answering
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        state = self.state
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with state.lock:
            state.requests.append(body)
            state.running += 1
            state.most = max(state.most, state.running)
        try:
            self._answer(body)
        finally:
            with state.lock:
                state.running -= 1

    def _answer(self, body: dict[str, Any]) -> None:
        text = said(body)
        if "hold" in text:
            self.state.held.set()
            self.state.go.wait(60)
        if "refuse" in text:
            self._send(400, {"error": {"message": "not this one", "type": "x"}})
        elif "embeddings" in self.path:
            rows = [{"index": 0, "embedding": [0.25, 0.5]}]
            self._send(200, {"data": rows, "usage": {"prompt_tokens": 3, "total_tokens": 3}})
        else:
            self._send(
                200, _chat(text.upper() + self.state.suffix, stream=bool(body.get("stream")))
            )

    def _send(self, status: int, body: dict[str, Any] | bytes) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "text/event-stream" if isinstance(body, bytes) else "application/json"
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _chat(text: str, *, stream: bool) -> dict[str, Any] | bytes:
    head = {"id": "chatcmpl-1", "created": 1, "model": "small"}
    message = {"role": "assistant", "content": text}
    if not stream:
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    choices = [
        {"index": 0, "delta": message},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    rows = [{**head, "choices": [one]} for one in choices] + [
        {**head, "choices": [], "usage": USAGE}
    ]
    return b"".join(b"data: " + json.dumps(row).encode() + b"\n\n" for row in rows) + (
        b"data: [DONE]\n\n"
    )
