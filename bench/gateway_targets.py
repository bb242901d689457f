"""What is measured: our gateway, a plain proxy, other gateways; each a process on one core."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from buildwright.core.clock import Clock
from buildwright.core.keys import ApiKey
from buildwright.core.ledger import NANO
from buildwright.store.keys import KeyStore
from buildwright.store.ledger import open_ledger

HERE = Path(__file__).parent
ROOT = HERE.parent
GATEWAY_CORE, LOAD_CORE = 0, 1
PEERS = ROOT / ".venv-peers"


@dataclass
class Target:
    """Something that answers chat requests. `command` empty = it runs already."""

    name: str
    address: str
    path: str = "/v1/chat/completions"
    slow_path: str = "/v1/chat/completions"
    model: str = "small"
    slow_model: str = "slow"
    key: str = "none"
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    caches: bool = False
    streams: tuple[int, ...] = ()
    slow_address: str = ""

    @contextmanager
    def running(self) -> Iterator[int]:
        """Yield the id of its process while it runs; 0 for one that runs already."""
        if not self.command:
            yield 0
            return
        process = subprocess.Popen(
            ["taskset", "-c", str(GATEWAY_CORE), *self.command],
            env={**os.environ, **self.env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_for(self.address, process)
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(address: str, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Wait until something listens; exits when the process has ended."""
    host, port = address.removeprefix("http://").split(":")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"error: {process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection((host, int(port)), 0.2).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    sys.exit(f"error: nothing listens on {address} after {seconds:g} s")


@contextmanager
def upstream(delay_ms: float, tokens: int = 100) -> Iterator[int]:
    """Yield the port of a model server on the load's core; its streams have so many events."""
    port = free_port()
    process = subprocess.Popen(
        ["taskset", "-c", str(LOAD_CORE), sys.executable, str(HERE / "upstream.py"), str(port),
         f"--delay-ms={delay_ms}", f"--tokens={tokens}"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}", process)
        yield port
    finally:
        process.kill()
        process.wait()


def ours(home: Path, port: int, slow_port: int) -> Target:
    """Return our gateway with a key, limits, budgets, ledger, cache and metrics on."""
    listen = free_port()
    price = "input_usd_per_mtok: 1.0, output_usd_per_mtok: 2.0"
    config = home / "config.yaml"
    config.write_text(
        "models:\n"
        f"  small: {{model: small, url: 'http://127.0.0.1:{port}/v1', {price}}}\n"
        f"  slow: {{model: small, url: 'http://127.0.0.1:{slow_port}/v1', {price}}}\n"
        "gateway:\n"
        "  auth: keys\n"
        "  concurrency: {start: 2048, most: 4096}\n"
        "  limits:\n"
        "    - {scope: global, requests_per_minute: 1000000000}\n"
        "    - {scope: key, requests_per_minute: 900000000, tokens_per_minute: 1000000000000}\n"
    )
    (home / "home").mkdir(exist_ok=True)
    key = asyncio.run(_prepared(home / "home"))
    return Target(
        "buildwright",
        f"http://127.0.0.1:{listen}",
        key=key,
        command=[sys.executable, "-m", "buildwright", f"--config={config}",
                 f"--home={home / 'home'}", "serve", "--only=gateway", f"--port={listen}"],
        env={"XDG_CACHE_HOME": str(home / "cache")},
        caches=True,
        streams=(16, 512, 1024),
    )  # fmt: skip


async def _prepared(home: Path) -> str:
    path = home / "buildwright.db"
    async with open_ledger(path, clock=Clock(), owner="bench") as ledger:
        allowed = ApiKey("", "", "", org="bench", user="someone")
        stored, key = KeyStore(path, time.time).create("bench", allowed)
        for scope in stored.budget_scopes:
            await ledger.set_budget(scope, 1_000_000 * NANO, "total")
    return key


def direct(_home: Path, port: int, slow_port: int) -> Target:
    """Return the model server itself."""
    return Target(
        "direct",
        f"http://127.0.0.1:{port}",
        slow_address=f"http://127.0.0.1:{slow_port}",
        streams=(1024,),
    )


def nginx(home: Path, port: int, slow_port: int) -> Target | str:
    """Return a plain reverse proxy with one worker, or why there is none."""
    binary = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if binary is None:
        return "not installed (Debian: apt-get install nginx-light)"
    listen = free_port()
    config = home / "nginx.conf"
    config.write_text(
        f"daemon off; worker_processes 1; pid {home}/nginx.pid; error_log /dev/null;\n"
        "events { worker_connections 8192; }\n"
        "http { access_log off; keepalive_requests 100000000;\n"
        f"upstream up {{ server 127.0.0.1:{port}; keepalive 2048;"
        " keepalive_requests 100000000; }\n"
        f"upstream slow {{ server 127.0.0.1:{slow_port}; keepalive 2048;"
        " keepalive_requests 100000000; }\n"
        "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off;\n"
        f"server {{ listen 127.0.0.1:{listen} backlog=2048;"
        " location / { proxy_pass http://up; } location /slow/ { proxy_pass http://slow; } } }\n"
    )
    return Target(
        "nginx", f"http://127.0.0.1:{listen}", command=[binary, "-c", str(config), "-p", str(home)],
        slow_path="/slow/v1/chat/completions", streams=(1024,),
    )  # fmt: skip


def litellm(home: Path, port: int, slow_port: int) -> Target | str:
    """Return LiteLLM's proxy: one worker, a master key, no database; or why there is none."""
    binary = PEERS / "bin" / "litellm"
    if not binary.exists():
        return "not installed (make bench-peers)"
    listen = free_port()
    config = home / "litellm.yaml"
    config.write_text(
        "model_list:\n  - model_name: small\n    litellm_params: {model: openai/small, "
        f"api_base: 'http://127.0.0.1:{port}/v1', api_key: none}}\n"
        "  - model_name: slow\n    litellm_params: {model: openai/small, "
        f"api_base: 'http://127.0.0.1:{slow_port}/v1', api_key: none}}\n"
        "general_settings: {master_key: sk-bench-1234}\n"
    )
    env = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "DISABLE_AIOHTTP_TRUST_ENV": "1",
    }
    return Target(
        "litellm", f"http://127.0.0.1:{listen}", key="sk-bench-1234",
        command=[str(binary), "--config", str(config), "--port", str(listen), "--host",
                 "127.0.0.1"],
        env=env,
    )  # fmt: skip


