"""One pool of connections for each upstream, for the life of the process."""

from __future__ import annotations

import re

from buildwright.core.gateway_settings import ConcurrencySettings, TimeoutSettings
from buildwright.gateway.call import Call
from buildwright.gateway.errors import Billed, GatewayError, unreachable
from buildwright.gateway.http import (
    HttpError,
    HttpPool,
    HttpResponse,
    PoolLimits,
    Timeouts,
    parse_origin,
)
from buildwright.gateway.targets import Target

Headers = list[tuple[bytes, bytes]]
MAX_REFUSAL_BYTES = 65_536
_KEYS = re.compile(r"\b(?:sk|bw|gsk|pk|rk)[-_][A-Za-z0-9_-]{8,}")


class Pools:
    """Opens a pool when its origin is first needed."""

    def __init__(self, timeouts: TimeoutSettings, concurrency: ConcurrencySettings) -> None:
        self._timeouts = Timeouts(timeouts.connect_s, timeouts.first_token_s, timeouts.between_s)
        most = concurrency.most
        self._limits = PoolLimits(max_connections=most, max_idle=most)
        self._pools: dict[str, HttpPool] = {}

    def of(self, target: Target) -> HttpPool:
        """Return the pool of a target's address; raises SettingsError for a bad one."""
        pool = self._pools.get(target.url)
        if pool is None:
            origin = parse_origin(target.url)
            pool = HttpPool(origin, limits=self._limits, timeouts=self._timeouts)
            self._pools[target.url] = pool
        return pool

    def within(self, left_s: float) -> Timeouts | None:
        """Return timeouts no longer than `left_s`; None when the usual ones are."""
        usual = self._timeouts
        if left_s >= max(usual.first_s, usual.between_s):
            return None
        left_s = max(left_s, 0.001)
        return Timeouts(
            min(usual.connect_s, left_s), min(usual.first_s, left_s), min(usual.between_s, left_s)
        )

    def all(self) -> dict[str, HttpPool]:
        """Return the open pools by address."""
        return self._pools

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.close()


async def post(
    pools: Pools, target: Target, path: str, headers: Headers, body: bytes, left_s: float
) -> HttpResponse:
    """Send one request and return its 200; everything else is a GatewayError.

    No part of the answer is waited for longer than `left_s`.
    """
    try:
        response = await pools.of(target).send(
            b"POST", path, headers, body, timeouts=pools.within(left_s)
        )
    except HttpError as error:
        raise broken(target, error) from error
    if response.status == 200:
        return response
    raise await refused(target, response)


def broken(target: Target, error: HttpError) -> GatewayError:
    """Return the error of a connection that could not be made or broke off."""
    late = error.kind in ("connect_timeout", "first_timeout", "between_timeout")
    status = 504 if late else 503 if error.kind == "pool_timeout" else 502
    billed: Billed = "unknown" if error.sent else "no"
    made = unreachable(f"{target.name}: {error}", status=status, billed=billed)
    made.again = error.kind not in ("tls", "too_large")
    made.next_step = f"check that {target.provider} is up and its address is right"
    return made


async def refused(target: Target, response: HttpResponse) -> GatewayError:
    """Return the error of an answer that is not 200; the provider's key is taken out."""
    try:
        raw = await response.read(MAX_REFUSAL_BYTES)
    except HttpError:
        raw = b""
        response.abort()
    message, kind, code, param = said(raw)
    text = f"{target.name}: HTTP {response.status}: {redacted(message, target)}"
    after = retry_after_s(response)
    if response.status in (400, 413, 422):
        return GatewayError(
            response.status, kind or "invalid_request_error", code, text, param=param
        )
    if response.status in (401, 403):
        return GatewayError(
            502, "api_error", "upstream_auth", text, upstream=True,
            next_step=f"check the API key of {target.provider} on the gateway",
        )  # fmt: skip
    if response.status == 404:
        return GatewayError(
            404, "invalid_request_error", "model_not_found", text, param="model", upstream=True
        )
    if response.status == 429:
        spent = code == "insufficient_quota"
        return GatewayError(
            429, "insufficient_quota" if spent else "rate_limit_error",
            "insufficient_quota" if spent else "rate_limit_exceeded", text,
            again=not spent, upstream=True, retry_after_s=after,
        )  # fmt: skip
    status = response.status if response.status in (500, 502, 503, 504, 529) else 502
    made = unreachable(text, status=503 if status == 529 else status)
    made.again = response.status >= 500 or response.status in (408, 409, 425)
    made.retry_after_s = after
    return made


def said(raw: bytes) -> tuple[str, str, str | None, str | None]:
    """Return message, type, code and param of a refusal in any provider's form."""
    import orjson

    try:
        error = orjson.loads(raw)
        error = error[0] if isinstance(error, list) else error
        error = error.get("error", error)
        if isinstance(error, str):
            return error[:500], "", None, None
        code = error.get("code")
        return (
            str(error.get("message") or "no reason given")[:500],
            str(error.get("type") or ""),
            str(code) if code is not None else None,
            error.get("param") if isinstance(error.get("param"), str) else None,
        )
    except (ValueError, AttributeError, IndexError, TypeError):
        text = raw.decode("utf-8", "replace").strip()
        return (text[:300] or "no reason given"), "", None, None


def redacted(text: str, target: Target) -> str:
    """Return a provider's words without our key or anything that looks like one."""
    if target.api_key:
        text = text.replace(target.api_key, "***")
    return _KEYS.sub("***", text)


def retry_after_s(response: HttpResponse) -> float | None:
    """Return seconds of `retry-after-ms` or `retry-after` (a number or a date), None if absent."""
    for name, unit in ((b"retry-after-ms", 0.001), (b"retry-after", 1.0)):
        given = response.header(name).decode("latin-1").strip()
        try:
            seconds = float(given) * unit
        except ValueError:
            seconds = _until(given) if given else -1.0
        if 0 <= seconds < 1e6:
            return seconds
    return None


def _until(date: str) -> float:
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return -1.0


def mark_sent(call: Call) -> None:
    """Count an attempt, just before its bytes leave."""
    call.attempts += 1
