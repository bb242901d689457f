"""Making load: wrk for closed loops, a small program of ours for schedules and streams."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway_targets import Target

HERE = Path(__file__).parent
LOAD_CORE = 1
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SCRIPT = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer %(key)s"
local sent, pad, same = 0, string.rep("y", 850), %(same)s
local mine = tostring({}) .. os.time()
request = function()
  if not same then sent = sent + 1 end
  return wrk.format(nil, "%(path)s", nil, '{"model":"%(model)s","max_tokens":100,"messages":' ..
    '[{"role":"user","content":"' .. pad .. mine .. sent .. '"}]}')
end
"""
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Run:
    """One measurement; None where a figure has no meaning. CPU is of the target, per request."""

    per_s: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_us: float | None = None
    worst_gap_ms: float | None = None
    failed: float | None = None


def throughput(
    target: Target, connections: int, seconds: float, process: int, *, slow: bool = False
) -> Run:
    """Return what so many connections in a closed loop reach; every request differs."""
    return _wrk(target, connections, seconds, process, slow=slow, same=False)


def cached(target: Target, connections: int, seconds: float, process: int) -> Run:
    """Return what equal requests reach; the first one fills the cache."""
    _wrk(target, 1, 0.5, process, slow=False, same=True)
    return _wrk(target, connections, seconds, process, slow=False, same=True)


def open_loop(target: Target, per_s: int, seconds: float, process: int) -> Run:
    """Return latencies from the scheduled time at a steady rate."""
    before = cpu_s(process)
    told = _client("open", target, f"--per-s={per_s}", f"--seconds={seconds}")
    used = cpu_s(process) - before
    return Run(told["per_s"], told["p50_ms"], told["p99_ms"],
               used / max(1, told["done"]) * 1e6, None, told["failed"])  # fmt: skip


def streams(target: Target, count: int, process: int) -> Run:
    """Return the worst gap between two events of any of so many paced streams."""
    before = cpu_s(process)
    told = _client("streams", target, f"--count={count}")
    used = cpu_s(process) - before
    return Run(told["events_per_s"], None, None, used / max(1, told["events"]) * 1e6,
               told["worst_gap_ms"], told["failed"])  # fmt: skip


def _wrk(
    target: Target, connections: int, seconds: float, process: int, *, slow: bool, same: bool
) -> Run:
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("error: wrk is missing\n  next: install it (Debian: apt-get install wrk)")
    path = target.slow_path if slow else target.path
    model = target.slow_model if slow else target.model
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            SCRIPT % {"key": target.key, "path": path, "model": model, "same": str(same).lower()}
        )
        script.flush()
        before = cpu_s(process)
        told = subprocess.run(
            ["taskset", "-c", str(LOAD_CORE), wrk, "-t1", f"-c{connections}",
             f"-d{max(1, round(seconds))}s", "--latency", "-s", script.name,
             target.slow_address if slow and target.slow_address else target.address],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        used = cpu_s(process) - before
    requests = int(_found(r"(\d+) requests in", told))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told
    )
    failed = int(refused[1]) if refused else 0
    failed += sum(map(int, broken.groups())) if broken else 0
    return Run(
        float(_found(r"Requests/sec:\s+([\d.]+)", told)),
        _latency("50", told),
        _latency("99", told),
        used / max(1, requests) * 1e6,
        None,
        failed,
    )


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        sys.exit(f"error: wrk's answer is not understood:\n{text}")
    return found[1]


def _latency(percent: str, text: str) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)\b", text)
    if found is None:
        sys.exit(f"error: wrk's answer is not understood:\n{text}")
    return float(found[1]) * UNITS[found[2]]


def _client(mode: str, target: Target, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), sys.executable, str(HERE / "gateway_client.py"), mode,
         target.address + target.path, f"--key={target.key}", f"--model={target.model}",
         *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def cpu_s(process: int) -> float:
    """Return CPU seconds of a process and its children so far; 0 for process 0."""
    if not process:
        return 0.0
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(folder.name) == process or int(fields[1]) == process:
            total += (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return total
