"""Several processes on one bucket: together they get what one would."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.gateway.redis.hammer import RULE
from tests.gateway.redis.server import running_redis

SCRIPT = Path(__file__).with_name("hammer.py")
SECONDS = 1.0


def test_four_processes_share_one_bucket_exactly(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        command = [sys.executable, str(SCRIPT), server.url, str(SECONDS)]
        processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        start = time.monotonic()
        told = [process.communicate("go\n")[0] for process in processes]
        took = time.monotonic() - start
    passed = [int(text) for text in told]
    assert min(passed) >= 0
    assert RULE.capacity <= sum(passed) <= RULE.capacity + RULE.rate * took + 1
