"""What is said to a model and what comes back, in words every provider can be put into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "unknown"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to run a tool; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; `tool_call_id` names the call that a tool message answers."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool a model may call; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in disjoint buckets; `estimated` when the provider reported none."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call. `key` names it within its build, so that a finished one is never bought twice.

    `fresh` wants a new answer where an equal question was asked before: another attempt at what
    failed must not be given the answer that failed.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_tokens: int = 4096
    temperature: float = 0.0
    key: str = ""
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A finished answer and what it cost in US dollars."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    cost_usd: float = 0.0


class Gateway(Protocol):
    """The one way to a model; every call obeys the same limits."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the answer; raises ModelError, or BudgetError before anything is sent."""
        ...
