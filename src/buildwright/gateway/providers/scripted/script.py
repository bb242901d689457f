"""What a script is, and how it writes files in both formats the agent takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from buildwright.core.chat import ChatReply, ChatRequest, ToolCall


@dataclass(frozen=True, slots=True)
class Reference:
    """Right and wrong contents by path."""

    right: Mapping[str, str]
    wrong: Mapping[str, str]


class Script(Protocol):
    """Plays one part."""

    def answer(self, request: ChatRequest, turn: int, seed: int) -> ChatReply:
        """Return the reply to the `turn`-th call (from 1), or raise ModelError.

        `seed` depends on the call's key and messages only: a replayed call gets the same reply.
        """
        ...


def write_files(request: ChatRequest, files: Mapping[str, str]) -> ChatReply:
    """Write whole files: by tool calls where the request has tools, else as text."""
    if request.tools:
        if _just_wrote(request):
            return ChatReply("Done.")
        calls = tuple(
            ToolCall(
                f"call_{number}",
                "file_operation",
                json.dumps({"action": "write", "path": path, "content": content}),
            )
            for number, (path, content) in enumerate(files.items(), start=1)
        )
        return ChatReply("", calls, "tool_calls")
    return ChatReply("\n".join(file_block(path, content) for path, content in files.items()))


def file_block(path: str, content: str) -> str:
    """Return a whole file as text: its path on a line, then a fenced block."""
    fence = "```"
    while fence in content:
        fence += "`"
    ending = "" if content.endswith("\n") else "\n"
    return f"{path}\n{fence}\n{content}{ending}{fence}\n"


def _just_wrote(request: ChatRequest) -> bool:
    return bool(request.messages) and request.messages[-1].role == "tool"
