"""Load for a long time: does memory grow, do descriptors leak, do streams stall?

    python bench/soak.py [--minutes 30] [--share 0.8] [--streams 512] [--json FILE]

First it is found what a call costs, and a pile of connections and two stalls warm the heap. Then
calls come at a rate that takes a share of the gateway's core, in an open loop, with some paced
streams of twenty seconds held all the time. Memory is sampled every ten seconds; its slope is a
line through the samples after a fifth of the time. At the end the ledger is audited.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from gateway import bench_home
from gateway_load import cpu_s, open_loop, throughput
from gateway_targets import Target, ours, upstream

HERE = Path(__file__).parent
ROOT = HERE.parent
SAMPLE_S = 10.0
PILE = 2000
STALL_S = 0.9
"""Who has to wait for a second is refused: more calls cannot be on their way than after this."""
ROWS = "SELECT status, COUNT(*), SUM(COALESCE(cost_nano, 0)) FROM ledger GROUP BY status"
WINDOWS = "SELECT scope || ' ' || period, spent_nano, held_nano FROM budget_windows"


def memory_mib(process: int) -> float:
    """Return resident memory of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def descriptors(process: int) -> int:
    """Return how many descriptors a process holds."""
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


def client(mode: str, target: Target, *arguments: str) -> subprocess.Popen[str]:
    """Start the load's program."""
    command = [
        sys.executable,
        str(HERE / "gateway_client.py"),
        mode,
        target.address + target.path,
        f"--key={target.key}",
        f"--model={target.model}",
    ]
    return subprocess.Popen(
        ["taskset", "-c", "1", *command, *arguments], stdout=subprocess.PIPE, text=True
    )


def rate(target: Target, process: int, share: float) -> int:
    """Return how many calls a second take so much of the core, in an open loop.

    A call of a schedule costs more than one of 64 connections in a closed loop, which share turns.
    """
    best = throughput(target, 64, 10.0, process).per_s or 0.0
    throughput(target, PILE, 5.0, process)
    cost_us = open_loop(target, int(best * 0.6), 10.0, process).cpu_us or 0.0
    return max(1, int(share * 1e6 / cost_us))


def stalled(target: Target, process: int, per_s: int) -> None:
    """Let calls pile up as a stall of the machine does: memory does not shrink after its peak."""
    load = client("open", target, f"--per-s={per_s}", "--seconds=6")
    for _ in range(2):
        time.sleep(1.5)
        os.kill(process, signal.SIGSTOP)
        time.sleep(STALL_S)
        os.kill(process, signal.SIGCONT)
    load.communicate()


def soak(
    target: Target, process: int, minutes: float, share: float, streams: int
) -> dict[str, Any]:
    """Return what was seen."""
    per_s, seconds = rate(target, process, share), minutes * 60
    stalled(target, process, per_s)
    loads = [client("open", target, f"--per-s={per_s}", f"--seconds={seconds}")]
    if streams:
        held = client("streams", target, f"--count={streams}", f"--seconds={seconds}")
        loads.append(held)
    samples: list[tuple[float, float, int]] = []
    start, before = time.monotonic(), cpu_s(process)
    while all(load.poll() is None for load in loads) and time.monotonic() - start < seconds:
        samples.append((time.monotonic() - start, memory_mib(process), descriptors(process)))
        time.sleep(SAMPLE_S)
    used = (cpu_s(process) - before) / (time.monotonic() - start)
    told, *of_streams = [json.loads(load.communicate()[0] or "{}") for load in loads]
    late = [sample for sample in samples if sample[0] > seconds / 5] or samples
    slope = statistics.linear_regression(
        [at for at, _, _ in late], [memory for _, memory, _ in late]
    ).slope
    return {
        "per_s": per_s, "done": told.get("done"), "failed": told.get("failed"),
        "p50_ms": told.get("p50_ms"), "p99_ms": told.get("p99_ms"), "cpu_share": used,
        "load_late_ms": told.get("late_ms"),
        "memory_mib_first": late[0][1], "memory_mib_last": late[-1][1],
        "memory_mib_most": max(memory for _, memory, _ in samples),
        "slope_mib_per_hour": slope * 3600,
        "descriptors_first": late[0][2], "descriptors_last": late[-1][2],
        "descriptors_most": max(count for _, _, count in late),
        "streams": streams, "streams_told": of_streams, "minutes": minutes,
        "samples": [(round(at), round(memory, 1), count) for at, memory, count in samples],
    }  # fmt: skip


def audited(home: Path) -> dict[str, Any]:
    """Return what the ledger holds after the load; each budget must have what its rows cost."""
    with closing(sqlite3.connect(home / "home" / "buildwright.db")) as database:
        for _ in range(100):
            rows = database.execute(ROWS).fetchall()
            if not {row[0] for row in rows} & {"intent", "sent"}:
                break
            time.sleep(0.1)
        windows = database.execute(WINDOWS).fetchall()
    cost = sum(row[2] for row in rows)
    return {
        "rows": {status: count for status, count, _ in rows},
        "cost_nano": cost,
        "budgets_agree": all(spent == cost and held == 0 for _, spent, held in windows),
        "budgets": windows,
    }


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--streams", type=int, default=0)
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/soak.json")
    given = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(bench_home())
        port = stack.enter_context(upstream(delay_ms=0, tokens=1000))
        target = ours(home, port, port)
        process = stack.enter_context(target.running())
        told = soak(target, process, given.minutes, given.share, given.streams)
        told["ledger"] = audited(home)
    for name, value in told.items():
        if name != "samples":
            print(f"{name:20} {value}")
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
