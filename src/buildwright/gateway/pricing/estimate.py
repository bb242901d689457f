"""How many input tokens a request may have, counted without a tokenizer, for its reservation.

One token for every 3 bytes of UTF-8, and a fixed number for each message, tool and image. Measured
against o200k and cl100k (tests/gateway/pricing): prose, code and JSON have 3.3 bytes a token or
more, Chinese 3 bytes a character and 0.7 to 1.3 tokens.
"""

from __future__ import annotations

from typing import Any

BYTES_PER_TOKEN = 3
MESSAGE_TOKENS = 8
REQUEST_TOKENS = 16
TOOL_TOKENS = 24
IMAGE_TOKENS = 1_700
"""The most a picture costs at OpenAI's high detail (85 + 170 * 9 tiles) and at Anthropic."""

IMAGES = frozenset({"image_url", "image", "input_image"})

SMALL = frozenset(
    {
        "model",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
        "top_k",
        "n",
        "seed",
        "user",
        "stop",
        "store",
        "metadata",
        "logprobs",
        "max_tokens",
        "max_completion_tokens",
        "presence_penalty",
        "frequency_penalty",
        "top_logprobs",
        "tool_choice",
        "service_tier",
        "parallel_tool_calls",
        "reasoning_effort",
    }
)
"""Fields that no model reads as text."""


def estimate_tokens(body: dict[str, Any]) -> int:
    """Return how many input tokens a body of any of the wires has at most, in practice."""
    size, fixed = 0, REQUEST_TOKENS
    for field, value in body.items():
        if field == "messages" and type(value) is list:
            more, tokens = _messages(value)
        elif field in SMALL:
            continue
        else:
            more, tokens = _walked(value)
            tokens += TOOL_TOKENS * len(value) if field == "tools" and value else 0
        size += more
        fixed += tokens
    return fixed - (-size // BYTES_PER_TOKEN)


def _messages(messages: list[Any]) -> tuple[int, int]:
    size, fixed = 0, MESSAGE_TOKENS * len(messages)
    for message in messages:
        content = message.get("content") if type(message) is dict else None
        if type(content) is str and len(message) == 2:
            size += len(content) if content.isascii() else _bytes(content)
        else:
            more, tokens = _walked(message)
            size += more
            fixed += tokens
    return size, fixed


def _walked(value: Any) -> tuple[int, int]:
    """Return the bytes of text below a value, and the tokens of what is no text."""
    size = fixed = 0
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            size += _bytes(value)
        elif isinstance(value, list):
            todo += value
            size += len(value)
        elif isinstance(value, dict):
            if value.get("type") in IMAGES:
                fixed += IMAGE_TOKENS
                continue
            for name, inner in value.items():
                size += len(name) + 4
                todo.append(inner)
        else:
            size += 3
    return size, fixed


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
