"""A stream is kept in the cache when it came to its end, whoever of its clients was there."""

from __future__ import annotations

from tests.gateway.coalescing.joining import Client, Shared


async def asked_again(it: Shared) -> Client:
    """Return a client that asks for the same once more."""
    client = it.client()
    await client.done()
    return client


async def test_what_the_others_heard_to_its_end_is_kept(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    await first.leave()
    spoken.say(1)
    spoken.finish()
    assert await second.done() == "complete"
    again = await asked_again(it)
    assert again.call.cache_status.endswith("detail=exact")
    assert again.got.count(b"data: ") == second.got.count(b"data: ")
    assert len(it.model.requests) == 1


async def test_what_the_first_heard_to_its_end_is_kept_when_another_left(it: Shared) -> None:
    spoken = it.speaking()
    first, second = await it.two(spoken)
    await second.leave()
    spoken.finish()
    assert await first.done() == "complete"
    assert (await asked_again(it)).call.cache_status.endswith("detail=exact")


async def test_a_stream_that_nobody_joined_is_kept(it: Shared) -> None:
    spoken = it.speaking()
    first = it.client()
    spoken.say(2)
    spoken.finish()
    assert await first.done() == "complete"
    assert (await asked_again(it)).call.cache_status.endswith("detail=exact")


async def test_a_cut_is_not_kept_though_others_listened(it: Shared) -> None:
    spoken, again = it.speaking(), it.speaking()
    first, second = await it.two(spoken)
    await first.leave()
    spoken.cut()
    assert await second.done() == "cut"
    again.finish()
    assert (await asked_again(it)).call.cache_status == "fwd=miss"


async def test_what_all_have_left_is_not_kept(it: Shared) -> None:
    spoken, again = it.speaking(), it.speaking()
    first, second = await it.two(spoken)
    await first.leave()
    await second.leave()
    again.finish()
    assert (await asked_again(it)).call.cache_status == "fwd=miss"
    assert len(it.model.requests) == 2
