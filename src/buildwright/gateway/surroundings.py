"""Time, ids and chance as one parameter, so that tests decide them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from buildwright.core.clock import make_call_ids


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`now` is seconds since the epoch, `tick` monotonic seconds, `random` a share below 1."""

    now: Callable[[], float] = time.time
    tick: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    new_id: Callable[[], str] = field(default_factory=make_call_ids)
