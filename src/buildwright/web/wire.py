"""What both wires share: reading a request, gateway headers, error envelopes."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

import orjson

from buildwright.core.ledger import usd
from buildwright.gateway.call import CacheWish, Call
from buildwright.gateway.errors import GatewayError, invalid
from buildwright.web.http import Headers

MAX_TOKENS = 10_000_000
MAX_KEY_BYTES = 255
MOST_DEPTH = 100
"""What can be read back by every JSON library, and walked through without a stack of our own."""
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


def check_common(body: dict[str, Any]) -> None:
    """Check what every wire has: model, stream and the bounds of an answer."""
    model = body.get("model")
    if not isinstance(model, str) or not model.strip() or len(model) > 300:
        raise invalid(f"model is {_shown(model)}, expected the name of a model", "model")
    if not isinstance(body.get("stream", False), bool | None):
        raise invalid(f"stream is {_shown(body['stream'])}, expected true or false", "stream")
    for name in ("max_tokens", "max_completion_tokens"):
        check_count(body, name, MAX_TOKENS)
    check_count(body, "n", 128)
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise invalid(f"stream_options is {_shown(options)}, expected an object", "stream_options")


def check_count(body: dict[str, Any], name: str, most: int) -> None:
    """Check that a field is absent, null or a whole number from 1 to `most`."""
    value = body.get(name)
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise invalid(f"{name} is {_shown(value)}, expected a whole number from 1 to {most}", name)


def check_messages(body: dict[str, Any]) -> None:
    """Check that `messages` is a list of objects with a role."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid(f"messages is {_shown(messages)}, expected a list of messages", "messages")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise invalid(
                f"messages[{number}] is {_shown(message)}, expected an object with a role",
                f"messages[{number}]",
            )


def check_input(body: dict[str, Any]) -> None:
    """Check that `input` is a text, a list of texts, tokens, or a list of lists of tokens."""
    given = body.get("input")
    if body.get("stream"):
        raise invalid("stream is true, but embeddings are not streamed", "stream")
    listed = isinstance(given, list) and given and all(_embeddable(part) for part in given)
    if not listed and not isinstance(given, str):
        raise invalid(f"input is {_shown(given)}, expected a text or a list of texts", "input")


def _embeddable(part: object) -> bool:
    if isinstance(part, list):
        return bool(part) and all(type(token) is int for token in part)
    return isinstance(part, str) or type(part) is int


def request_id(given: bytes, made: str) -> str:
    """Return the client's id when it is short and harmless, else ours."""
    if given and len(given) <= 64 and _ID_CHARACTERS.issuperset(given):
        return given.decode()
    return made


def idempotency_key(given: bytes) -> str:
    """Return the client's Idempotency-Key ("" = none); raises GatewayError 400."""
    if len(given) > MAX_KEY_BYTES or not all(32 < byte < 127 for byte in given):
        raise invalid(
            f"Idempotency-Key is {_shown(given.decode('latin-1'))}, "
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


def _shown(value: object) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


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
