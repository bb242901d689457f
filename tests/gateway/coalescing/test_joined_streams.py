"""Equal streams in flight are one upstream call, whoever comes, goes, or stops reading."""

from __future__ import annotations

import asyncio

from tests.clients.answers import COST_NANO
from tests.gateway.coalescing.joining import Shared

COALESCED = "hit; detail=coalesced"
WHOLE, LEFT, CUT = (200, ""), (499, "left"), (502, "cut")
SURELY_MORE = 200
"""Words that no client is read ahead of."""


async def test_who_joins_gets_every_frame_from_the_first_on(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    spoken.say(1)
    await first.has(3)
    await second.has(3)
    assert second.got == first.got == spoken.whole
    spoken.finish()
    assert (await first.done(), await second.done()) == ("complete", "complete")
    assert second.got == first.got
    assert first.got.endswith(b"data: [DONE]\n\n")
    assert len(it.model.requests) == 1


async def test_who_joins_pays_nothing_and_is_counted_once(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    spoken.finish()
    await first.done()
    await second.done()
    (row,) = await it.rows()
    assert (row.intent.id, row.status) == (first.call.id, "done")
    assert await it.money() == (COST_NANO, 0)
    assert it.ends() == {
        first.call.id: (*WHOLE, "fwd=miss", COST_NANO),
        second.call.id: (*WHOLE, COALESCED, 0),
    }
    assert it.idle()


async def test_the_first_may_leave_while_others_listen(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    await first.leave()
    assert it.told == []
    spoken.say(1)
    await second.has(3)
    spoken.finish()
    assert await second.done() == "complete"
    assert second.got.startswith(spoken.whole)
    (row,) = await it.rows()
    assert row.settlement is not None
    assert (row.status, row.settlement.error, row.settlement.http_status) == ("done", "", 200)
    assert await it.money() == (COST_NANO, 0)
    assert it.ends() == {
        first.call.id: (*LEFT, "fwd=miss", COST_NANO),
        second.call.id: (*WHOLE, COALESCED, 0),
    }
    assert it.idle()


async def test_one_more_may_join_after_the_first_has_left(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    await first.leave()
    third = it.client()
    await third.has(2)
    await second.leave()
    spoken.finish()
    assert await third.done() == "complete"
    assert third.got.startswith(spoken.whole)
    assert (len(it.model.requests), len(await it.rows())) == (1, 1)
    assert [one.status for one in it.told].count(499) == 2


async def test_who_joined_may_leave_and_disturbs_nobody(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    await second.leave()
    assert it.ends() == {second.call.id: (*LEFT, COALESCED, 0)}
    spoken.say(1)
    spoken.finish()
    assert await first.done() == "complete"
    assert await it.money() == (COST_NANO, 0)
    assert it.ends()[first.call.id] == (*WHOLE, "fwd=miss", COST_NANO)


async def test_when_all_have_left_the_upstream_call_is_closed(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    await first.leave()
    await second.leave()
    async with asyncio.timeout(5):
        await spoken.left.wait()
    (row,) = await it.rows()
    assert row.settlement is not None
    assert (row.status, row.settlement.error) == ("done", "client_left")
    assert row.settlement.usage.estimated
    assert await it.money() == (row.settlement.cost_nano, 0)
    assert it.ends() == {
        first.call.id: (*LEFT, "fwd=miss", row.settlement.cost_nano),
        second.call.id: (*LEFT, COALESCED, 0),
    }
    assert it.idle()


async def test_a_stream_that_all_have_left_is_joined_by_nobody(it: Shared) -> None:
    spoken, again = it.speaking(), it.speaking()
    first, second = await it.two(spoken)
    first.task.cancel()
    second.task.cancel()
    third = it.client()
    again.finish()
    assert await third.done() == "complete"
    assert third.call.cache_status == "fwd=miss"
    assert len(it.model.requests) == 2


async def test_a_cut_is_told_to_all_and_stays_in_doubt_once(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    spoken.cut()
    assert (await first.done(), await second.done()) == ("cut", "cut")
    assert second.got == first.got == spoken.whole
    assert first.error is not None
    assert second.error is not None
    assert second.error.message == first.error.message
    (row,) = await it.rows()
    assert (row.status, await it.money()) == ("in_doubt", (0, first.call.bound_nano))
    assert it.ends() == {
        first.call.id: (*CUT, "fwd=miss", 0), second.call.id: (*CUT, COALESCED, 0),
    }  # fmt: skip
    (breaker,) = it.service.gateway.breakers.all().values()
    assert (breaker.counted, it.idle()) == ((1, 1), True)


async def test_a_cut_after_the_first_has_left_is_in_doubt(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    await first.leave()
    spoken.cut()
    assert await second.done() == "cut"
    (row,) = await it.rows()
    assert (row.status, await it.money()) == ("in_doubt", (0, first.call.bound_nano))


async def test_a_first_client_that_stops_reading_holds_up_nobody(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    first.reads.clear()
    spoken.say(1)
    await first.has(3)
    spoken.say(SURELY_MORE)
    spoken.finish()
    assert await second.done() == "complete"
    (row,) = await it.rows()
    assert (row.status, it.idle()) == ("done", True)
    assert len(first.got) < len(second.got) // 2
    first.reads.set()
    assert await first.done() == "complete"
    assert first.got == second.got
    assert len(await it.rows()) == 1


async def test_a_later_client_that_stops_reading_holds_up_nobody(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    second.reads.clear()
    spoken.say(1)
    await second.has(3)
    spoken.say(SURELY_MORE)
    spoken.finish()
    assert await first.done() == "complete"
    assert len(second.got) < len(first.got) // 2
    second.reads.set()
    assert await second.done() == "complete"
    assert second.got == first.got


async def test_the_next_equal_call_after_the_end_is_answered_from_the_cache(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    spoken.finish()
    await first.done()
    await second.done()
    third = it.client()
    assert await third.done() == "complete"
    assert third.call.cache_status.endswith("detail=exact")
    assert len(it.model.requests) == 1
