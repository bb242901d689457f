"""Time, ids and chance as one parameter, so that tests decide them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from buildwright.core.clock import new_build_id


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`now` is seconds since the epoch, `tick` monotonic seconds, `random` a share below 1."""

    now: Callable[[], float] = time.time
    tick: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    new_id: Callable[[], str] = new_build_id
