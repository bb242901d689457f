"""Scripted models: they speak through the same port as real ones and are no models at all.

They ship so that the agent, its bounds and the verdict can be tried without a model: a right
answer, one that is right with a probability, and several kinds of bad company. Every name is
`NAME` or `NAME:ARGUMENT`; see `SCRIPTS`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

import orjson

from buildwright.core.chat import ChatRequest
from buildwright.core.errors import ModelError, SettingsError, UnknownNameError
from buildwright.core.ledger import TokenUsage
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.chatform import answer_of, chunks_of, request_of
from buildwright.gateway.errors import GatewayError, unreachable
from buildwright.gateway.providers.pools import Pools
from buildwright.gateway.providers.scripted.adversaries import Cheater, Mute, Saboteur, Spender
from buildwright.gateway.providers.scripted.oracles import FlakyOracle, Oracle
from buildwright.gateway.providers.scripted.script import Reference, Script
from buildwright.gateway.targets import Target

__all__ = ["SCRIPTS", "Reference", "ScriptedProvider", "make_script", "read_reference", "seed_of"]

SCRIPTS: dict[str, Callable[[Reference, str], Script]] = {
    "oracle": Oracle,
    "flaky-oracle": FlakyOracle,
    "saboteur": Saboteur,
    "cheater": Cheater,
    "spender": Spender,
    "mute": Mute,
}
"""Name -> what plays it; the text after a colon is its argument."""


class ScriptedProvider:
    """Plays scripts; each call is one turn of its target's script."""

    def __init__(
        self,
        _pools: Pools,
        tick: Callable[[], float],
        answer_limit: int,
        reference: Reference | None = None,
    ) -> None:
        self._tick, self._limit, self._reference = tick, answer_limit, reference
        self._scripts: dict[str, Script] = {}
        self._turns: Counter[str] = Counter()

    async def send(self, call: Call, target: Target) -> Answer:
        """Return the script's next line with an estimated usage; raises GatewayError."""
        call.attempts += 1
        request = request_of({**call.body, "model": target.model}, call.key)
        self._turns[target.name] += 1
        try:
            reply = self._script_of(target).answer(
                request, self._turns[target.name], seed_of(request)
            )
        except ModelError as error:
            raise _refusal(error) from error
        said = reply.text + "".join(tool.arguments for tool in reply.tool_calls)
        if len(said) > self._limit:
            raise unreachable(f"{target.name}: the answer is larger than {self._limit} bytes")
        call.usage = TokenUsage(
            fresh_input=call.input_tokens, output=-(-len(said.encode()) // 3), estimated=True
        )
        named = replace(reply, model=target.name)
        answer = answer_of(named, call.usage, call.id, call.at)
        if not call.stream:
            return Answer(orjson.dumps(answer), usage=call.usage)
        wants_usage = bool((call.body.get("stream_options") or {}).get("include_usage"))
        return Answer(frames=_one(chunks_of(answer, with_usage=wants_usage)))

    async def close(self) -> None:
        """Nothing is open."""

    def _script_of(self, target: Target) -> Script:
        if target.name not in self._scripts:
            self._scripts[target.name] = make_script(target, self._reference)
        return self._scripts[target.name]


def _refusal(error: ModelError) -> GatewayError:
    made = unreachable(error.message)
    made.again, made.retry_after_s = error.again, error.retry_after_s
    return made


async def _one(block: bytes) -> AsyncGenerator[bytes, None]:
    yield block


def seed_of(request: ChatRequest) -> int:
    """Return a number that depends on a call's key and messages only."""
    said = "".join(message.content for message in request.messages)
    digest = hashlib.blake2b(f"{request.key}\n{said}".encode("utf-8", "replace"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def make_script(target: Target, reference: Reference | None = None) -> Script:
    """Return what plays a target; raises UnknownNameError or SettingsError."""
    name, _, argument = target.script.partition(":")
    if name not in SCRIPTS:
        raise UnknownNameError("script", name, SCRIPTS)
    if reference is None:
        reference = read_reference(target.reference) if target.reference else Reference({}, {})
    return SCRIPTS[name](reference, argument)


def read_reference(path: Path) -> Reference:
    """Read `{"right": {path: text}, "wrong": {path: text}}`; raises SettingsError."""
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
        return Reference(dict(loaded["right"]), dict(loaded.get("wrong", {})))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"reference {str(path)!r} of a scripted model cannot be read: {error}",
            next_step='write {"right": {"path": "text"}, "wrong": {"path": "text"}}',
        ) from error
