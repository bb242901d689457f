"""Batches for users of the Python package: settings are read and the gateway opened for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from buildwright import __version__
from buildwright.app.gateway import open_gateway_service
from buildwright.core.quick_settings import load_gateway_tree
from buildwright.services.batch import LLMRequest, LLMResponse, Processor, Progress

if TYPE_CHECKING:
    from buildwright.core.gateway_settings import GatewayTree


class AsyncLLMProcessor:
    """Answers many requests, some at a time, through the gateway of the user's settings.

        processor = AsyncLLMProcessor(max_concurrent=5, batch_size=10)
        answers = await processor.process_batch([LLMRequest(prompt="...", model="ollama/qwen3")])

    `tree` replaces the settings. Raises SettingsError, DiskError or StoreError when the gateway
    cannot be opened; a request that fails is an answer with status "error".
    """

    def __init__(
        self, max_concurrent: int = 5, batch_size: int = 10, *, tree: GatewayTree | None = None
    ) -> None:
        self._max_concurrent, self._batch_size, self._tree = max_concurrent, batch_size, tree

    async def process_batch(
        self,
        requests: Iterable[LLMRequest],
        *,
        batch_id: str = "",
        progress: Progress | None = None,
    ) -> list[LLMResponse]:
        """Return the answers in the order of the requests.

        With a `batch_id` a second run, after a crash too, takes finished answers from the ledger.
        """
        answers = [one async for one in self.stream_batch(requests, batch_id, progress)]
        return sorted(answers, key=lambda one: one.index)

    async def stream_batch(
        self,
        requests: Iterable[LLMRequest],
        batch_id: str = "",
        progress: Progress | None = None,
    ) -> AsyncIterator[LLMResponse]:
        """Yield answers as they come."""
        tree = self._tree or load_gateway_tree({}, config=None, version=__version__)
        async with open_gateway_service(tree) as service:
            processor = Processor(
                service.gateway, max_concurrent=self._max_concurrent, batch_size=self._batch_size
            )
            async for answer in processor.stream_batch(requests, batch_id, progress):
                yield answer
