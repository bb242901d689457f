"""A real Redis on a unix socket, to be frozen, flushed and killed."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conftest import IN_CI

from buildwright.gateway import redis_link

BINARY = shutil.which("redis-server")


class RedisServer:
    """One redis-server; it keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start, and return once it takes connections."""
        assert BINARY is not None
        command = [BINARY, "--port", "0", "--unixsocket", str(self.socket), "--save", "",
                   "--appendonly", "no", "--dir", str(self.socket.parent)]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        for line in process.stdout:
            if b"ready to accept connections" in line.lower():
                break
        self._process = process

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash does."""
        process, self._process = self._process, None
        if process is not None and process.stdout is not None:
            process.kill()
            process.wait()
            process.stdout.close()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Redis half a second: on a busy machine a healthy one may need more than in service."""
    monkeypatch.setattr(redis_link, "DEADLINE_S", 0.5)


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Yield a running server; skips where there is none to run, but never in CI."""
    if BINARY is None and not IN_CI:
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
