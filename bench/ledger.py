"""What the ledger costs, and whether a storm of clients and kills can overspend a cap.

`python bench/ledger.py [--clients 64] [--calls 300] [--json FILE]` measures one process: CPU and
wall time for a call's intent and settlement together, with org, user and key budgets and a row of
its own for each call. As in the gateway, clients wait for their intents only, and ids are sorted by
time. Aim: at most 20 microseconds of CPU a call at 64 clients.

`python bench/ledger.py --storm [--clients 64] [--calls 5000] [--processes 2]` lets the clients use
one cap, spread over processes that are killed (SIGKILL) at random and started again. Each client
writes down what it was promised after `intend` returned; afterwards every promise must be a row,
the budget must be the sum of its rows, and no more than the cap. Aims: overspend 0, lost 0.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildwright.core.clock import Clock
from buildwright.core.ledger import BudgetSpentError, Intent, Ledger, Settlement, TokenUsage
from buildwright.store.ledger import open_ledger

USAGE = TokenUsage(200, 50, 0, 100, 0, 350)
CAP_SHARE = 0.55
"""The cap, as a share of what all calls of a storm would like to reserve."""

RESERVES = (1, 1000)


def an_intent(call_id: str, reserve_nano: int, key: str) -> Intent:
    """Return an intent as the gateway makes it."""
    return Intent(
        call_id, time.time(), "t", ("org:o", "user:u", f"key:{key}"), reserve_nano, "chat",
        "openai/gpt-4o", "openai", "gpt-4o", "bench",
    )  # fmt: skip


async def speed(folder: Path, clients: int, calls: int) -> dict[str, float]:
    """Measure one process; microseconds for one call, intent and settlement."""
    async with open_ledger(folder / "speed.db", clock=Clock(), owner="bench") as ledger:
        for scope in ("org:o", "user:u", "key:k"):
            await ledger.set_budget(scope, 10**15, "total")

        ids = (f"{number:012x}" for number in itertools.count())

        async def client(count: int) -> None:
            for call_id in itertools.islice(ids, count):
                await ledger.intend(an_intent(call_id, 600, "k"))
                last = ledger.settle(Settlement(call_id, 0.0, "done", USAGE, 500, http_status=200))
            await last

        await asyncio.gather(*(client(20) for _ in range(clients)))
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(client(calls) for _ in range(clients)))
        count = clients * calls
        return {
            "clients": clients,
            "cpu_us": (time.process_time() - cpu) / count * 1e6,
            "wall_us": (time.perf_counter() - wall) / count * 1e6,
        }


@dataclass(frozen=True)
class Share:
    """The clients of one process of a storm: numbers `first` to `last` - 1."""

    database: Path
    log: Path
    first: int
    last: int
    calls: int


async def storm_process(share: Share) -> None:
    """Run a share of the clients from where its log ends."""
    life = os.getpid()
    next_of = dict.fromkeys(range(share.first, share.last), 0)
    if share.log.exists():
        for line in share.log.read_text().splitlines():
            kind, client, number, *_ = line.split()
            if kind in "AR":
                next_of[int(client)] = int(number) + 1
    log = os.open(share.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    clock, owner = Clock(), f"storm-{share.first}-{life}"
    async with open_ledger(share.database, clock=clock, owner=owner) as ledger:
        work = (storm_client(ledger, log, c, n, share.calls) for c, n in next_of.items())
        await asyncio.gather(*work)


async def storm_client(ledger: Ledger, log: int, client: int, first: int, calls: int) -> None:
    """Make calls one after the other; write down each promise the moment it is given."""
    for number in range(first, calls):
        call_id, reserve = f"{client}.{number}.{os.getpid()}", random.randint(*RESERVES)  # noqa: S311
        try:
            await ledger.intend(an_intent(call_id, reserve, f"k{client % 8}"))
        except BudgetSpentError:
            os.write(log, f"R {client} {number} {call_id} 0\n".encode())
            continue
        os.write(log, f"A {client} {number} {call_id} {reserve}\n".encode())
        cost = random.randint(0, reserve)  # noqa: S311
        await ledger.settle(Settlement(call_id, time.time(), "done", USAGE, cost))
        os.write(log, f"D {client} {number} {call_id} {cost}\n".encode())


def storm(folder: Path, clients: int, calls: int, processes: int) -> dict[str, Any]:
    """Run a storm to its end; return what was promised, kept, killed."""
    database = folder / "storm.db"
    cap = int(clients * calls * sum(RESERVES) / 2 * CAP_SHARE / 2)
    asyncio.run(capped(database, cap))
    edges = [clients * n // processes for n in range(processes + 1)]
    shares = [
        Share(database, folder / f"{first}.log", first, last, calls)
        for first, last in itertools.pairwise(edges)
    ]
    started = time.perf_counter()
    kills = killed_and_restarted(shares)
    seconds = time.perf_counter() - started
    asyncio.run(capped(database, None))
    return {"seconds": round(seconds, 1), "kills": kills, "cap": cap, **judged(shares, cap)}


async def capped(database: Path, cap: int | None) -> None:
    """Set the cap; opening also judges what killed processes left."""
    async with open_ledger(database, clock=Clock(), owner="judge") as ledger:
        if cap is not None:
            await ledger.set_budget("org:o", cap, "total")


def killed_and_restarted(shares: list[Share]) -> int:
    """Run every share to its end, killing and starting them again at random; how many kills."""
    running = {share: started_share(share) for share in shares}
    kills = 0
    while running:
        time.sleep(random.uniform(0.1, 0.9))  # noqa: S311
        for share, process in list(running.items()):
            code = process.poll()
            if code == 0:
                del running[share]
            elif code is not None:
                raise SystemExit(f"a process of the storm failed with {code}")
        if running:
            share = random.choice(list(running))  # noqa: S311
            running[share].send_signal(signal.SIGKILL)
            if running[share].wait() == 0:
                del running[share]
                continue
            kills += 1
            running[share] = started_share(share)
    return kills


def started_share(share: Share) -> subprocess.Popen[bytes]:
    """Start the process of a share."""
    numbers = [str(n) for n in (share.first, share.last, share.calls)]
    command = [sys.executable, __file__, "--share", str(share.database), str(share.log), *numbers]
    return subprocess.Popen(command)


def judged(shares: list[Share], cap: int) -> dict[str, int]:
    """Compare promises with rows, rows with the budget, and the budget with its cap."""
    lines = [line.split() for share in shares for line in share.log.read_text().splitlines()]
    promised = {line[3]: int(line[4]) for line in lines if line[0] == "A"}
    settled = {line[3]: int(line[4]) for line in lines if line[0] == "D"}
    with closing(sqlite3.connect(shares[0].database)) as database:
        query = "SELECT id, reserve_nano, status, COALESCE(cost_nano, 0), held_nano FROM ledger"
        rows = {row[0]: row for row in database.execute(query)}
        query = "SELECT spent_nano, held_nano FROM budget_windows WHERE scope = 'org:o'"
        spent, held = database.execute(query).fetchone()
        sound = database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    kept = {i for i, nano in promised.items() if i in rows and rows[i][1] == nano}
    booked = {i for i, nano in settled.items() if i in rows and rows[i][2:4] == ("done", nano)}
    sums = (sum(row[3] for row in rows.values()), sum(row[4] for row in rows.values()))
    return {
        "promised": len(promised),
        "refused": sum(line[0] == "R" for line in lines),
        "in_doubt": sum(row[2] == "in_doubt" for row in rows.values()),
        "lost_rows": len(promised) - len(kept),
        "lost_settlements": len(settled) - len(booked),
        "spent": spent,
        "held": held,
        "overspend": max(0, spent + held - cap),
        "off_by": abs(spent - sums[0]) + abs(held - sums[1]),
        "damaged": int(not sound),
    }


def main() -> int:
    """Run what is asked for and print it; return 1 when money or a row was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--calls", type=int)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--storm", action="store_true")
    parser.add_argument("--share", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.share:
        database, log, *numbers = args.share
        asyncio.run(storm_process(Share(Path(database), Path(log), *map(int, numbers))))
        return 0
    with tempfile.TemporaryDirectory() as name:
        if args.storm:
            found = storm(Path(name), args.clients, args.calls or 5000, args.processes)
        else:
            found = speeds(Path(name), args)
    print(json.dumps(found, indent=2))
    if args.json:
        args.json.write_text(json.dumps(found))
    wrong = ("lost_rows", "lost_settlements", "overspend", "off_by", "damaged")
    return int(any(found.get(what) for what in wrong))


def speeds(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Return the medians of several rounds, for all clients and for one."""
    medians: dict[str, Any] = {}
    for clients in (args.clients, 1):
        rounds = []
        for number in range(args.rounds):
            inside = folder / f"{clients}-{number}"
            inside.mkdir()
            rounds.append(asyncio.run(speed(inside, clients, args.calls or 300)))
        medians[f"at_{clients}"] = {
            name: round(statistics.median(found[name] for found in rounds), 1)
            for name in ("cpu_us", "wall_us")
        }
    return medians


if __name__ == "__main__":
    sys.exit(main())
