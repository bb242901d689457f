"""The OpenAI wire over HTTP, streamed; hostile answers end in one clear ModelError."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from buildwright.core.chat import ChatReply, ChatRequest, FinishReason, Message, ToolCall, Usage
from buildwright.core.errors import ModelError
from buildwright.gateway.models import ResolvedModel

if TYPE_CHECKING:
    import httpx2

MAX_ANSWER_BYTES = 16 << 20
MAX_LINE_BYTES = 4 << 20
_REASONS = ("stop", "length", "tool_calls", "content_filter")


@dataclass
class _Answer:
    """An answer as it comes together."""

    text: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    finish: FinishReason = "unknown"
    usage: Usage | None = None


class OpenAiWire:
    """One endpoint; one HTTP client for the life of the object."""

    def __init__(self, model: ResolvedModel, *, between_tokens_s: float = 60.0) -> None:
        self._model, self._between_s = model, between_tokens_s
        self._client: httpx2.AsyncClient | None = None

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Send one request and read its stream to the end; never retries."""
        answer = _Answer()
        async with self._sent(request) as lines:
            async for line in lines:
                if not _take(answer, line):
                    break
        if answer.finish == "unknown":
            raise ModelError(f"{self._model.name}: the answer was cut off", next_step="try again")
        return self._reply(request, answer)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    @asynccontextmanager
    async def _sent(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[str]]:
        import httpx2

        if self._client is None:
            timeout = httpx2.Timeout(self._between_s, connect=10.0)
            self._client = httpx2.AsyncClient(timeout=timeout, trust_env=False)
        headers = {"authorization": f"Bearer {self._model.api_key}"} if self._model.api_key else {}
        url = f"{self._model.url.rstrip('/')}/chat/completions"
        try:
            async with self._client.stream(
                "POST", url, json=body_of(self._model, request), headers=headers
            ) as response:
                if response.status_code != 200:
                    raise await self._refused(response)
                yield _lines(response)
        except httpx2.TimeoutException as error:
            raise ModelError(f"{self._model.name}: no answer in time") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            kind = type(error).__name__
            raise ModelError(
                f"{self._model.name}: connection to {self._model.url} failed ({kind})",
                next_step="check that the endpoint runs and the url is right",
            ) from error

    async def _refused(self, response: httpx2.Response) -> ModelError:
        raw = b""
        async for part in response.aiter_bytes():
            raw += part
            if len(raw) > 65536:
                break
        status = response.status_code
        told = _error_text(raw).replace(self._model.api_key or "\0", "***")
        after = response.headers.get("retry-after", "")
        return ModelError(
            f"{self._model.name}: HTTP {status}: {told}",
            next_step=_next_step(status),
            retry_after_s=float(after) if after.replace(".", "", 1).isdigit() else None,
            again=status in (408, 409, 429) or status >= 500,
        )

    def _reply(self, request: ChatRequest, answer: _Answer) -> ChatReply:
        text = "".join(answer.text)
        calls = tuple(
            ToolCall(call["id"] or f"call_{i}", call["name"], call["arguments"])
            for i, call in sorted(answer.calls.items())
        )
        usage = answer.usage or estimated_usage(request, text + "".join(c.arguments for c in calls))
        cost = self._model.cost_usd(usage.input_tokens, usage.output_tokens)
        return ChatReply(text, calls, answer.finish, usage, self._model.name, cost)


def body_of(model: ResolvedModel, request: ChatRequest) -> dict[str, Any]:
    """Return the JSON body of a request on the OpenAI wire."""
    body: dict[str, Any] = {
        "model": model.model,
        "messages": [_message(message) for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in request.tools
        ]
    return body


def estimated_usage(request: ChatRequest, answer: str) -> Usage:
    """Return a careful estimate where the provider reports none: a token for every 3 bytes."""
    return Usage(estimated_tokens(request), -(-len(answer.encode()) // 3), estimated=True)


def estimated_tokens(request: ChatRequest) -> int:
    """Return an upper estimate of the input: a token for every 3 bytes, and some for the frame."""
    size = sum(len(m.content.encode()) + 16 for m in request.messages)
    size += sum(len(c.arguments) + len(c.name) for m in request.messages for c in m.tool_calls)
    size += sum(len(json.dumps(dict(tool.parameters))) + 64 for tool in request.tools)
    return -(-size // 3)


def _message(message: Message) -> dict[str, Any]:
    row: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        row["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        row["tool_call_id"] = message.tool_call_id
    return row


async def _lines(response: httpx2.Response) -> AsyncIterator[str]:
    rest, seen = b"", 0
    async for part in response.aiter_bytes():
        seen += len(part)
        rest += part
        if seen > MAX_ANSWER_BYTES or len(rest) > MAX_LINE_BYTES:
            raise ModelError("the answer is larger than 16 MiB", again=False)
        *whole, rest = rest.split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace").strip()
    if rest.strip():
        yield rest.decode("utf-8", "replace").strip()


def _take(answer: _Answer, line: str) -> bool:
    """Add one line of the stream; return False at its end."""
    if not line.startswith("data:"):
        if line.startswith("{"):
            raise ModelError("the answer is not a stream of events", again=False)
        return True
    data = line[5:].strip()
    if data == "[DONE]":
        return False
    try:
        chunk = json.loads(data)
        _add(answer, chunk)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelError("the answer holds malformed JSON") from error
    return True


def _add(answer: _Answer, chunk: dict[str, Any]) -> None:
    if "error" in chunk:
        raise ModelError(f"the provider broke off: {str(chunk['error'])[:200]}")
    if chunk.get("usage"):
        usage = chunk["usage"]
        answer.usage = Usage(int(usage["prompt_tokens"]), int(usage["completion_tokens"]))
    for choice in chunk.get("choices", [])[:1]:
        delta = choice.get("delta") or {}
        answer.text.append(delta.get("content") or "")
        for call in delta.get("tool_calls") or ():
            mine = answer.calls.setdefault(
                int(call["index"]), {"id": "", "name": "", "arguments": ""}
            )
            function = call.get("function") or {}
            mine["id"] += call.get("id") or ""
            mine["name"] += function.get("name") or ""
            mine["arguments"] += function.get("arguments") or ""
        reason = choice.get("finish_reason")
        if reason:
            answer.finish = reason if reason in _REASONS else "stop"


def _error_text(raw: bytes) -> str:
    try:
        return str(json.loads(raw)["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return raw.decode("utf-8", "replace").strip()[:300] or "no reason given"


def _next_step(status: int) -> str:
    steps = {
        401: "check the API key in the variable that the settings name",
        403: "check what the API key may do",
        404: "check the model's name and the url",
        429: "wait, or lower the number of builds at a time",
    }
    return steps.get(status, "try again later")