def start_figures(rounds: int = 7) -> list[dict[str, Any]]:
    """Return import time, time to the first 200 and idle memory of the gateway alone."""
    home = Path(tempfile.mkdtemp(prefix="bw-start-"))
    try:
        target = ours(home, 1, 1)
        imports = [_import_ms() for _ in range(rounds)]
        starts, memory = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            with target.running() as process:
                starts.append((_first_200(target.address) - began) * 1000)
                status = Path(f"/proc/{process}/status").read_text()
                found = re.search(r"VmRSS:\s+(\d+)", status)
                memory.append(int(found[1]) / 1024 if found else 0.0)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    rows = [
        {"part": "import ms", "value": statistics.median(imports)},
        {"part": "first 200 ms", "value": statistics.median(starts[1:])},
        {"part": "idle MiB", "value": statistics.median(memory)},
    ]
    for row in rows:
        print(f"{row['part']:28}{row['value']:9.1f}")
    return rows


def _import_ms() -> float:
    code = (
        "import buildwright.cli.main, buildwright.cli.serve, buildwright.core.quick_settings, "
        "buildwright.web.running, uvloop"
    )
    times = []
    for command in ("pass", code):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", command], check=True)
        times.append(time.perf_counter() - began)
    return (times[1] - times[0]) * 1000


def _first_200(address: str) -> float:
    for _ in range(2000):
        try:
            with urllib.request.urlopen(f"{address}/livez", timeout=1) as answer:  # noqa: S310
                if answer.status == 200:
                    return time.perf_counter()
        except OSError:
            time.sleep(0.002)
    sys.exit("error: the gateway never answered /livez")
