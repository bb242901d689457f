"""How many input tokens a request may have, counted without a tokenizer, for its reservation.

Each byte of UTF-8 counts by its kind: small letters and spaces a third of a token, other ASCII a
whole one, the rest half a token, and one more for each character of four bytes; then a fixed number
for each message, tool and picture. Held against o200k and cl100k (tests/gateway/pricing/corpus):
1.5 to 2.2 times the dearer count of prose and code, 1.2 to 2.2 times that of other scripts, 1.0 to
1.5 times that of JSON, tables, hex and base64; less only for rows of single letters and for rare
Chinese characters. A call that had more tokens than this is paid in full and flagged `over_bound`.
Files and sound inside a body count as the text of their base64, far above what they cost.
"""

from __future__ import annotations

from typing import Any

WORDS = bytes(range(97, 123)) + b" "
HIGH = bytes(range(0x80, 0x100))
BELOW_FOUR = bytes(range(0xF0))
SIXTHS = 6
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
    sixths, fixed = 0, REQUEST_TOKENS
    for field, value in body.items():
        if field == "messages" and type(value) is list:
            more, tokens = _messages(value)
        elif field in SMALL:
            continue
        else:
            more, tokens = _walked(value)
            tokens += TOOL_TOKENS * len(value) if field == "tools" and type(value) is list else 0
        sixths += more
        fixed += tokens
    return fixed - (-sixths // SIXTHS)


def least_tokens(body: dict[str, Any]) -> int:
    """Return the estimate of what is surely read as text, in one go, by a model of any wire.

    Pictures, files and tools count nothing; of texts to embed only the longest one does.
    """
    if "messages" not in body:
        return max((_tokens(text) for text in _texts(body.get("input"))), default=0)
    contents = [body.get("system"), *(message.get("content") for message in body["messages"])]
    return sum(_tokens(text) for content in contents for text in _texts(content))


def _tokens(text: str) -> int:
    return _sixths(text) // SIXTHS


def _texts(content: Any) -> list[str]:
    if not isinstance(content, list):
        return [content] if isinstance(content, str) else []
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return [part for part in parts if isinstance(part, str)]


def _messages(messages: list[Any]) -> tuple[int, int]:
    sixths, fixed = 0, MESSAGE_TOKENS * len(messages)
    for message in messages:
        content = message.get("content") if type(message) is dict else None
        if type(content) is str and len(message) == 2:
            sixths += _sixths(content)
        else:
            more, tokens = _walked(message)
            sixths += more
            fixed += tokens
    return sixths, fixed


def _walked(value: Any) -> tuple[int, int]:
    """Return the sixths of text tokens below a value, and the tokens of what is no text."""
    sixths = fixed = 0
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            sixths += _sixths(value)
        elif isinstance(value, list):
            todo += value
            fixed += len(value)
        elif isinstance(value, dict):
            kind = value.get("type")
            if isinstance(kind, str) and kind in IMAGES:
                fixed += IMAGE_TOKENS
                continue
            todo += value
            todo += value.values()
            fixed += 2 * len(value)
        else:
            fixed += len(repr(value)) // 3 + 1
    return sixths, fixed


def _sixths(text: str) -> int:
    """Return the tokens of a text, in sixths."""
    data = text.encode("utf-8", "replace")
    rest = data.translate(None, WORDS)
    sixths = 2 * (len(data) - len(rest)) + 6 * len(rest)
    if not text.isascii():
        sixths -= 3 * (len(rest) - len(rest.translate(None, HIGH)))
        sixths += 6 * len(rest.translate(None, BELOW_FOUR))
    return sixths
