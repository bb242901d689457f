"""`/api/admin/…`: what only keys with the scope `admin` may do, or this machine without keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from urllib.parse import parse_qs

import orjson

from buildwright.app.gateway import GatewayService
from buildwright.gateway.call import Caller
from buildwright.gateway.errors import GatewayError, invalid
from buildwright.services.cachectl import stats_of, warm
from buildwright.web import wire
from buildwright.web.http import JSON, ClientLeftError, Receive, Scope, Send, read_body, respond

Query = Mapping[str, list[str]]
Told = Awaitable[object]


class CacheDoor:
    """The cache of answers: GET its numbers, DELETE by pattern, POST answers into it."""

    def __init__(self, service: GatewayService) -> None:
        self._service, self._gateway = service, service.gateway
        self._limit = service.gateway.tree.gateway.body_limit_kib * 1024

    async def stats(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `GET /api/admin/cache`."""

        async def told(_caller: Caller, _query: Query) -> object:
            return asdict(await stats_of(self._gateway))

        return await self._answer(scope, send, told)

    async def clear(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `DELETE /api/admin/cache?pattern=…`; without a pattern all goes."""

        async def told(_caller: Caller, query: Query) -> object:
            (pattern,) = query.get("pattern", ["*"])[:1]
            return {"cleared": await self._gateway.cache.clear(pattern)}

        return await self._answer(scope, send, told)

    async def warm(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer `POST /api/admin/cache?tenant=…`: a line for each request with its answer."""

        async def told(caller: Caller, query: Query) -> object:
            (tenant,) = query.get("tenant", [caller.tenant])[:1]
            if not tenant.isprintable():
                raise invalid(f"tenant is {tenant!r}, expected printable text", "tenant")
            lines = await read_body(scope, receive, self._limit)
            return asdict(await warm(self._gateway, tenant, lines))

        return await self._answer(scope, send, told)

    async def _answer(self, scope: Scope, send: Send, told: Callable[[Caller, Query], Told]) -> int:
        ids = wire.ids(scope["headers"], self._gateway.around.new_id)
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        try:
            caller = self._service.access.admin(dict(scope["headers"]))
            body = orjson.dumps(await told(caller, query))
        except GatewayError as error:
            headers = [JSON, *ids, *wire.error_headers(error)]
            return await respond(send, error.status, headers, wire.openai_error(error))
        except ClientLeftError:
            return 499
        return await respond(send, 200, [JSON, *ids], body)
