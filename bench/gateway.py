"""The gateway under load, beside a plain proxy and other gateways, all in the same rounds.

    python bench/gateway.py [--rounds 3] [--seconds 4] [--peers nginx,litellm,direct]
                            [--only throughput,latency,open,cache,streams,start] [--json FILE]

One core for the gateway (0), load and upstream on the other (1); 1 KB bodies, every request
different, plain HTTP. Governance is on in ours: a key, request and token limits, two budgets,
ledger, cache, metrics. Figures are medians of interleaved rounds. `wrk` makes the load where it is
installed; peers are left out, with the reason, where they are not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from gateway_load import Run, cached, open_loop, streams, throughput
from gateway_targets import Target, direct, litellm, nginx, ours, start_figures, upstream

ROOT = Path(__file__).parent.parent
PARTS = ("throughput", "slow", "latency", "open", "cache", "streams", "start")


@contextmanager
def bench_home() -> Iterator[Path]:
    """Yield an empty folder for what the run needs."""
    home = Path(tempfile.mkdtemp(prefix="bw-bench-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def peers(names: list[str], home: Path, port: int, slow_port: int) -> list[Target]:
    """Return the peers that can be started here; say why others cannot."""
    known = {"direct": direct, "nginx": nginx, "litellm": litellm}
    found = []
    for name in names:
        target = known[name](home, port, slow_port)
        if isinstance(target, str):
            print(f"left out: {name}: {target}")
        else:
            found.append(target)
    return found


def measure(
    targets: list[Target], parts: list[str], rounds: int, seconds: float
) -> dict[str, dict[str, list[Run]]]:
    """Return part -> target -> its runs; every round visits all targets."""
    results: dict[str, dict[str, list[Run]]] = {}
    for number in range(rounds):
        for target in targets:
            with target.running() as process:
                for name, run in runs_of(target, parts, seconds, process):
                    results.setdefault(name, {}).setdefault(target.name, []).append(run)
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    return results


def runs_of(
    target: Target, parts: list[str], seconds: float, process: int
) -> Iterator[tuple[str, Run]]:
    """Yield the measurements of one target in one round."""
    if "throughput" in parts:
        for connections in (1, 16, 64):
            yield f"req/s c={connections}", throughput(target, connections, seconds, process)
    if "slow" in parts:
        yield "req/s c=64, 20 ms upstream", throughput(target, 64, seconds, process, slow=True)
    if "open" in parts:
        yield "open loop 1000/s", open_loop(target, 1000, seconds, process)
    if "cache" in parts and target.caches:
        yield "cache hit c=1", cached(target, 1, seconds, process)
        yield "cache hit c=64", cached(target, 64, seconds, process)
    if "streams" in parts and target.streams:
        for count in target.streams:
            yield f"{count} streams", streams(target, count, process)


def table(results: dict[str, dict[str, list[Run]]]) -> list[dict[str, Any]]:
    """Return the medians as rows."""
    rows = []
    for part, by_target in results.items():
        for target, runs in by_target.items():
            row: dict[str, Any] = {"part": part, "target": target}
            for field in ("per_s", "p50_ms", "p99_ms", "cpu_us", "worst_gap_ms", "failed"):
                values = [value for run in runs if (value := getattr(run, field)) is not None]
                row[field] = statistics.median(values) if values else None
            rows.append(row)
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table, with ratios of requests per second to LiteLLM and of CPU to nginx."""
    print(f"{'':28}{'target':12}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>8}{'gap ms':>8}"
          f"{'failed':>8}  ratio")  # fmt: skip
    for row in rows:
        cells = "".join(
            f"{'' if row[name] is None else format(row[name], form):>{width}}"
            for name, form, width in (
                ("per_s", ",.0f", 9), ("p50_ms", ".3f", 9), ("p99_ms", ".3f", 9),
                ("cpu_us", ".0f", 8), ("worst_gap_ms", ".0f", 8), ("failed", ".0f", 8),
            )
        )  # fmt: skip
        print(f"{row['part']:28}{row['target']:12}{cells}  {ratios(row, rows)}")


def ratios(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Return how one row of ours stands to the peers of the same part."""
    if row["target"] != "buildwright":
        return ""
    told = []
    for peer in rows:
        if peer["part"] != row["part"] or peer is row:
            continue
        if peer["per_s"] and row["per_s"] and peer["target"] != "direct":
            told.append(f"{row['per_s'] / peer['per_s']:.2f}x {peer['target']}")
        if peer["cpu_us"] and row["cpu_us"] and peer["target"] == "nginx":
            told.append(f"CPU {row['cpu_us'] / peer['cpu_us']:.1f}x nginx")
        if peer["target"] == "direct" and row["p50_ms"] and row["part"] in ADDED:
            added = (row["p50_ms"] - peer["p50_ms"], row["p99_ms"] - peer["p99_ms"])
            told.append(f"added p50 {added[0]:.2f} p99 {added[1]:.2f} ms")
    return ", ".join(told)


ADDED = ("req/s c=1",)


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--peers", default="direct,nginx")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/gateway.json")
    given = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        sys.exit("error: two cores are needed, one for the gateway and one for the load")
    parts = given.only.split(",")
    with ExitStack() as stack:
        home = stack.enter_context(bench_home())
        port = stack.enter_context(upstream(delay_ms=0))
        slow_port = stack.enter_context(upstream(delay_ms=20))
        targets = [
            ours(home, port, slow_port),
            *peers(given.peers.split(","), home, port, slow_port),
        ]
        results = measure(targets, [p for p in parts if p != "start"], given.rounds, given.seconds)
    rows = table(results)
    show(rows)
    if "start" in parts:
        rows += start_figures()
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
