"""The cache in memory against a plain model of it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from buildwright.gateway.cache import Entry, MemoryCache

Step = tuple[str, str, int]

ROOM = 3000
FULL = [("set", f"k{number}", 90) for number in range(12)]
KEYS = st.sampled_from([f"k{number}" for number in range(16)])
SET = st.tuples(st.just("set"), KEYS, st.integers(60, 110))
GET = st.tuples(st.just("get"), KEYS, st.just(0))
RARE = st.one_of(
    st.tuples(st.just("clear"), KEYS, st.just(0)),
    st.tuples(st.just("later"), st.just(""), st.integers(1, 40)),
)
STEPS = st.lists(st.one_of(SET, GET), max_size=20)


class Model:
    """What the cache has to hold, least recently used first."""

    def __init__(self) -> None:
        self.now = 0.0
        self.kept: OrderedDict[str, Entry] = OrderedDict()

    def get(self, key: str) -> Entry | None:
        """Return an entry that has not run out, as the newest."""
        entry = self.kept.get(key)
        if entry is not None and entry.until <= self.now:
            del self.kept[key]
            return None
        if entry is not None:
            self.kept.move_to_end(key)
        return entry

    def set(self, key: str, entry: Entry) -> None:
        """Keep an entry as the newest, and of all only what there is room for."""
        if entry.size <= ROOM * 0.1:
            self.kept.pop(key, None)
            self.kept[key] = entry
            while self.size > ROOM:
                self.kept.popitem(last=False)

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(entry.size for entry in self.kept.values())


async def held_to(model: Model, steps: list[Step]) -> None:
    """Do the steps to both; they have to agree after each."""
    cache = MemoryCache(ROOM, lambda: model.now)
    for what, key, number in steps:
        if what == "set":
            entry = Entry("t/m", b"x" * number, False, model.now, model.now + 60.0)
            model.set(key, entry)
            await cache.set(key, entry)
        elif what == "get":
            assert await cache.get(key) == model.get(key)
        elif what == "clear":
            assert await cache.clear(key) == (model.kept.pop(key, None) is not None)
        else:
            model.now += number
        stats = await cache.stats()
        assert (stats.keys, stats.memory_used) == (len(model.kept), model.size)
    for _, key, _ in [*FULL, *steps]:
        assert await cache.get(key) == model.get(key)


@given(STEPS, st.lists(RARE, max_size=4), STEPS)
def test_the_least_recently_used_go_first_whatever_comes(
    steps: list[Step], rare: list[Step], more: list[Step]
) -> None:
    asyncio.run(held_to(Model(), [*FULL, *steps, *rare, *more]))
