"""Health and numbers: whether this process lives, may take traffic, and how it does."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import orjson

from buildwright.app.gateway import GatewayService
from buildwright.core.errors import BuildwrightError
from buildwright.gateway.errors import GatewayError
from buildwright.telemetry.calls import BREAKER_STATES, CallMetrics, counted, gauge
from buildwright.telemetry.numbers import Counter, Histogram, exposition
from buildwright.web import wire
from buildwright.web.http import JSON, Receive, Scope, Send, respond

HEALTH = (b"content-type", b"application/health+json")
TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
KEPT_S = 5.0
NO_SCOPE = "health:probe"
TIMEOUT_S = 2.0
RESERVE_BYTES = 256 << 20
"""Free disk below which no more traffic is taken."""

Check = dict[str, Any]


class HealthDoor:
    """Checks are run at most every `KEPT_S` seconds, each within `TIMEOUT_S`."""

    def __init__(self, service: GatewayService, metrics: CallMetrics) -> None:
        self._service, self._metrics = service, metrics
        self._around = service.gateway.around
        self._checked_at = float("-inf")
        self._storage: dict[str, Check] = {}
        self._lock = asyncio.Lock()

    async def live(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/livez`: the loop runs."""
        return await respond(send, 200, [HEALTH], b'{"status":"pass"}')

    async def ready(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/readyz`: 503 when calls could not be accounted for; all else only warns."""
        return await self._tell(scope, send, {**await self._stores(), **self._upstreams()})

    async def storage(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/health/storage`."""
        return await self._tell(scope, send, await self._stores())

    async def models(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/health/models`: the breakers of the upstreams that were called."""
        return await self._tell(scope, send, self._upstreams())

    async def numbers(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `/metrics` in Prometheus' text form; needs a key where calls do."""
        try:
            self._service.access.caller(dict(scope["headers"]))
        except GatewayError as error:
            headers = [JSON, *wire.ids(scope["headers"], self._around.new_id)]
            return await respond(send, error.status, headers, wire.openai_error(error))
        metrics: list[Counter | Histogram] = [*self._metrics.all(), *await self._gauges()]
        return await respond(send, 200, [TEXT], exposition(metrics).encode())

    async def _tell(self, scope: Scope, send: Send, checks: dict[str, Check]) -> int:
        worst = {check["status"] for check in checks.values()}
        status = "fail" if "fail" in worst else "warn" if "warn" in worst else "pass"
        body: dict[str, Any] = {"status": status}
        try:
            self._service.access.caller(dict(scope["headers"]))
            body["checks"] = checks
        except GatewayError:
            pass  # details are for callers only
        return await respond(send, 503 if status == "fail" else 200, [HEALTH], orjson.dumps(body))

    async def _stores(self) -> dict[str, Check]:
        async with self._lock:
            if self._around.tick() - self._checked_at >= KEPT_S:
                self._storage = {"ledger": await self._ledger(), "disk": self._disk()}
                self._checked_at = self._around.tick()
        return {**self._storage, **self._shared()}

    def _shared(self) -> dict[str, Check]:
        redis = self._service.gateway.redis
        if redis is None:
            return {}
        if redis.fallback:
            return {"redis": self._check("warn", "away: limits and cache are in memory")}
        return {"redis": self._check("pass", "in use")}

    async def _ledger(self) -> Check:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                judged = await self._service.ledger.recover()
                # Changes nothing, but has to be written to say so.
                await self._service.ledger.set_budget(NO_SCOPE, None, "total")
        except (BuildwrightError, TimeoutError) as error:
            return self._check("fail", f"not writable: {type(error).__name__}")
        return self._check("pass", judged)

    def _disk(self) -> Check:
        found = os.statvfs(_existing(self._service.gateway.tree.home))
        free = found.f_bavail * found.f_frsize
        return self._check("pass" if free > RESERVE_BYTES else "fail", free, unit="bytes")

    def _upstreams(self) -> dict[str, Check]:
        states = self._service.gateway.breakers.states()
        return {
            f"upstream {name}": self._check("pass" if state == "closed" else "warn", state)
            for name, state in states.items()
        }

    def _check(self, status: str, observed: object, unit: str = "") -> Check:
        row = {"status": status, "time": self._around.now(), "observedValue": observed}
        return {**row, "observedUnit": unit} if unit else row

    async def _gauges(self) -> list[Counter]:
        gateway = self._service.gateway
        slots, pools = gateway.concurrency.all(), gateway.providers.pools.all()
        states = gateway.breakers.states().items()
        budgets = await self._service.ledger.budgets()
        cache = await gateway.cache.stats()
        upstream = ("upstream",)
        return [
            gauge("buildwright_breaker_state", "0 closed, 1 half open, 2 open.", upstream,
                  (((name,), BREAKER_STATES[state]) for name, state in states)),
            gauge("buildwright_queue_depth", "Calls that wait for a slot.", upstream,
                  (((name,), float(slot.waiting)) for name, slot in slots.items())),
            gauge("buildwright_concurrency_limit", "Calls at a time, as found.", upstream,
                  (((name,), slot.limit) for name, slot in slots.items())),
            gauge("buildwright_pool_connections", "Connections to upstreams.",
                  ("upstream", "state"),
                  (((url, state), float(getattr(pool, state)))
                   for url, pool in pools.items() for state in ("open", "idle", "waiting"))),
            counted("buildwright_pool_wait_seconds_total", "Waiting for connections.", upstream,
                    (((url,), pool.waited_s_total) for url, pool in pools.items())),
            gauge("buildwright_budget_reserved_usd", "Held by calls on their way or in doubt.", (),
                  [((), sum(budget.held_nano for budget in budgets) / 1e9)]),
            gauge("buildwright_redis_fallback", "1 while limits and cache do without Redis.", (),
                  [((), float(gateway.redis is not None and gateway.redis.fallback))]),
            counted("buildwright_redis_errors_total", "Times Redis failed or refused.", (),
                    [((), float(gateway.redis.errors_total if gateway.redis else 0))]),
            gauge("buildwright_cache_bytes", "Memory of the exact cache.", (),
                  [((), float(cache.memory_used))]),
        ]  # fmt: skip


def _existing(path: Path) -> Path:
    return path if path.exists() else path.parent
