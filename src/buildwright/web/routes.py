"""Which path leads to which door."""

from __future__ import annotations

from buildwright.app.gateway import GatewayService
from buildwright.web.app import Routes
from buildwright.web.gateway import ChatDoor


def gateway_routes(service: GatewayService) -> Routes:
    """Return the routes of the gateway alone."""
    chat = ChatDoor(service.gateway, service.access.caller)
    return {
        ("POST", "/v1/chat/completions"): chat.chat,
        ("POST", "/v1/embeddings"): chat.embeddings,
        ("GET", "/v1/models"): chat.models,
    }
