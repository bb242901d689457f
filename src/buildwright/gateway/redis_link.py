"""One connection to Redis for limits and cache, which never holds a call up.

Questions of all calls share it in order. One that is not answered within `DEADLINE_S` breaks the
link: everything that waits is given up at once, nothing more is asked, and a task in the background
probes until Redis takes writes in time again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from buildwright.core.errors import SettingsError

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

LOG = logging.getLogger("buildwright.gateway.redis")
DEADLINE_S = 0.02
GRACE_S = 0.004
"""Given once more before the link is broken, for answers that wait behind a busy loop of ours.

A call waits for two answers at most, so Redis delays none by more than 50 ms."""
CONNECT_S = 1.0
PROBE_S = 2.0
PROBE_KEY = "buildwright:probe"


class RedisAwayError(Exception):
    """Redis did not answer in time, or is known not to; the caller goes on without it."""


class RedisLink:
    """A link that is up, or down and probed every `probe_s` seconds.

    `fallback` tells that limits and cache are in memory now; `errors_total` counts how often the
    link broke or Redis refused. Raises SettingsError when the package or the address is no good.
    """

    def __init__(self, url: str, probe_s: float = PROBE_S) -> None:
        self._make, self._errors = _connections(url), _errors()
        self._probe_s = probe_s
        self._connection: AbstractConnection | None = None
        self._waiting: deque[tuple[asyncio.Future[Any] | None, float]] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._broken = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.errors_total = 0
        self.returning: list[Callable[[], Awaitable[None]]] = []

    @property
    def fallback(self) -> bool:
        """True while Redis is not used."""
        return self._connection is None

    async def open(self) -> None:
        """Connect when Redis is there; else say so and go on probing."""
        if not await self._connect():
            self.errors_total += 1
            LOG.warning("redis is not usable; limits and cache are in memory until it is")
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def ask(self, *command: bytes | str | float) -> Any:
        """Return the answer to a command; raises RedisAwayError within the deadline."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        await self._send(command, answer)
        return await answer

    async def tell(self, *command: bytes | str | float) -> None:
        """Send a command whose answer nobody waits for; raises RedisAwayError when down."""
        await self._send(command, None)

    async def close(self) -> None:
        """Stop probing and close the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        connection, self._connection = self._connection, None
        self._give_up()
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _send(
        self, command: tuple[bytes | str | float, ...], answer: asyncio.Future[Any] | None
    ) -> None:
        connection = self._connection
        if connection is None:
            raise RedisAwayError("down")
        loop = asyncio.get_running_loop()
        self._waiting.append((answer, loop.time()))
        if self._watch is None:
            self._watch_until(loop.time() + DEADLINE_S)
        try:
            packed = connection.pack_command(*command)
            await connection.send_packed_command(packed, check_health=False)
        except self._errors as error:
            if answer is not None:
                answer.cancel()
            self._break(connection, type(error).__name__)
            raise RedisAwayError("cut") from error

    def _look(self, due: float) -> None:
        """See whether what was asked first has waited too long; `due` is when this was to run."""
        self._watch = None
        connection = self._connection
        if connection is None or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        now, over = loop.time(), self._waiting[0][1] + DEADLINE_S
        if now < over:
            self._watch_until(over)
        elif now < over + GRACE_S or now - due > GRACE_S:
            # The answer may be here and wait behind a busy loop of ours.
            self._watch_until(now + GRACE_S)
        else:
            self._break(connection, "no answer in time")

    def _watch_until(self, due: float) -> None:
        self._watch = asyncio.get_running_loop().call_at(due, self._look, due)

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            try:
                reply = await connection.read_response(disable_decoding=True)
            except self._errors as error:
                # A refusal breaks the link too: out of memory, read-only, no permission.
                self._break(connection, type(error).__name__)
                return
            if connection is not self._connection:
                return
            if not self._waiting:
                self._break(connection, "an answer that nobody asked for")
                return
            answer, _ = self._waiting.popleft()
            if answer is not None and not answer.done():
                answer.set_result(reply)

    def _break(self, connection: AbstractConnection, why: str) -> None:
        if connection is not self._connection:
            return
        LOG.warning("redis: %s; limits and cache are in memory until it is back", why)
        self._connection = None
        self.errors_total += 1
        self._give_up()
        self._broken.set()

    def _give_up(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        while self._waiting:
            answer, _ = self._waiting.popleft()
            if answer is not None and not answer.done():
                answer.set_exception(RedisAwayError("given up"))

    async def _keep(self) -> None:
        while True:
            if self._connection is not None:
                await self._serve(self._connection)
            await asyncio.sleep(self._probe_s)
            await self._connect()

    async def _serve(self, connection: AbstractConnection) -> None:
        """Read what Redis answers until the link breaks."""
        reader = asyncio.get_running_loop().create_task(self._read(connection))
        try:
            for tell in self.returning:
                await tell()
            await self._broken.wait()
        finally:
            reader.cancel()
            await asyncio.wait([reader])
            await connection.disconnect(nowait=True)

    async def _connect(self) -> bool:
        """Connect and see that a write is answered in time."""
        connection = self._make()
        self._broken.clear()
        try:
            async with asyncio.timeout(CONNECT_S):
                await connection.connect_check_health(
                    check_health=False, retry_socket_connect=False
                )
            async with asyncio.timeout(DEADLINE_S + GRACE_S):
                await connection.send_command("SET", PROBE_KEY, 1, "PX", 1000, check_health=False)
                await connection.read_response()
        except self._errors as error:
            LOG.debug("redis: probe failed: %s", type(error).__name__)
            await connection.disconnect(nowait=True)
            return False
        self._connection = connection
        return True


def _connections(url: str) -> Callable[[], AbstractConnection]:
    try:
        from redis.asyncio.connection import Connection, parse_url
    except ImportError:
        raise SettingsError(
            "gateway.redis_url is set, but the Python package redis is not installed",
            next_step="pip install 'buildwright[redis]', or take redis_url out",
        ) from None
    try:
        given: dict[str, Any] = dict(parse_url(url))
    except ValueError:
        # The address may hold a password, so it is not shown.
        raise SettingsError(
            "gateway.redis_url is no address of Redis",
            next_step="expected redis://HOST:PORT/DB, rediss://... or unix:///PATH",
        ) from None
    kind = given.pop("connection_class", Connection)
    # The link keeps time itself, and an idle connection is no fault.
    given["socket_timeout"] = None
    return lambda: kind(**given)


def _errors() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return (RedisError, OSError, TimeoutError)
