"""Micro-batching: embedding calls that arrive together are one upstream call.

Each call keeps its own row, reservation and limits; the usage of the one upstream call is divided
among them by their estimated tokens, to the token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from buildwright.core.ledger import TokenUsage
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError, unreachable
from buildwright.gateway.policies import Sender
from buildwright.gateway.targets import Target

WINDOW_S = 0.001
MOST_INPUTS = 256


@dataclass
class _Group:
    """Calls that leave together."""

    calls: list[Call] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    answers: list[asyncio.Future[Answer]] = field(default_factory=list)


class Embedding:
    """Gathers embedding calls of one tenant to one target with equal parameters."""

    def __init__(self, inner: Sender) -> None:
        self._inner = inner
        self._open: dict[tuple[str, str, bytes], _Group] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def send(self, call: Call, target: Target) -> Answer:
        """Send a call, maybe with others; raises GatewayError."""
        texts = _texts(call)
        if texts is None:
            return await self._inner(call, target)
        rest = {name: value for name, value in call.body.items() if name != "input"}
        name = (target.name, call.caller.tenant, orjson.dumps(rest, option=orjson.OPT_SORT_KEYS))
        group = self._open.get(name)
        if group is None or len(group.inputs) + len(texts) > MOST_INPUTS:
            group = self._open[name] = _Group()
            task = asyncio.get_running_loop().create_task(self._leave(name, group, target))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        group.calls.append(call)
        group.inputs += texts
        group.answers.append(answer)
        return await answer

    async def _leave(self, name: tuple[str, str, bytes], group: _Group, target: Target) -> None:
        await asyncio.sleep(WINDOW_S)
        if self._open.get(name) is group:
            del self._open[name]
        try:
            answers = await self._together(group, target)
        except GatewayError as error:
            for waiting in group.answers:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        for waiting, answer in zip(group.answers, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)

    async def _together(self, group: _Group, target: Target) -> list[Answer]:
        first = group.calls[0]
        if len(group.calls) == 1:
            return [await self._inner(first, target)]
        body = {**first.body, "input": group.inputs}
        whole = Call(first.id, "embeddings", body, first.caller, first.at, first.tick)
        whole.deadline = min(call.deadline for call in group.calls)
        whole.input_tokens = sum(call.input_tokens for call in group.calls)
        answer = await self._inner(whole, target)
        return _divided(group.calls, whole, answer)


def _texts(call: Call) -> list[str] | None:
    given = call.body.get("input") if call.wire == "embeddings" else None
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return None
    return texts if 0 < len(texts) < MOST_INPUTS else None


def _divided(calls: Sequence[Call], whole: Call, answer: Answer) -> list[Answer]:
    told: dict[str, Any] = orjson.loads(answer.body)
    rows = sorted(told.get("data") or [], key=lambda row: int(row.get("index", 0)))
    counts = [len(_texts(call) or ()) for call in calls]
    if len(rows) != sum(counts):
        raise unreachable("the upstream gave another number of vectors", billed="unknown")
    shares = divided(whole.usage.fresh_input, [call.input_tokens for call in calls])
    answers, start = [], 0
    for call, count, tokens in zip(calls, counts, shares, strict=True):
        mine = [{**row, "index": place} for place, row in enumerate(rows[start : start + count])]
        start += count
        call.attempts += 1
        call.upstream_s += whole.upstream_s
        call.first_byte_s = whole.first_byte_s
        call.usage = TokenUsage(tokens, estimated=whole.usage.estimated)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        body = orjson.dumps({**told, "data": mine, "usage": usage})
        answers.append(Answer(body, usage=call.usage))
    return answers


def divided(total: int, weights: Sequence[int]) -> list[int]:
    """Return whole shares of `total` by weight that sum to it exactly."""
    whole, shares, seen = max(1, sum(weights)), [], 0
    before = 0
    for weight in weights:
        seen += weight
        upto = total * seen // whole
        shares.append(upto - before)
        before = upto
    shares[-1] += total - sum(shares)
    return shares
