"""Which path leads to which door."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from buildwright.app.gateway import GatewayService
from buildwright.telemetry.calls import CallMetrics
from buildwright.web.app import Endpoint, Routes
from buildwright.web.gateway import ChatDoor
from buildwright.web.health import HealthDoor
from buildwright.web.http import Receive, Scope, Send


class Late:
    """A door that is loaded and made when somebody first knocks, so that the start stays quick."""

    def __init__(self, place: str, *needs: object) -> None:
        self._place, self._needs = place, needs
        self._door: object = None

    def endpoint(self, name: str) -> Endpoint:
        """Return one of its endpoints."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> int:
            endpoint: Endpoint = getattr(self._made(), name)
            return await endpoint(scope, receive, send)

        return answer

    def _made(self) -> object:
        if self._door is None:
            module, _, name = self._place.partition(":")
            make: Callable[..., object] = getattr(
                importlib.import_module(f"buildwright.web.{module}"), name
            )
            self._door = make(*self._needs)
        return self._door


def gateway_routes(service: GatewayService, metrics: CallMetrics) -> Routes:
    """Return the routes of the gateway alone."""
    chat = ChatDoor(service.gateway, service.access.caller)
    messages = Late("messages:MessagesDoor", service.gateway, service.access.caller)
    health = HealthDoor(service, metrics)
    cache = Late("admin:CacheDoor", service)
    return {
        ("POST", "/v1/chat/completions"): chat.chat,
        ("POST", "/v1/embeddings"): chat.embeddings,
        ("POST", "/v1/messages"): messages.endpoint("messages"),
        ("POST", "/v1/messages/count_tokens"): messages.endpoint("count_tokens"),
        ("GET", "/v1/models"): chat.models,
        ("GET", "/v1/models/{model}"): chat.model,
        ("GET", "/api/admin/cache"): cache.endpoint("stats"),
        ("DELETE", "/api/admin/cache"): cache.endpoint("clear"),
        ("POST", "/api/admin/cache"): cache.endpoint("warm"),
        ("GET", "/livez"): health.live,
        ("GET", "/readyz"): health.ready,
        ("GET", "/health"): health.ready,
        ("GET", "/health/ready"): health.ready,
        ("GET", "/health/models"): health.models,
        ("GET", "/health/storage"): health.storage,
        ("GET", "/metrics"): health.numbers,
    }
