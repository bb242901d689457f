"""Batches against one call after the other; cached answers against asked ones.

    python bench/batch.py [--delay-ms 500] [--max-concurrent 5] [--json FILE]

A model server on the loopback answers after the delay. With 5 at a time the least possible time is
a fifth of the sequential one (80 % less). Every request of the first part differs; the second part
sends one request again and again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from buildwright.app.gateway import open_gateway_service
from buildwright.core.gateway_settings import GatewayTree, ModelSettings
from buildwright.gateway.pipeline import Gateway
from buildwright.services.batch import LLMRequest, Processor
from gateway_targets import upstream

ROOT = Path(__file__).parent.parent
SIZES = (10, 20, 100)
SEQUENTIAL = 5
"""Calls that are timed one after the other; the sequential time of a batch follows from them."""

Row = dict[str, Any]


async def timed(gateway: Gateway, requests: list[LLMRequest], at_once: int) -> tuple[float, int]:
    """Return seconds of a batch and how many of its answers were cached."""
    processor = Processor(gateway, max_concurrent=at_once)
    start = time.perf_counter()
    answers = await processor.process_batch(requests)
    seconds = time.perf_counter() - start
    failed = [answer.error for answer in answers if answer.status == "error"]
    if failed:
        raise SystemExit(f"error: a call failed: {failed[0]}")
    return seconds, sum(answer.cached for answer in answers)


def fresh(count: int, mark: str) -> list[LLMRequest]:
    """Return requests that all differ."""
    return [LLMRequest(f"{mark} {number}", "m") for number in range(count)]


async def measure(port: int, at_once: int) -> list[Row]:
    """Return the rows of the table."""
    row = ModelSettings(model="m", url=f"http://127.0.0.1:{port}/v1", free=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as home:
        async with open_gateway_service(GatewayTree(Path(home), {"m": row})) as service:
            gateway = service.gateway
            one, _ = await timed(gateway, fresh(SEQUENTIAL, "sequential"), 1)
            each = one / SEQUENTIAL
            for size in SIZES:
                seconds, _ = await timed(gateway, fresh(size, f"batch {size}"), at_once)
                rows.append({"part": f"{size} calls", "seconds": seconds,
                             "sequential_s": each * size,
                             "less_percent": 100 * (1 - seconds / (each * size))})  # fmt: skip
            same = LLMRequest("the same", "m")
            await timed(gateway, [same], 1)
            times = [await timed(gateway, [same], 1) for _ in range(200)]
            hit_s = statistics.median(seconds for seconds, _ in times)
            rows.append({"part": "identical prompts", "hit_ms": hit_s * 1000,
                         "times_faster": each / hit_s,
                         "hits_percent": sum(hits for _, hits in times) / 2})  # fmt: skip
    return rows


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-ms", type=float, default=500.0)
    parser.add_argument("--max-concurrent", type=int, default=5)
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/batch.json")
    given = parser.parse_args()
    with upstream(delay_ms=given.delay_ms) as port:
        rows = asyncio.run(measure(port, given.max_concurrent))
    for row in rows[:-1]:
        print(f"{row['part']:12} {row['seconds']:7.2f} s, one after the other "
              f"{row['sequential_s']:7.2f} s: {row['less_percent']:.1f} % less")  # fmt: skip
    last = rows[-1]
    print(f"identical prompts: {last['hits_percent']:.0f} % hits after the first, "
          f"{last['hit_ms']:.3f} ms each, {last['times_faster']:,.0f} times faster")  # fmt: skip
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
