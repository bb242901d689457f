"""What a tool is, and running one for a model: every fault becomes an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from buildwright.core.chat import ToolCall, ToolSpec
from buildwright.core.errors import BuildwrightError, UnknownNameError

MOST_CHARS = 20_000
"""Longest answer of a tool that is sent to a model."""


class Tool(Protocol):
    """A tool of the agent."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema of the arguments."""
        ...

    async def run(self, arguments: Mapping[str, Any]) -> str:
        """Do the work and return what the model shall read."""
        ...


async def run_tool(tools: Mapping[str, Tool], call: ToolCall) -> str:
    """Run a model's call; unknown tools, bad arguments and refusals are told, never raised."""
    if call.name not in tools:
        return str(UnknownNameError("tool", call.name, tools))
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError as error:
        return f"arguments of {call.name} are no JSON: {error}"
    if not isinstance(arguments, dict):
        return f"arguments of {call.name} must be an object"
    try:
        answer = await tools[call.name].run(arguments)
    except BuildwrightError as error:
        answer = f"{call.name} failed: {error}"
    return answer if len(answer) <= MOST_CHARS else f"{answer[:MOST_CHARS]}\n… cut"


def text_of(arguments: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return a text argument; raises BuildwrightError when it is missing or no text."""
    value = arguments.get(name, default)
    if not isinstance(value, str):
        raise BuildwrightError(f"argument {name!r} is {value!r}, expected text")
    return value


def schema(required: tuple[str, ...], **properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an object without other properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }
