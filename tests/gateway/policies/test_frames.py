"""Frames that several clients read, each at its own pace."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator

import pytest
from tests.gateway.policies.making import Upstream, call

from buildwright.gateway.call import Answer, Call
from buildwright.gateway.policies.coalescing import Coalescing
from buildwright.gateway.policies.frames import AHEAD, PIECE_BYTES, Frames, Reader
from buildwright.gateway.policies.sharing import NEAR, SharedStream


def keep(_reader: Reader) -> None:
    """Be told of one that left, and do nothing."""


async def quick(count: int, pulled: list[int]) -> AsyncGenerator[bytes, None]:
    """Yield frames that never have to be waited for."""
    for number in range(count):
        pulled.append(number)
        yield b"%d\n" % number


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("lets_go", [0, 1])
async def test_the_upstream_waits_for_a_client_that_is_alone(lets_go: int) -> None:
    pulled: list[int] = []
    flight = Coalescing(Upstream(Answer(frames=quick(100, pulled))).handle)
    answer = await flight.handle(equal(lets_go=bool(lets_go)))
    assert answer.frames is not None
    got = await anext(answer.frames)
    await turns()
    assert len(pulled) <= AHEAD + got.count(b"\n")
    async for frame in answer.frames:
        got += frame
    assert got.split() == [b"%d" % number for number in range(100)]


async def test_the_upstream_waits_when_all_are_slow_and_goes_on_with_the_fastest() -> None:
    pulled: list[int] = []
    frames = Frames()
    slow, fast = Reader(keep), Reader(keep)
    filling = asyncio.create_task(frames.fill(quick(100, pulled)))
    await turns()
    assert len(pulled) == AHEAD
    for_slow, for_fast = frames.told(slow), frames.told(fast)
    await anext(for_slow)
    while not filling.done():
        await anext(for_fast)
        await turns()
    assert len(pulled) == 100
    assert slow.place <= AHEAD


async def test_who_is_behind_gets_large_pieces_in_order() -> None:
    frames = Frames()
    frames.blocks += [b"%09d\n" % number for number in range(20_000)]
    frames.how = "complete"
    pieces = [piece async for piece in frames.told(Reader(keep))]
    assert b"".join(pieces) == b"".join(frames.blocks)
    assert len(pieces) == -(-len(b"".join(frames.blocks)) // (PIECE_BYTES + 4))
    assert max(map(len, pieces)) < PIECE_BYTES + 10


async def test_a_stream_that_was_given_up_never_looks_complete() -> None:
    frames = Frames()
    frames.blocks.append(b"x")
    frames.how = "left"
    told = frames.told(Reader(keep))
    assert await anext(told) == b"x"
    with pytest.raises(Exception, match="given up"):
        await anext(told)


async def test_a_reader_that_is_dropped_has_left() -> None:
    gone: list[Reader] = []
    reader = Reader(gone.append)
    del reader
    await turns(2)
    assert [one.gone for one in gone] == [True]


def equal(*, lets_go: bool = False) -> Call:
    made = call(stream=True)
    made.same, made.lets_go = "k", lets_go
    return made


@pytest.mark.parametrize(("behind", "asked"), [(NEAR, 1), (NEAR + AHEAD, 2)])
async def test_what_is_over_is_joined_only_while_the_first_has_little_to_read(
    behind: int, asked: int
) -> None:
    upstream = Upstream(*(Answer(frames=quick(behind + 1, [])) for _ in range(2)))
    flight = Coalescing(upstream.handle)
    first, second = await flight.handle(equal()), await flight.handle(equal())
    assert first.frames is not None
    assert second.frames is not None
    await anext(first.frames)
    whole = b"".join([frame async for frame in second.frames])
    third = await flight.handle(equal())
    assert third.frames is not None
    assert b"".join([frame async for frame in third.frames]) == whole
    assert upstream.calls == asked
    await first.frames.aclose()


@pytest.mark.parametrize("lets_go", [0, 1])
async def test_no_frames_wait_for_the_collector_of_garbage(lets_go: int) -> None:
    flight = Coalescing(Upstream(Answer(frames=quick(10, []))).handle)
    gc.collect()
    gc.disable()
    try:
        answer = await flight.handle(equal(lets_go=bool(lets_go)))
        assert answer.frames is not None
        assert [frame async for frame in answer.frames]
        answer.end("complete")
        del answer
        await turns(3)
        assert [one for one in gc.get_objects() if isinstance(one, SharedStream)] == []
    finally:
        gc.enable()


async def test_one_joined_after_the_last_frame_came_ends_the_call_as_whole() -> None:
    ends: list[str] = []
    inner = Answer(frames=quick(3, []))
    inner.endings.append(ends.append)
    flight = Coalescing(Upstream(inner).handle)
    first = await flight.handle(equal())
    assert first.frames is not None
    await anext(first.frames)
    await turns()
    assert ends == []
    second = await flight.handle(equal())
    assert ends == ["complete"]
    assert second.frames is not None
    assert b"".join([frame async for frame in second.frames]) == b"0\n1\n2\n"
    await first.frames.aclose()
    first.end("left")
    assert ends == ["complete"]
