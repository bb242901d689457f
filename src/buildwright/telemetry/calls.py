"""What is counted of model calls; names follow OpenTelemetry where it has one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from buildwright.core.call_events import CallDone
from buildwright.core.ledger import NANO, Wire
from buildwright.telemetry.build import build_info
from buildwright.telemetry.numbers import (
    QUICK_SECONDS,
    SECONDS,
    TOKENS,
    Counter,
    Gauge,
    Histogram,
    Series,
)

MOST_MODELS = 200
OTHER = "other"
OPERATIONS = {"chat": "chat", "messages": "chat", "embeddings": "embeddings"}
BREAKER_STATES = {"closed": 0.0, "half_open": 1.0, "open": 2.0}


class Target(NamedTuple):
    """The series of one model at one provider; `paid` are the labels of its cost."""

    duration: Series
    first: Series
    input: Series
    output: Series
    paid: tuple[str, str]


class CallMetrics:
    """Counts calls; `observe` is the listener, `all` what is shown."""

    def __init__(self, version: str) -> None:
        named = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
        self.requests = Histogram(
            "http_server_request_duration_seconds",
            "Requests by route and status.",
            ("http_request_method", "http_route", "http_response_status_code"),
            QUICK_SECONDS,
        )
        self.duration = Histogram(
            "gen_ai_client_operation_duration_seconds", "Calls of models.", named, SECONDS
        )
        self.first = Histogram(
            "gen_ai_client_time_to_first_chunk_seconds", "Time to the first byte.", named, SECONDS
        )
        self.tokens = Histogram(
            "gen_ai_client_token_usage", "Tokens.", (*named, "gen_ai_token_type"), TOKENS
        )
        self.cost = Counter(
            "buildwright_llm_cost_usd_total", "Cost of calls.", ("provider", "model")
        )
        self.dedup = Counter(
            "buildwright_llm_dedup_total", "Calls that were not bought twice.", ("kind",)
        )
        self.in_doubt = Counter("buildwright_llm_in_doubt_total", "Calls of unknown fate.")
        self.cache = Counter(
            "buildwright_cache_requests_total", "Looks into the cache.", ("kind", "outcome")
        )
        self.retries = Counter("buildwright_llm_retries_total", "Tries beyond the first.")
        self.fallbacks = Counter("buildwright_llm_fallbacks_total", "Calls answered by a fallback.")
        self._version = version
        self._models: set[str] = set()
        self._targets: dict[tuple[Wire, str, str], Target] = {}
        for kind in ("coalesced", "repeated", "exact"):
            self.dedup.add((kind,), 0.0)
        for outcome in ("hit", "miss"):
            self.cache.add(("exact", outcome), 0.0)

    def observe(self, done: CallDone) -> None:
        """Count a finished call."""
        if done.cache:
            self._observe_cache(done.cache)
        if done.attempts:
            self._observe_sent(done)
        if done.fallbacks and done.status == 200:
            self.fallbacks.add()
        if done.error == "cut":
            self.in_doubt.add()

    def observe_http(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request over HTTP; `route` is one of a closed set."""
        self.requests.observe((method, route, str(status)), seconds)

    def _observe_sent(self, done: CallDone) -> None:
        model = done.model if done.model in self._models else self._known(done.model)
        named = (done.wire, done.provider, model)
        target = self._targets.get(named)
        if target is None:
            target = self._targets[named] = self._target(*named)
        target.duration.observe(done.total_s)
        target.first.observe(done.first_byte_s)
        usage = done.usage
        if usage.total:
            target.input.observe(usage.input)
            target.output.observe(usage.output + usage.reasoning)
        if done.cost_nano:
            self.cost.add(target.paid, done.cost_nano / NANO)
        if done.attempts > 1:
            self.retries.add(amount=done.attempts - 1)

    def _target(self, wire: Wire, provider: str, model: str) -> Target:
        named = (OPERATIONS[wire], provider, model)
        return Target(
            self.duration.of(named),
            self.first.of(named),
            self.tokens.of((*named, "input")),
            self.tokens.of((*named, "output")),
            (provider, model),
        )

    def all(self) -> Iterator[Counter | Histogram]:
        """Yield every metric."""
        yield from (
            self.requests, self.duration, self.first, self.tokens, self.cost, self.dedup,
            self.in_doubt, self.cache, self.retries, self.fallbacks, build_info(self._version),
        )  # fmt: skip

    def _observe_cache(self, status: str) -> None:
        hit = status.startswith("hit")
        kind = status.rpartition("detail=")[2] if hit else "exact"
        if hit:
            self.dedup.add((kind,))
        if kind == "exact":
            self.cache.add(("exact", "hit" if hit else "miss"))

    def _known(self, model: str) -> str:
        if model not in self._models:
            if len(self._models) >= MOST_MODELS:
                return OTHER
            self._models.add(model)
        return model


def gauge(
    name: str, text: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> Gauge:
    """Return a gauge of values that are read when somebody asks."""
    made = Gauge(name, text, labels)
    for values, number in rows:
        made.set(values, number)
    return made


def counted(
    name: str, text: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> Counter:
    """Return a counter of sums that are kept elsewhere, and read when somebody asks."""
    made = Counter(name, text, labels)
    for values, number in rows:
        made.add(values, number)
    return made
