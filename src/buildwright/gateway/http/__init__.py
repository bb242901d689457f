"""A small HTTP/1.1 client for the gateway's hot path: one pool for each origin.

    pool = HttpPool(parse_origin("https://api.example.com/v1"))
    async with await pool.send("POST", "/chat/completions", headers, body) as response:
        answer = await response.read(limit=10_000_000)

Only what talking to a model provider needs: no redirects, no cookies, no proxies, no HTTP/2.
"""

from buildwright.gateway.http.errors import HttpError, Kind, UnsafeRequestError
from buildwright.gateway.http.limits import PoolLimits, Timeouts
from buildwright.gateway.http.origin import Origin, parse_origin
from buildwright.gateway.http.pool import HttpPool
from buildwright.gateway.http.response import HttpResponse

__all__ = [
    "HttpError",
    "HttpPool",
    "HttpResponse",
    "Kind",
    "Origin",
    "PoolLimits",
    "Timeouts",
    "UnsafeRequestError",
    "parse_origin",
]
