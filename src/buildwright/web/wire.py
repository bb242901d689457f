"""What both wires share: reading a request, gateway headers, error envelopes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from buildwright.core.ledger import usd
from buildwright.gateway.call import CacheWish, Call
from buildwright.gateway.checking import shown
from buildwright.gateway.errors import GatewayError, invalid
from buildwright.web.http import Headers

MAX_KEY_BYTES = 255
MOST_DEPTH = 100
"""What can be read back by every JSON library, and walked through without a stack of our own."""
MAX_TRACE_BYTES = 255
_HEX = frozenset(b"0123456789abcdef")
_ID_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:")


def parsed(raw: bytes) -> dict[str, Any]:
    """Return a JSON object; raises GatewayError 400 that says where it is malformed."""
    try:
        body = orjson.loads(raw)
    except ValueError as error:
        raise invalid(f"the body is not JSON: {error}", code="malformed_json") from error
    if not isinstance(body, dict):
        raise invalid(f"the body is a JSON {_kind(body)}, expected an object")
    if raw.count(b"[") + raw.count(b"{") > MOST_DEPTH and _too_deep(body):
        raise invalid(f"the body is nested more than {MOST_DEPTH} deep")
    return body


def _too_deep(body: dict[str, Any]) -> bool:
    level: list[Any] = [body]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def request_id(given: bytes, made: str) -> str:
    """Return the client's id when it is short and harmless, else ours."""
    if given and len(given) <= 64 and _ID_CHARACTERS.issuperset(given):
        return given.decode()
    return made


def trace_parent(given: bytes) -> bytes:
    """Return the client's W3C trace context when it is one (version 00 or later), else b""."""
    parts = given.split(b"-")
    if len(given) < 55 or [len(part) for part in parts[:4]] != [2, 32, 16, 2]:
        return b""
    whole = len(given) == 55 or (parts[0] != b"00" and len(given) <= MAX_TRACE_BYTES)
    known = all(_HEX.issuperset(part) for part in parts)
    some = parts[0] != b"ff" and parts[1].strip(b"0") and parts[2].strip(b"0")
    return given if whole and known and some else b""


def ids(given: Iterable[tuple[bytes, bytes]], new_id: Callable[[], str]) -> Headers:
    """Return the ids of an answer that belongs to no call: the client's own, else a new one."""
    headers = dict(given)
    made = [(b"x-request-id", request_id(headers.get(b"x-request-id", b""), "").encode())]
    if not made[0][1]:
        made = [(b"x-request-id", new_id().encode())]
    trace = trace_parent(headers.get(b"traceparent", b""))
    return [*made, (b"traceparent", trace)] if trace else made


def idempotency_key(given: bytes) -> str:
    """Return the client's Idempotency-Key ("" = none); raises GatewayError 400."""
    if not given:
        return ""
    if len(given) > MAX_KEY_BYTES or not all(32 < byte < 127 for byte in given):
        raise invalid(
            f"Idempotency-Key is {shown(given.decode('latin-1'))}, "
            f"expected at most {MAX_KEY_BYTES} visible ASCII characters",
            "Idempotency-Key",
        )
    return given.decode("ascii")


def cache_wish(given: bytes) -> CacheWish:
    """Return what Cache-Control asks for; raises GatewayError 400 for a bad max-age."""
    read, store, only, max_age = True, True, False, None
    for part in given.decode("latin-1").lower().split(","):
        name, _, value = part.strip().partition("=")
        if name == "no-cache":
            read = False
        elif name == "no-store":
            read = store = False
        elif name == "only-if-cached":
            only = True
        elif name == "max-age":
            if not value.isdigit():
                raise invalid(f"Cache-Control: max-age is {value!r}, expected whole seconds")
            max_age = float(value)
    return CacheWish(read, store, only, max_age)


