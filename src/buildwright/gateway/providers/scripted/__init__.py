"""Scripted models: they speak through the same port as real ones and are no models at all.

They ship so that the agent, its bounds and the verdict can be tried without a model: a right
answer, one that is right with a probability, and several kinds of bad company. Every name is
`NAME` or `NAME:ARGUMENT`; see `SCRIPTS`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from buildwright.core.chat import ChatReply, ChatRequest, Usage
from buildwright.core.errors import SettingsError, UnknownNameError
from buildwright.gateway.models import ResolvedModel
from buildwright.gateway.providers.openai_wire import estimated_usage
from buildwright.gateway.providers.scripted.adversaries import Cheater, Mute, Saboteur, Spender
from buildwright.gateway.providers.scripted.oracles import FlakyOracle, Oracle
from buildwright.gateway.providers.scripted.script import Reference, Script

__all__ = ["SCRIPTS", "Reference", "Scripted", "make_scripted", "read_reference"]

SCRIPTS: dict[str, Callable[[Reference, str], Script]] = {
    "oracle": Oracle,
    "flaky-oracle": FlakyOracle,
    "saboteur": Saboteur,
    "cheater": Cheater,
    "spender": Spender,
    "mute": Mute,
}
"""Name -> what plays it; the text after a colon is its argument."""


class Scripted:
    """A provider that plays a script; each call is one turn."""

    def __init__(self, model: ResolvedModel, script: Script) -> None:
        self._model, self._script = model, script
        self._turn = 0

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the script's next line with an estimated usage."""
        self._turn += 1
        said = "".join(message.content for message in request.messages)
        digest = hashlib.blake2b(f"{request.key}\n{said}".encode("utf-8", "replace"), digest_size=8)
        seed = int.from_bytes(digest.digest(), "big")
        reply = self._script.answer(request, self._turn, seed)
        answer = reply.text + "".join(call.arguments for call in reply.tool_calls)
        usage: Usage = estimated_usage(request, answer)
        cost = self._model.cost_usd(usage.input_tokens, usage.output_tokens)
        return ChatReply(
            reply.text, reply.tool_calls, reply.finish_reason, usage, self._model.name, cost
        )

    async def close(self) -> None:
        """Nothing is open."""


def make_scripted(model: ResolvedModel, reference: Reference | None = None) -> Scripted:
    """Return a scripted provider; raises UnknownNameError or SettingsError."""
    name, _, argument = model.script.partition(":")
    if name not in SCRIPTS:
        raise UnknownNameError("script", name, SCRIPTS)
    if reference is None:
        reference = read_reference(model.reference) if model.reference else Reference({}, {})
    return Scripted(model, SCRIPTS[name](reference, argument))


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
