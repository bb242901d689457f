"""Usage as providers report it, normalised into buckets that count nothing twice.

Whatever a provider sends, nothing here raises and no bucket is negative: what cannot be read is
replaced by our own count, and the usage is `estimated`.
"""

from __future__ import annotations

from typing import Any

from buildwright.core.ledger import TokenUsage

LARGEST = 1_000_000_000
"""More tokens than any call can have; a larger count is nonsense."""


class _Reader:
    """Reads counts out of JSON and remembers whether one was nonsense."""

    __slots__ = ("bad",)

    def __init__(self) -> None:
        self.bad = False

    def count(self, value: Any) -> int | None:
        """Return a count; None when there is none, or none that can be meant."""
        if type(value) is int and 0 <= value <= LARGEST:
            return value
        if value is not None:
            self.bad = True
        return None

    def first(self, *values: Any) -> int:
        """Return the first of the values that is a count, else 0."""
        for value in values:
            found = self.count(value)
            if found is not None:
                return found
        return 0

    def main(self, value: Any, ours: int) -> int:
        """Return a count that has to be there; ours when it is not."""
        found = self.count(value)
        if found is None:
            self.bad = True
            return max(0, ours)
        return found

    def part(self, value: int, whole: int) -> int:
        """Return a part that fits into its whole."""
        if value > whole:
            self.bad = True
        return min(value, whole)


def _plain(raw: Any) -> TokenUsage | None:
    """Return the usage of the usual three counts that fit together, None for anything else."""
    if type(raw) is not dict or len(raw) != 3:
        return None
    given, made = raw.get("prompt_tokens"), raw.get("completion_tokens")
    total = raw.get("total_tokens")
    if not (type(given) is type(made) is type(total) is int):
        return None
    if not (0 <= given <= LARGEST and 0 <= made <= LARGEST and total == given + made):
        return None
    return TokenUsage(fresh_input=given, output=made, reported_total=total)


def usage_of_openai(raw: Any, *, input_tokens: int = 0, output_tokens: int = 0) -> TokenUsage:
    """Return the buckets of an OpenAI-shaped `usage`; our own counts stand in for missing ones.

    `prompt_tokens` include cached and cache-writing tokens, `completion_tokens` the reasoning.
    Endpoints that leave reasoning out (xAI, Gemini) show it by a total larger than the two. Cached
    tokens are also read where DeepSeek (`prompt_cache_hit_tokens`) and Moonshot put them.
    """
    plain = _plain(raw)
    if plain is not None:
        return plain
    if not isinstance(raw, dict):
        return _ours(input_tokens, output_tokens)
    read = _Reader()
    prompt = read.main(raw.get("prompt_tokens"), input_tokens)
    total = read.count(raw.get("total_tokens"))
    completion = _completion(read, raw, prompt, total, output_tokens)
    details = _dict(read, raw.get("prompt_tokens_details"))
    cached = read.part(
        read.first(
            details.get("cached_tokens"),
            raw.get("prompt_cache_hit_tokens"),
            raw.get("cached_tokens"),
        ),
        prompt,
    )
    written = read.part(read.first(details.get("cache_write_tokens")), prompt - cached)
    thought = read.first(_dict(read, raw.get("completion_tokens_details")).get("reasoning_tokens"))
    output, reasoning = _outputs(read, prompt, completion, thought, total)
    if _has_audio(details) or _has_audio(_dict(read, raw.get("completion_tokens_details"))):
        read.bad = True
    return TokenUsage(
        prompt - cached - written, cached, written, output, reasoning, total, read.bad
    )


def _completion(
    read: _Reader, raw: dict[str, Any], prompt: int, total: int | None, ours: int
) -> int:
    if raw.get("completion_tokens") is None and total is not None and total >= prompt:
        # Embeddings report no completion at all.
        return total - prompt
    return read.main(raw.get("completion_tokens"), ours)


def _outputs(
    read: _Reader, prompt: int, completion: int, thought: int, total: int | None
) -> tuple[int, int]:
    hidden = 0 if total is None else total - prompt - completion
    if hidden > 0:
        if thought in (0, hidden):
            return completion, hidden
        # The total has more than the parts explain: all of it may be on the bill.
        read.bad = True
        inside = min(max(0, thought - hidden), completion)
        return completion - inside, hidden + inside
    if thought > completion and total is None:
        return completion, thought
    thought = read.part(thought, completion)
    return completion - thought, thought


def usage_of_anthropic(raw: Any, *, input_tokens: int = 0, output_tokens: int = 0) -> TokenUsage:
    """Return the buckets of Anthropic's `usage`: its input excludes what was cached.

    Cache writes that stay for an hour are told by `cache_creation`; without it all are
    of 5 minutes.
    """
    if not isinstance(raw, dict):
        return _ours(input_tokens, output_tokens)
    read = _Reader()
    cached = read.first(raw.get("cache_read_input_tokens"))
    split = _dict(read, raw.get("cache_creation"))
    short = read.first(split.get("ephemeral_5m_input_tokens"))
    long = read.first(split.get("ephemeral_1h_input_tokens"))
    told = read.count(raw.get("cache_creation_input_tokens"))
    written = short + long if told is None else told
    if split and short + long != written:
        read.bad = True
        written = max(written, short + long)
    return TokenUsage(
        read.main(raw.get("input_tokens"), max(0, input_tokens - cached - written)),
        cached,
        written,
        read.main(raw.get("output_tokens"), output_tokens),
        estimated=read.bad,
        cache_write_1h=long,
    )


def merge_anthropic(start: Any, delta: Any) -> dict[str, Any]:
    """Return the usage of a stream: `message_start`'s, brought up to date by a `message_delta`'s.

    Counts of a delta are cumulative, so the larger one holds.
    """
    merged = dict(start) if isinstance(start, dict) else {}
    for name, value in delta.items() if isinstance(delta, dict) else ():
        before = merged.get(name)
        if value is None or (type(value) is int and type(before) is int and value < before):
            continue
        merged[name] = value
    return merged


def usage_of_ollama(raw: Any, *, input_tokens: int = 0, output_tokens: int = 0) -> TokenUsage:
    """Return the buckets of Ollama's last object; a cached prompt has no `prompt_eval_count`."""
    if not isinstance(raw, dict):
        return _ours(input_tokens, output_tokens)
    read = _Reader()
    return TokenUsage(
        read.main(raw.get("prompt_eval_count"), input_tokens),
        output=read.main(raw.get("eval_count"), output_tokens),
        estimated=read.bad,
    )


def usage_in_chunk(chunk: Any) -> dict[str, Any] | None:
    """Return the `usage` of an OpenAI-shaped body or chunk, also where Groq puts it; else None."""
    if not isinstance(chunk, dict):
        return None
    places = (chunk, chunk.get("x_groq"))
    for place in places:
        usage = place.get("usage") if isinstance(place, dict) else None
        if isinstance(usage, dict):
            return usage
    return None


def _ours(input_tokens: int, output_tokens: int) -> TokenUsage:
    return TokenUsage(max(0, input_tokens), output=max(0, output_tokens), estimated=True)


def _dict(read: _Reader, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if value is not None:
        read.bad = True
    return {}


def _has_audio(details: dict[str, Any]) -> bool:
    return bool(details.get("audio_tokens"))