def read_headers(call: Call, headers: Mapping[bytes, bytes]) -> None:
    """Note on a call what its request's headers ask for; raises GatewayError 400."""
    call.request_id = request_id(headers.get(b"x-request-id", b""), call.id)
    call.key = idempotency_key(headers.get(b"idempotency-key", b""))
    control = headers.get(b"cache-control")
    if control:
        call.cache = cache_wish(control)
    traced = headers.get(b"traceparent")
    if traced:
        told = trace_parent(traced)
        call.headers += ((b"traceparent", told),) if told else ()


def gateway_headers(call: Call, at: float) -> Headers:
    """Return what the gateway tells of a call; `at` is the monotonic second now."""
    total = at - call.tick
    overhead = max(0.0, total - call.upstream_s - call.queue_s)
    headers: Headers = [
        (b"x-request-id", call.request_id.encode()),
        (b"x-buildwright-call-id", call.id.encode()),
        (b"openai-processing-ms", b"%d" % (total * 1000)),
        (b"x-buildwright-attempts", b"%d" % call.attempts),
        (b"x-buildwright-fallbacks", b"%d" % call.fallbacks),
        (b"x-buildwright-overhead-ms", b"%.3f" % (overhead * 1000)),
    ]
    if call.target is not None:
        headers.append((b"x-buildwright-model", call.target.name.encode("latin-1", "replace")))
    if call.queue_s:
        headers.append((b"x-buildwright-queue-ms", b"%.1f" % (call.queue_s * 1000)))
    if call.cache_status:
        headers.append((b"cache-status", b"buildwright; " + call.cache_status.encode()))
    headers += call.headers
    return headers


def cost_header(call: Call) -> tuple[bytes, bytes]:
    """Return the cost of a settled call in US dollars."""
    return (b"x-buildwright-cost-usd", usd(call.cost_nano).encode())


def error_headers(error: GatewayError) -> Headers:
    """Return when to try again, if at all."""
    headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
    if error.retry_after_s is not None and error.again:
        wait = min(60.0, error.retry_after_s)
        headers.append((b"retry-after", b"%d" % max(1, -int(-wait // 1))))
        headers.append((b"retry-after-ms", b"%d" % max(1, -int(-wait * 1000 // 1))))
    if not error.again:
        headers.append((b"x-should-retry", b"false"))
    return headers


def openai_error(error: GatewayError) -> bytes:
    """Return the OpenAI error envelope."""
    return orjson.dumps(
        {
            "error": {
                "message": _told(error),
                "type": error.kind,
                "param": error.param,
                "code": error.error_code,
            }
        }
    )


def _told(error: GatewayError) -> str:
    return f"{error.message} ({error.next_step})" if error.next_step else error.message


def _kind(value: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")


ANTHROPIC_ERRORS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Status -> type of an error on the Anthropic wire; of the rest, 4xx is the request's fault."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def anthropic_status(error: GatewayError) -> int:
    """Return the status on the Anthropic wire, where an overload is 529 and not 503."""
    return 529 if error.status == 503 else error.status


def anthropic_error(error: GatewayError, request_id: str) -> bytes:
    """Return the Anthropic error envelope."""
    status = anthropic_status(error)
    kind = ANTHROPIC_ERRORS.get(status, "invalid_request_error" if status < 500 else "api_error")
    told = {"type": kind, "message": _told(error)}
    return orjson.dumps({"type": "error", "error": told, "request_id": request_id})


def anthropic_limits(headers: Headers, at: float) -> Headers:
    """Return the `x-ratelimit-*` among headers by Anthropic's names.

    `at` is now in epoch seconds, because a reset is told as a time (RFC 3339).
    """
    made: Headers = []
    for name, value in headers:
        prefix, _, rest = name.partition(b"x-ratelimit-")
        what, _, kind = rest.partition(b"-")
        if prefix or not kind:
            continue
        if what == b"reset":
            value = _time_after(at, value.decode()).encode()
        made.append((b"anthropic-ratelimit-" + kind + b"-" + what, value))
    return made


def _time_after(at: float, duration: str) -> str:
    seconds = sum(float(n) * _SECONDS[unit] for n, unit in _DURATION.findall(duration))
    return datetime.fromtimestamp(math.ceil(at + seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
