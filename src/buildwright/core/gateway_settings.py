"""Settings of the gateway and of models as plain dataclasses: light to import, checked elsewhere.

pydantic checks them once (core/settings.py); a process that only serves the gateway reads what was
checked before and never imports it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal


class Bound:
    """Limits of a number: `ge`, `gt`, `le` as pydantic has them, without loading it."""

    def __init__(self, **limits: float) -> None:
        self._limits = limits

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Add the limits to the schema of the number."""
        return {**handler(source), **self._limits}


STRICT: dict[str, Any] = {"extra": "forbid", "allow_inf_nan": False}
Positive = Annotated[float, Bound(gt=0)]
Share = Annotated[float, Bound(ge=0, le=1)]
Count = Annotated[int, Bound(ge=1)]
Usd = Annotated[float, Bound(ge=0)]


def _says(default: Any, text: str) -> Any:
    return field(default=default, metadata={"description": text})


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """One model under a name of the user's own; prices are US dollars for a million tokens."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    model: str = _says("", "provider/model as the provider names it")
    url: str = _says("", "address of an OpenAI-compatible endpoint")
    key_variable: str = _says("", "environment variable that holds the API key")
    input_usd_per_mtok: Usd | None = _says(None, "price of a million input tokens")
    output_usd_per_mtok: Usd | None = _says(None, "price of a million output tokens")
    cache_read_usd_per_mtok: Usd | None = _says(None, "price of input read from a cache")
    cache_write_usd_per_mtok: Usd | None = _says(None, "price of input written to a cache")
    ceiling_usd: Usd | None = _says(None, "price unknown: what one call may count as, at most")
    free: bool = _says(False, "costs nothing, e.g. on this machine")
    tools: bool = _says(True, "the model can call tools; else edits are text")
    context_tokens: Count | None = _says(None, "longest input and output together")
    script: str = _says("", "a scripted model, for tests and benchmarks")
    reference: Path | None = _says(None, "reference answer of a scripted model")


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """An endpoint of the user's own; one of a known name replaces that."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    url: str = _says("", "address, e.g. http://127.0.0.1:8000/v1")
    wire: Literal["openai", "anthropic", "ollama"] = _says("openai", "what it speaks")
    key_variable: str = _says("", "environment variable that holds the API key")
    free: bool = _says(False, "its models cost nothing")
    prices_of: str = _says("", "provider whose price list it follows")
    max_concurrent: Count | None = _says(None, "calls at a time, at most")


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """One way a route may go."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    model: str = _says("", "provider/model, or a name under models")
    weight: Annotated[float, Bound(ge=0)] = _says(1.0, "share of the calls among the targets")


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """A model name that stands for others: split by weight, then tried in order."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    targets: tuple[TargetSettings, ...] = _says((), "one is picked by weight")
    fallbacks: tuple[str, ...] = _says((), "tried in order when the picked one fails")
    sticky: Literal["none", "key", "user"] = _says(
        "none", "who keeps the same target: the API key, or the request's `user`"
    )


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """A rate limit; both counts are for a minute, full at the start."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    scope: Literal["global", "key", "model"] = _says("key", "what is counted apart")
    match: str = _says("*", "key id or model this is for, `*` as a wildcard")
    requests_per_minute: Count | None = _says(None, "requests")
    tokens_per_minute: Count | None = _says(None, "tokens, input and output")
    burst: Share | None = _says(None, "share of a minute that may come at once (1)")


@dataclass(frozen=True, slots=True)
class TimeoutSettings:
    """Seconds an upstream may take."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    connect_s: Positive = _says(10.0, "connecting, TLS included")
    first_token_s: Positive = _says(120.0, "from the request to the first byte of the answer")
    between_s: Positive = _says(60.0, "between two parts of an answer")
    total_s: Positive = _says(600.0, "everything: queue, retries, fallbacks")
    heartbeat_s: Positive = _says(15.0, "silence of a stream after which a comment is sent")


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """When a failed call is sent again; never after its first byte left us."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    times: Annotated[int, Bound(ge=0, le=10)] = _says(2, "times one upstream is tried again")
    share: Share = _says(0.1, "retries as a share of calls, at most")
    first_wait_s: Positive = _says(0.5, "first wait, doubled each time, with jitter")
    longest_wait_s: Positive = _says(20.0, "longest wait; a longer Retry-After ends the tries")


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When an upstream that fails is left alone."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    share: Share = _says(0.5, "share of failed calls that opens it")
    calls: Count = _says(20, "calls in the window before it may open")
    window_s: Positive = _says(30.0, "seconds that are looked back on")
    open_s: Positive = _says(15.0, "seconds until one call probes the upstream")


@dataclass(frozen=True, slots=True)
class ConcurrencySettings:
    """Calls at a time for each upstream, found by trying: fewer when it says it is overloaded."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    start: Count = _says(64, "calls at a time, at first")
    least: Count = _says(1, "never fewer")
    most: Count = _says(1024, "never more; also the connections to one upstream")
    queue: Annotated[int, Bound(ge=0)] = _says(2048, "calls that may wait")
    queue_s: Positive = _says(60.0, "seconds one may wait")


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Answers kept for equal requests."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    enabled: bool = _says(
        True,
        "answer equal requests from the cache; equal ones in flight are one upstream call anyway",
    )
    max_mib: Count = _says(64, "memory, at most")
    ttl_cold_s: Positive = _says(86_400.0, "kept at temperature 0")
    ttl_s: Positive = _says(7_200.0, "kept otherwise")


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The door to all models."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    host: str = _says("127.0.0.1", "address to listen on")
    port: Annotated[int, Bound(ge=0, le=65535)] = _says(
        4000, "port to listen on; 0 takes a free one"
    )
    auth: Literal["auto", "keys", "none"] = _says(
        "auto", "auto asks for a key once one exists, or beyond this machine"
    )
    body_limit_kib: Count = _says(20_480, "largest request")
    answer_limit_kib: Count = _says(65_536, "largest answer")
    keep_bodies: Literal["keyed", "all", "none"] = _says(
        "keyed", "requests and answers the ledger keeps: of builds and repeatable calls, all, none"
    )
    in_doubt: Literal["ask", "retry_once", "fail"] = _says(
        "retry_once", "a build's call whose fate is unknown"
    )
    default_max_tokens: Count = _says(4096, "reserved for an answer whose request names no limit")
    redis_url: str = _says("", "shared limits and cache; without it they are in memory")
    aliases: dict[str, str] = field(
        default_factory=dict, metadata={"description": "another name for a model"}
    )
    routes: dict[str, RouteSettings] = field(
        default_factory=dict, metadata={"description": "names that are split or fall back"}
    )
    limits: tuple[LimitSettings, ...] = _says((), "rate limits")
    timeouts: TimeoutSettings = TimeoutSettings()
    retries: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    concurrency: ConcurrencySettings = ConcurrencySettings()
    cache: CacheSettings = CacheSettings()


@dataclass(frozen=True, slots=True)
class GatewayTree:
    """The part of the settings that the gateway works with."""

    home: Path
    models: dict[str, ModelSettings] = field(default_factory=dict)
    providers: dict[str, ProviderSettings] = field(default_factory=dict)
    gateway: GatewaySettings = GatewaySettings()
