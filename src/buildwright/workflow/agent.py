"""The loop in which a model changes a workbench: bounded in steps, money and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from buildwright.core.build import ModelWork
from buildwright.core.chat import ChatReply, ChatRequest, Gateway, Message, ToolSpec
from buildwright.core.errors import BudgetError, ModelError
from buildwright.workflow.prompts import prompt
from buildwright.workflow.repair import OVER_BUDGET
from buildwright.workflow.tools import Tool, run_tool
from buildwright.workflow.workbench import Workbench

STRIKES = 3
"""Answers in a row that bring nothing before an attempt ends."""
KEPT_CHARS = 8_000
"""Characters of an unusable answer that stay in the conversation."""
REFUSALS = ("refused", "argument")
TEMPERATURE_STEP = 0.3
"""Added for each attempt without progress, so that a model does not repeat itself."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one attempt; `out_of_time` is asked before each call."""

    max_steps: int
    max_tokens: int = 4096
    temperature: float = 0.0
    fresh: bool = False


@dataclass
class _Progress:
    """What an attempt has come to."""

    calls: int = 0
    cost_usd: float = 0.0
    strikes: int = 0
    repeated: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def ended(self, why: str) -> ModelWork:
        return ModelWork(self.calls, round(self.cost_usd, 8), why)


class Agent:
    """One attempt of one model on one workbench; `refused` names the budget that ended it."""

    def __init__(
        self, model: str, gateway: Gateway, bench: Workbench, tools: Mapping[str, Tool]
    ) -> None:
        self._model, self._gateway, self._bench, self._tools = model, gateway, bench, tools
        self._progress = _Progress()
        self.refused = ""

    async def work(self, task: str, key: str, bounds: Bounds) -> ModelWork:
        """Let the model work until it is done, strikes out, or meets a bound.

        Ends as `done`, `no_usable_answer`, `out_of_steps`, `over_budget` or `model_failed`.
        """
        how = prompt("format_tools" if self._tools else "format_text")
        messages = [Message("system", prompt("system", format=how)), Message("user", task)]
        for step in range(1, bounds.max_steps + 1):
            request = ChatRequest(
                self._model,
                tuple(messages),
                self._specs(),
                bounds.max_tokens,
                bounds.temperature,
                f"{key}.{step}",
                bounds.fresh,
            )
            try:
                reply = await self._gateway.complete(request)
            except BudgetError as error:
                self.refused = error.message
                return self._progress.ended(OVER_BUDGET)
            except ModelError as error:
                return self._progress.ended(f"model_failed: {error.message}")
            self._progress.calls += 1
            self._progress.cost_usd += reply.cost_usd
            more = await self._take(reply)
            if not more:
                return self._progress.ended("done")
            if self._progress.strikes >= STRIKES:
                return self._progress.ended("no_usable_answer")
            messages += more
        return self._progress.ended("out_of_steps")

    def _specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    async def _take(self, reply: ChatReply) -> list[Message]:
        """Use one reply; return what to add to the conversation, nothing when it is done."""
        if reply.tool_calls:
            return await self._run_tools(reply)
        if self._tools and self._bench.touched:
            return []
        landing = self._bench.take_answer(reply.text)
        if landing.landed:
            return []
        self._progress.strikes += 1
        cut = " (it was cut off at the limit of tokens)" if reply.finish_reason == "length" else ""
        again = prompt("again", reasons=landing.text + cut)
        return [Message("assistant", reply.text[:KEPT_CHARS] or "(empty)"), Message("user", again)]

    async def _run_tools(self, reply: ChatReply) -> list[Message]:
        said = [Message("assistant", reply.text[:KEPT_CHARS], reply.tool_calls)]
        before = hash(frozenset(self._bench.files.items()))
        useful = False
        for call in reply.tool_calls:
            mark = (call.name, call.arguments, before)
            self._progress.repeated[mark] = self._progress.repeated.get(mark, 0) + 1
            known = call.name in self._tools and self._progress.repeated[mark] == 1
            answer = await run_tool(self._tools, call)
            useful = useful or (
                known and not answer.startswith(("refused", "arguments", "argument"))
            )
            said.append(Message("tool", answer, tool_call_id=call.id))
        self._progress.strikes = 0 if useful else self._progress.strikes + 1
        return said
