"""Which path leads to which door."""

from __future__ import annotations

from buildwright.app.gateway import GatewayService
from buildwright.telemetry.calls import CallMetrics
from buildwright.web.admin import CacheDoor
from buildwright.web.app import Routes
from buildwright.web.gateway import ChatDoor
from buildwright.web.health import HealthDoor
from buildwright.web.messages import MessagesDoor


def gateway_routes(service: GatewayService, metrics: CallMetrics) -> Routes:
    """Return the routes of the gateway alone."""
    chat = ChatDoor(service.gateway, service.access.caller)
    messages = MessagesDoor(service.gateway, service.access.caller)
    health = HealthDoor(service, metrics)
    cache = CacheDoor(service)
    return {
        ("POST", "/v1/chat/completions"): chat.chat,
        ("POST", "/v1/embeddings"): chat.embeddings,
        ("POST", "/v1/messages"): messages.messages,
        ("POST", "/v1/messages/count_tokens"): messages.count_tokens,
        ("GET", "/v1/models"): chat.models,
        ("GET", "/api/admin/cache"): cache.stats,
        ("DELETE", "/api/admin/cache"): cache.clear,
        ("POST", "/api/admin/cache"): cache.warm,
        ("GET", "/livez"): health.live,
        ("GET", "/readyz"): health.ready,
        ("GET", "/health"): health.ready,
        ("GET", "/health/ready"): health.ready,
        ("GET", "/health/models"): health.models,
        ("GET", "/health/storage"): health.storage,
        ("GET", "/metrics"): health.numbers,
    }
