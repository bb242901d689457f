"""Name -> provider; each is loaded when a call first needs it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from buildwright.core.gateway_settings import GatewayTree
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import Billed, unreachable
from buildwright.gateway.targets import Target

if TYPE_CHECKING:
    from buildwright.gateway.providers.pools import Pools


class Provider(Protocol):
    """Speaks one wire; sends each call once, everything else is a policy."""

    async def send(self, call: Call, target: Target) -> Answer:
        """Return the answer, a stream with its first event at hand; raises GatewayError."""
        ...

    async def close(self) -> None:
        """Give back what is open."""
        ...


PROVIDERS: dict[str, str] = {
    "openai": "buildwright.gateway.providers.openai_chat:OpenAiProvider",
    "anthropic": "buildwright.gateway.providers.anthropic_messages:AnthropicProvider",
    "ollama": "buildwright.gateway.providers.ollama_chat:OllamaProvider",
    "scripted": "buildwright.gateway.providers.scripted:ScriptedProvider",
    "replay": "buildwright.gateway.providers.replay:ReplayProvider",
}

BRIDGE = "buildwright.gateway.translate.bridge:send_as_chat"
"""Sends a call of the Anthropic wire to a provider that does not speak it."""


class Providers:
    """The open providers and their connections."""

    def __init__(self, tree: GatewayTree, tick: Callable[[], float]) -> None:
        self._settings, self._tick = tree.gateway, tick
        self._open: dict[str, Provider] = {}

    async def send(self, call: Call, target: Target) -> Answer:
        """Send a call once to where its target is."""
        provider = self._open.get(target.speech)
        if provider is None:
            provider = self.use(target.speech, _load(PROVIDERS[target.speech]))
        try:
            if target.speech == "openai" and call.wire != "messages" and not call.stream:
                # It sees to the deadline itself where it has to wait: a timer for each call costs.
                return await provider.send(call, target)
            async with asyncio.timeout(max(0.0, call.deadline - self._tick())):
                if call.wire == "messages" and target.speech != "anthropic":
                    bridged: Answer = await _load(BRIDGE)(provider.send, call, target)
                    return bridged
                return await provider.send(call, target)
        except TimeoutError:
            billed: Billed = "unknown" if call.attempts else "no"
            raise unreachable(
                f"{target.name}: no answer within the time this call may take",
                status=504,
                billed=billed,
            ) from None

    def use(self, speech: str, make: Callable[..., Provider]) -> Provider:
        """Open a provider for a way of speaking, in place of the usual one."""
        limit = self._settings.answer_limit_kib * 1024
        provider = make(self.pools, self._tick, limit)
        self._open[speech] = provider
        return provider

    @cached_property
    def pools(self) -> Pools:
        """The connections; the client is loaded when something is first sent."""
        from buildwright.gateway.providers.pools import Pools

        return Pools(self._settings.timeouts, self._settings.concurrency)

    async def close(self) -> None:
        """Close providers and connections."""
        for provider in self._open.values():
            await provider.close()
        if "pools" in self.__dict__:
            await self.pools.close()


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
