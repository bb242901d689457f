"""What every call goes through, in the order of `buildwright.gateway.pipeline`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from buildwright.gateway.call import Answer, Call
from buildwright.gateway.targets import Target

Handler = Callable[[Call], Awaitable[Answer]]
"""Answers a call or raises GatewayError; a policy wraps one and is one."""

Sender = Callable[[Call, Target], Awaitable[Answer]]
"""Sends a call to one target once, or raises GatewayError."""
