"""A call of the Anthropic wire to an upstream that does not speak it, by way of the OpenAI wire.

What is behind the bridge sees a chat call; cache, ledger and limits in front of it see the client's
own wire.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import orjson

from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import unreachable
from buildwright.gateway.policies import Sender
from buildwright.gateway.targets import Target
from buildwright.gateway.translate.answers import message_answer
from buildwright.gateway.translate.chat_request import chat_request
from buildwright.gateway.translate.events import Events

NOTED = ("attempts", "usage", "first_byte_s", "upstream_s")


async def send_as_chat(send: Sender, call: Call, target: Target) -> Answer:
    """Send a call of the Anthropic wire as a chat call; raises GatewayError."""
    limit = "max_completion_tokens" if target.provider == "openai" else "max_tokens"
    inner = copy.copy(call)
    inner.wire, inner.body = "chat", chat_request(call.body, limit)
    try:
        answer = await send(inner, target)
    finally:
        _note(inner, call)
    if answer.frames is not None:
        return Answer(frames=_events(call, inner, target, answer.frames), usage=answer.usage)
    return Answer(_message(call, target, answer.body), usage=answer.usage)


def _note(inner: Call, call: Call) -> None:
    for name in NOTED:
        setattr(call, name, getattr(inner, name))


def _message(call: Call, target: Target, body: bytes) -> bytes:
    try:
        return orjson.dumps(message_answer(orjson.loads(body), call.usage, call.id))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        error = unreachable(f"{target.name}: the answer is not of this wire", billed="unknown")
        error.usage = call.usage
        raise error from None


async def _events(
    call: Call, inner: Call, target: Target, frames: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    events = Events(call.id, target.name)
    try:
        async with aclosing(cast("Any", frames)) as blocks:
            async for block in blocks:
                made = events.of(block)
                if made:
                    yield made
    except (ValueError, TypeError, AttributeError):
        raise unreachable(
            f"{target.name}: the stream holds malformed JSON", billed="unknown"
        ) from None
    finally:
        _note(inner, call)
    # The upstream's stream is settled by now, so this is the usage that is paid for.
    yield events.end(call.usage)
