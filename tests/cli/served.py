"""`buildwright serve` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


@dataclass
class Served:
    """A running server; `url` has no path."""

    process: subprocess.Popen[str]
    url: str

    def post(self, path: str, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
        """Send JSON; return status and JSON, whatever the status is."""
        status, raw = self.post_raw(path, body, **headers)
        return status, json.loads(raw)

    def post_raw(self, path: str, body: dict[str, Any], **headers: str) -> tuple[int, bytes]:
        """Send JSON; return status and what came back."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = json.dumps(body).encode()
        request = Request(f"{self.url}{path}", raw, {"content-type": "application/json", **names})  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=60) as response:  # noqa: S310 - loopback
                return response.status, response.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    def chat(self, text: str, model: str = "m", **headers: str) -> tuple[int, dict[str, Any]]:
        """Ask for a chat completion."""
        body = {"model": model, "messages": [{"role": "user", "content": text}]}
        return self.post("/v1/chat/completions", body, **headers)

    def stop(self) -> tuple[int, str]:
        """Ask it to end; return exit code and what it said on standard error."""
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@contextmanager
def serving(*arguments: str) -> Iterator[Served]:
    """Serve on a free port, or as the arguments say; the environment is that of the test."""
    command = [sys.executable, "-m", "buildwright", "serve", *(arguments or ("--port", "0"))]
    process = subprocess.Popen(
        command,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("gateway: http://"), (line, process.stderr.read())
        yield Served(process, line.split()[1].removesuffix("/v1"))
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        finally:
            process.kill()
