"""One model call that yields edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from buildwright.core.chat import ChatRequest, Gateway, Message, ToolSpec
from buildwright.workflow.prompts import prompt
from buildwright.workflow.tools.tool import schema, text_of
from buildwright.workflow.workbench import Landing, Workbench


class CodeGenerationTool:
    """Asks a model for a change in the text format and lands it on a workbench."""

    spec = ToolSpec(
        "code_generation",
        "Ask a model to change the project as an instruction says.",
        schema(("instruction",), instruction={"type": "string"}),
    )

    def __init__(self, bench: Workbench, gateway: Gateway, request: ChatRequest) -> None:
        self._bench, self._gateway, self._request = bench, gateway, request

    async def run(self, arguments: Mapping[str, Any]) -> str:
        """Make one call; returns what changed or why nothing did."""
        landing = await self.generate(text_of(arguments, "instruction"))
        return landing.text if landing.landed else f"refused: {landing.text}"

    async def generate(self, instruction: str) -> Landing:
        """Make one call and land its edits whole or not at all."""
        system = prompt("system", format=prompt("format_text"))
        messages = (Message("system", system), Message("user", instruction))
        reply = await self._gateway.complete(replace(self._request, messages=messages, tools=()))
        return self._bench.take_answer(reply.text)
