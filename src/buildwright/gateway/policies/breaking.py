"""A circuit breaker for each upstream: one that fails is left alone and probed by a single call."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

from buildwright.core.gateway_settings import BreakerSettings
from buildwright.gateway.call import Answer, Call, End
from buildwright.gateway.errors import GatewayError
from buildwright.gateway.policies import Sender
from buildwright.gateway.targets import Target

State = Literal["closed", "half_open", "open"]
FAULTS = ("upstream_error", "upstream_unavailable", "upstream_timeout")
"""Codes of errors that are the upstream's fault; refusals and rate limits are not."""
SLICES = 10


class Breaker:
    """Opens when the share of faults in the window is too high; seconds are monotonic.

    When `open_s` have passed one call probes: its success closes the breaker, its fault opens it
    again, and until it ends all others are refused.
    """

    def __init__(self, settings: BreakerSettings, tick: Callable[[], float]) -> None:
        self._settings, self._tick = settings, tick
        self._slices: deque[list[float]] = deque()
        self._calls = self._faults = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> State:
        """Closed, open, or half open (a probe may go or is on its way)."""
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._probing or self.wait_s() <= 0 else "open"

    @property
    def counted(self) -> tuple[int, int]:
        """Calls and faults in the window."""
        return self._calls, self._faults

    def wait_s(self) -> float:
        """Seconds until a probe may go; 0 when closed."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._settings.open_s - self._tick())

    def admit(self) -> bool:
        """Let a call through; every admitted call must be told of by `record` or `forget`."""
        if self._opened_at is None:
            return True
        if self._probing or self.wait_s() > 0:
            return False
        self._probing = True
        return True

    def record(self, *, fault: bool) -> None:
        """Count how an admitted call ended."""
        if self._opened_at is not None:
            # Calls that were admitted before it opened end here too; only the probe decides.
            if self._probing:
                self._probing = False
                self._opened_at = self._tick() if fault else None
                self._clear()
            return
        self._count(fault=fault)
        settings = self._settings
        enough = self._calls >= settings.calls
        if fault and enough and self._faults / self._calls >= settings.share:
            self._opened_at = self._tick()
            self._clear()

    def forget(self) -> None:
        """An admitted call ended without a word on the upstream, e.g. its client left."""
        self._probing = False

    def _count(self, *, fault: bool) -> None:
        now, slices = self._tick(), self._slices
        if not slices or now - slices[-1][0] >= self._settings.window_s / SLICES:
            slices.append([now, 0, 0])
            self._forget_before(now - self._settings.window_s)
        newest = slices[-1]
        newest[1] += 1
        newest[2] += fault
        self._calls += 1
        self._faults += fault

    def _forget_before(self, at: float) -> None:
        while self._slices[0][0] < at:
            _, calls, faults = self._slices.popleft()
            self._calls -= int(calls)
            self._faults -= int(faults)

    def _clear(self) -> None:
        self._slices.clear()
        self._calls = self._faults = 0


class Breakers:
    """The breakers of all upstreams, made when first needed."""

    def __init__(self, settings: BreakerSettings, tick: Callable[[], float]) -> None:
        self._settings, self._tick = settings, tick
        self._by_upstream: dict[str, Breaker] = {}

    def of(self, target: Target) -> Breaker:
        """Return the breaker of a target's upstream."""
        breaker = self._by_upstream.get(target.upstream)
        if breaker is None:
            breaker = self._by_upstream[target.upstream] = Breaker(self._settings, self._tick)
        return breaker

    def all(self) -> dict[str, Breaker]:
        """Return upstream -> breaker."""
        return self._by_upstream

    def states(self) -> dict[str, State]:
        """Return upstream -> state, for health and metrics."""
        return {name: breaker.state for name, breaker in self._by_upstream.items()}


def make_breaking(inner: Sender, breakers: Breakers) -> Sender:
    """Refuse calls to an open upstream with 503 `upstream_open`, which a fallback may answer."""

    async def guard(call: Call, target: Target) -> Answer:
        breaker = breakers.of(target)
        if not breaker.admit():
            raise _open(target, breaker.wait_s())
        try:
            answer = await inner(call, target)
        except GatewayError as error:
            if error.error_code in FAULTS:
                breaker.record(fault=True)
            elif error.upstream:
                breaker.record(fault=False)
            else:
                breaker.forget()
            raise
        except BaseException:
            breaker.forget()
            raise
        if answer.frames is None:
            breaker.record(fault=False)
        else:
            answer.endings.append(lambda how: _ended(breaker, how))
        return answer

    return guard


def _ended(breaker: Breaker, how: End) -> None:
    breaker.record(fault=how == "cut")


def _open(target: Target, wait_s: float) -> GatewayError:
    return GatewayError(
        503,
        "api_error",
        "upstream_open",
        f"{target.provider} fails too often and is left alone for {wait_s:.0f} s",
        again=True,
        upstream=True,
        retry_after_s=max(1.0, wait_s),
    )
