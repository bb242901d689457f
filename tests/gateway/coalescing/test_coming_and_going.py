"""Clients come, go and stop reading at random moments of one stream."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.clients.answers import COST_NANO
from tests.gateway.coalescing.joining import Client, Shared, Spoken

STEPS = 60


class Crowd:
    """One stream and its clients; never are all of them gone before it ends."""

    def __init__(self, it: Shared, seed: int) -> None:
        self.it, self._seed = it, seed
        self._dice = random.Random(seed)  # noqa: S311 - a test
        self.spoken: Spoken = it.speaking()
        self.here: list[Client] = []
        self.gone: list[Client] = []

    async def live(self) -> None:
        await self._come()
        for _ in range(STEPS):
            await self._dice.choice(
                (self._come, self._go, self._speak, self._speak, self._pause, self._wait)
            )()
        for client in self.here:
            client.reads.set()

    async def _come(self) -> None:
        self.here.append(self.it.client(seed=self._seed))

    async def _go(self) -> None:
        # One that has not been asked for yet would leave the stream to the next one.
        begun = [client for client in self.here if client.got]
        if len(begun) > 1:
            client = self._dice.choice(begun)
            self.here.remove(client)
            self.gone.append(client)
            await client.leave()

    async def _speak(self) -> None:
        self.spoken.say(self._dice.randrange(1, 8))

    async def _pause(self) -> None:
        reads = self._dice.choice(self.here).reads
        if reads.is_set():
            reads.clear()
        else:
            reads.set()

    async def _wait(self) -> None:
        for _ in range(self._dice.randrange(20)):
            await asyncio.sleep(0)


def pulling() -> list[asyncio.Task[object]]:
    """Return the tasks that read an upstream for others."""
    return [task for task in asyncio.all_tasks() if "SharedStream" in repr(task.get_coro())]


@pytest.mark.parametrize("seed", range(25))
async def test_all_who_stay_get_the_same_bytes_of_one_call(it: Shared, seed: int) -> None:
    crowd = Crowd(it, seed)
    await crowd.live()
    crowd.spoken.finish()
    for client in crowd.here:
        assert await client.done() == "complete"
    for client in crowd.gone:
        assert await client.done() == "left"
    (whole,) = {client.got for client in crowd.here}
    assert whole.startswith(crowd.spoken.whole)
    assert whole.endswith(b"data: [DONE]\n\n")
    assert all(whole.startswith(client.got) for client in crowd.gone)
    assert len(it.model.requests) == 1
    assert [row.status for row in await it.rows()] == ["done"]
    assert await it.money() == (COST_NANO, 0)
    assert sorted(one.cost_nano for one in it.told)[-2:] == [0, COST_NANO]
    assert set(it.ends()) == {client.call.id for client in (*crowd.here, *crowd.gone)}
    assert (it.idle(), pulling()) == (True, [])


@pytest.mark.parametrize("seed", range(10))
async def test_all_who_stay_are_told_of_a_cut(it: Shared, seed: int) -> None:
    crowd = Crowd(it, seed)
    await crowd.live()
    crowd.spoken.cut()
    ends = {await client.done() for client in crowd.here}
    assert ends == ({"cut"} if crowd.spoken.whole else {None})
    assert {client.got for client in crowd.here} == {crowd.spoken.whole}
    assert [row.status for row in await it.rows()] == ["in_doubt"]
    assert (it.idle(), pulling(), len(it.told)) == (True, [], len(crowd.here) + len(crowd.gone))


@pytest.mark.parametrize("seed", range(10))
async def test_when_all_go_nothing_is_left_behind(it: Shared, seed: int) -> None:
    crowd = Crowd(it, seed)
    crowd.spoken.say(1)
    await crowd.live()
    for client in crowd.here:
        await client.has(1)
    await asyncio.gather(*(client.leave() for client in crowd.here))
    async with asyncio.timeout(5):
        await crowd.spoken.left.wait()
    for client in (*crowd.here, *crowd.gone):
        assert await client.done() == "left"
    (row,) = await it.rows()
    assert row.settlement is not None
    assert (row.status, row.settlement.error) == ("done", "client_left")
    assert await it.money() == (row.settlement.cost_nano, 0)
    assert set(it.ends()) == {client.call.id for client in (*crowd.here, *crowd.gone)}
    assert (it.idle(), pulling()) == (True, [])
