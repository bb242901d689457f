"""What is interrupted in the middle of a model call goes on when it is resumed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.gateway.model_server import ModelServer, serving
from tests.services.answering import answering
from tests.services.conftest import Open
from tests.services.test_batch import prompts, tree_of
from tests.services.test_models import wish
from tests.services.test_replay import BLOCK, _served

from buildwright import AsyncLLMProcessor
from buildwright.core.build import Outcome

pytestmark = [pytest.mark.build, pytest.mark.sandbox]


async def interrupted(task: asyncio.Task[object], asked: list[dict[str, object]]) -> None:
    """Cancel a task once a model was asked."""
    async with asyncio.timeout(60):
        while not asked:
            await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_build_that_was_interrupted_in_a_call_is_resumed_to_its_end(
    tmp_path: Path, opened: Open
) -> None:
    with serving(ModelServer(text=BLOCK, faults=["silent"])) as server:
        async with opened(**_served(server.url, tools=False)) as app:
            build = await app.builds.submit(wish(tmp_path))
            running = asyncio.ensure_future(app.builds.run(build.id))
            await interrupted(running, server.requests)
            done = await app.builds.resume(build.id)
            calls = [(call.key, call.status) for call in await app.builds.calls.list(build.id)]
            spent = await app.builds.calls.spent_usd(build.id)
    assert (done.outcome, done.reason) == (
        Outcome.PASSED,
        "tests passed and every must-have item has a passing test",
    )
    key = calls[0][0]
    assert calls == [(key, "done"), (f"{key}~left1", "done")]
    assert spent > 0.00018


async def test_a_batch_that_was_interrupted_in_a_line_goes_on_with_it(tmp_path: Path) -> None:
    with answering() as server:
        tree = tree_of(server, tmp_path)
        lines = prompts("quick", "hold this")
        first = AsyncLLMProcessor(tree=tree).process_batch(lines, batch_id="mine")
        task = asyncio.ensure_future(first)
        await asyncio.to_thread(server.held.wait, 30)
        await interrupted(task, server.requests)
        server.go.set()
        again = await AsyncLLMProcessor(tree=tree).process_batch(lines, batch_id="mine")
        asked = dict(server.asked)
    assert [(one.status, one.text) for one in again] == [
        ("success", "QUICK"),
        ("success", "HOLD THIS"),
    ]
    assert asked["hold this"] == 2
