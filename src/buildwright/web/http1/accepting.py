"""Taking connections, many in one turn of the loop.

uvloop takes one connection a turn, as libuv does since 1.46. While turns are long, under load, new
connections then wait until their clients try again after a second, which is how a busy server
becomes one that answers nobody. (ADR 0018)
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

LOG = logging.getLogger("buildwright.web")
MOST_A_TURN = 128
"""Taking one costs 17 us, so that many hold the loop up for 2 ms."""

PAUSE_S = 1.0
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Make = Callable[[], asyncio.BaseProtocol]


class Accepting:
    """Makes a protocol for every connection that a listening socket is asked for.

    When the process has no descriptor left it pauses; those that ask meanwhile wait in the backlog.
    """

    def __init__(self, listening: socket.socket, make: Make) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening, self._make = listening, make
        self._paused: asyncio.TimerHandle | None = None
        self._arriving: set[asyncio.Task[object]] = set()

    def begin(self) -> None:
        """Take connections from now on."""
        self._paused = None
        self._loop.add_reader(self._listening.fileno(), self._take)

    def end(self) -> None:
        """Take no more, and close the listening socket."""
        if self._paused is not None:
            self._paused.cancel()
        self._loop.remove_reader(self._listening.fileno())
        self._listening.close()

    def _take(self) -> None:
        for _ in range(MOST_A_TURN):
            try:
                taken, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._pause(error)
                return
            taken.setblocking(False)
            arrival = self._loop.create_task(self._arrive(taken))
            self._arriving.add(arrival)
            arrival.add_done_callback(self._arriving.discard)

    async def _arrive(self, taken: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, taken)
        except OSError:
            taken.close()

    def _pause(self, error: OSError) -> None:
        if error.errno not in EXHAUSTED:
            raise error
        LOG.error(
            "no connection can be taken for %s s: %s", PAUSE_S, error.strerror,
            extra={"event": "connections_exhausted"},
        )  # fmt: skip
        self._loop.remove_reader(self._listening.fileno())
        self._paused = self._loop.call_later(PAUSE_S, self.begin)
