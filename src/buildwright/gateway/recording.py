"""Recording a build's calls as the build sees them, and a gateway that plays them again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from buildwright.core.gateway_settings import GatewayTree, ModelSettings, ProviderSettings
from buildwright.core.redact import Redactor
from buildwright.gateway.call import Answer, Call, End
from buildwright.gateway.cassette import Cassette, Recorded, read_cassette
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.opening import open_gateway
from buildwright.gateway.pipeline import Gateway

TOLD = ("status", "kind", "error_code", "message", "param", "again", "retry_after_s")


class RecordingGateway(Gateway):
    """Answers like the gateway it is made from, and writes every call to a cassette.

    It records outside all policies: an answer of the cache or the ledger is recorded like one of
    a provider, and a retry inside a call is not seen.
    """

    def __init__(self, inner: Gateway, cassette: Cassette, redact: Redactor) -> None:
        # Everything is shared with the gateway it is made from; only `handle` is another one.
        vars(self).update(vars(inner))
        self._inner, self._cassette, self._redact = inner, cassette, redact

    async def handle(self, call: Call) -> Answer:
        """Answer one call of any wire; raises GatewayError."""
        key, request = call.key, dict(call.body)
        try:
            answer = await self._inner.handle(call)
        except GatewayError as error:
            self._add(call, key, request, b"", _told(error))
            raise
        if answer.frames is None:
            self._add(call, key, request, answer.body, None)
        else:
            answer.frames = self._heard(call, answer, key, request)
        return answer

    def _heard(
        self, call: Call, answer: Answer, key: str, request: dict[str, Any]
    ) -> AsyncGenerator[bytes, None]:
        blocks: list[bytes] = []
        told: list[dict[str, Any]] = []

        def ended(how: End) -> None:
            if how != "left":
                self._add(call, key, request, b"".join(blocks), told[0] if told else None)

        answer.endings.append(ended)
        assert answer.frames is not None  # noqa: S101 - only streams come here
        return _kept(answer.frames, blocks, told)

    def _add(
        self, call: Call, key: str, request: dict[str, Any], answer: bytes, error: Any
    ) -> None:
        recorded = Recorded(
            key=key,
            request=request,
            answer=answer,
            stream=call.stream,
            model=call.target.name if call.target else call.asked,
            usage=call.usage,
            cost_nano=call.repeated_nano or call.cost_nano,
            error=error,
        )
        self._cassette.add(recorded, self._redact)


async def _kept(
    frames: AsyncGenerator[bytes, None], blocks: list[bytes], told: list[dict[str, Any]]
) -> AsyncGenerator[bytes, None]:
    try:
        async for block in frames:
            blocks.append(block)
            yield block
    except GatewayError as error:
        told.append(_told(error))
        raise


def _told(error: GatewayError) -> dict[str, Any]:
    return {name: getattr(error, name) for name in TOLD}


@asynccontextmanager
async def open_replay(gateway: Gateway, folder: Path) -> AsyncIterator[Gateway]:
    """Yield a gateway that answers from a cassette only; it shares the ledger, nothing is sent.

    Raises UsageError for a folder that holds no cassette.
    """
    tree = replay_tree(gateway.tree, folder)
    async with open_gateway(tree, gateway.ledger, around=gateway.around) as replaying:
        yield replaying


def replay_tree(tree: GatewayTree, folder: Path) -> GatewayTree:
    """Return settings in which the recorded model is the only one, and its provider the cassette.

    The cache is off: equal requests may have had different answers.
    """
    cassette = read_cassette(folder)
    usual = tree.gateway
    gateway = replace(
        usual, aliases={}, routes={}, limits=(), cache=replace(usual.cache, enabled=False)
    )
    row = ProviderSettings(url=str(folder), wire="replay", free=True)  # type: ignore[arg-type]
    model = ModelSettings(f"replay/{cassette.model}", free=True, tools=cassette.tools)
    return GatewayTree(tree.home, {cassette.model: model}, {"replay": row}, gateway)
