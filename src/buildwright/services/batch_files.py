"""Files of prompts and answers: a JSON object a line, ours or as OpenAI's batch files have it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import orjson

from buildwright.core.errors import DiskError, UsageError
from buildwright.services.batch import LLMRequest, LLMResponse, body_of

WIRES = {"/v1/chat/completions": "chat", "/v1/embeddings": "embeddings"}
OURS = ("prompt", "system", "temperature", "max_tokens", "messages", "model", "id")
FIELDS = (
    ("prompt", str, "text"),
    ("system", str, "text"),
    ("model", str, "text"),
    ("messages", list, "list"),
)
BOM = b"\xef\xbb\xbf"
FAILED = -1
OWN_LINES = (b'{"index": ', b'{"id": "batch_req_')


@dataclass(frozen=True, slots=True)
class Prompts:
    """A checked file: its requests, whether it has OpenAI's form, and an id of its content."""

    requests: tuple[LLMRequest, ...]
    openai: bool
    batch_id: str


def read_prompts(path: Path, model: str) -> Prompts:
    """Return the requests of a file; `model` is for those that name none.

    Raises UsageError that names the line; nothing is sent then.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error}") from error
    lines = raw.removeprefix(BOM).splitlines()
    rows = [
        (number, _row(path, number, line)) for number, line in enumerate(lines, 1) if line.strip()
    ]
    if not rows:
        raise UsageError(f"{str(path)!r} has no lines", next_step='write {"prompt": "..."} lines')
    openai = "custom_id" in rows[0][1] or "body" in rows[0][1]
    read = _openai if openai else _ours
    requests = tuple(read(path, number, row, model) for number, row in rows)
    _check_names(path, [number for number, _ in rows], requests)
    digest = blake2b(raw + model.encode(), digest_size=8).hexdigest()
    return Prompts(requests, openai, f"batch-{digest}")


def finished(path: Path, prompts: Prompts) -> frozenset[int]:
    """Return the places that an earlier run answered; a torn last line is dropped from the file.

    Raises UsageError for a file with anything else in it, which stays as it is.
    """
    if not path.exists():
        return frozenset()
    found: set[int] = set()
    whole = 0
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            if _torn(line):
                break
            place = _answered(line, prompts)
            if place is None:
                raise UsageError(
                    f"{str(path)!r}, line {number} is no answer to this file of prompts",
                    next_step="name another file with -o",
                )
            whole += len(line)
            found |= {place} - {FAILED}
    if whole != path.stat().st_size:
        os.truncate(path, whole)
    return frozenset(found)


def _torn(line: bytes) -> bool:
    ours = any(line.startswith(own) or own.startswith(line) for own in OWN_LINES)
    return ours and not line.endswith(b"\n")


def _answered(line: bytes, prompts: Prompts) -> int | None:
    """Return the place of an answer, FAILED for a failed one, None for what is no answer to it."""
    try:
        row = orjson.loads(line)
        place, asked, failed = row["index"], row["request_hash"], row["error"] is not None
    except (ValueError, KeyError, TypeError):
        return None
    if failed:
        return FAILED
    known = type(place) is int and 0 <= place < len(prompts.requests)
    return place if known and asked == hash_of(prompts.requests[place]) else None


def hash_of(request: LLMRequest) -> str:
    """Return a hash of what is asked and under which name."""
    asked = (request.request_id, request.wire, body_of(request))
    text = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=8).hexdigest()


def open_results(path: Path) -> IO[bytes]:
    """Open the answers' file to add to it; raises DiskError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab", buffering=0)
    except OSError as error:
        raise DiskError(f"{str(path)!r} cannot be written: {error.strerror}") from error


def write_result(handle: IO[bytes], answer: LLMResponse, prompts: Prompts) -> None:
    """Add one answer as a line; raises DiskError, and what is written stays."""
    row = _openai_line(answer) if prompts.openai else _our_line(answer)
    row["request_hash"] = hash_of(prompts.requests[answer.index])
    line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    try:
        handle.write(line)
    except OSError as error:
        raise DiskError(
            f"the answers cannot be written: {error.strerror}",
            next_step="free disk space and run the command again: nothing is bought twice",
        ) from error


def put_in_order(path: Path) -> None:
    """Sort the answers by their place; of several for one place the last counts."""
    rows = {}
    with path.open("rb") as handle:
        for line in handle:
            rows[json.loads(line)["index"]] = line
    passing = path.with_name(path.name + ".new")
    passing.write_bytes(b"".join(rows[index] for index in sorted(rows)))
    passing.replace(path)


def _row(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except ValueError as error:
        raise UsageError(f"{path.name}, line {number}: no JSON: {error}") from error
    if not isinstance(row, dict):
        raise UsageError(f"{path.name}, line {number}: expected a JSON object")
    return row


def _ours(path: Path, number: int, row: Mapping[str, Any], model: str) -> LLMRequest:
    unknown = sorted(set(row) - set(OURS))
    if unknown:
        raise UsageError(
            f"{path.name}, line {number}: unknown field {unknown[0]!r}; known: {', '.join(OURS)}"
        )
    for name, kind, wanted in FIELDS:
        if not isinstance(row.get(name) or kind(), kind):
            raise UsageError(f"{path.name}, line {number}: {name} is no {wanted}")
    if not (row.get("prompt") or row.get("messages")):
        raise UsageError(f"{path.name}, line {number}: prompt is missing or empty")
    chosen = row.get("model") or model
    if not chosen:
        raise UsageError(
            f"{path.name}, line {number}: model is missing", next_step="name one with --model"
        )
    return LLMRequest(
        row.get("prompt") or "",
        chosen,
        row.get("temperature"),
        row.get("max_tokens"),
        row.get("system") or "",
        tuple(row.get("messages") or ()),
        str(row.get("id", "")),
    )


def _openai(path: Path, number: int, row: Mapping[str, Any], model: str) -> LLMRequest:
    url, body = row.get("url", "/v1/chat/completions"), row.get("body")
    if url not in WIRES:
        raise UsageError(
            f"{path.name}, line {number}: url is {url!r}; expected one of {', '.join(WIRES)}"
        )
    if row.get("method", "POST") != "POST":
        raise UsageError(f"{path.name}, line {number}: method is {row['method']!r}; expected POST")
    if not isinstance(body, dict) or not row.get("custom_id"):
        raise UsageError(f"{path.name}, line {number}: custom_id or body is missing")
    wire = "embeddings" if WIRES[url] == "embeddings" else "chat"
    chosen = "" if body.get("model") else model
    return LLMRequest(model=chosen, request_id=str(row["custom_id"]), body=body, wire=wire)  # type: ignore[arg-type]


def _check_names(path: Path, numbers: list[int], requests: tuple[LLMRequest, ...]) -> None:
    seen: dict[str, int] = {}
    for number, name in zip(numbers, (one.request_id for one in requests), strict=True):
        if name and name in seen:
            raise UsageError(
                f"{path.name}, line {number}: id {name!r} is that of line {seen[name]} too"
            )
        seen[name] = number


def _our_line(answer: LLMResponse) -> dict[str, Any]:
    return {
        "index": answer.index, "id": answer.request_id, "status": answer.status,
        "text": answer.text, "error": answer.error or None, "model": answer.model,
        "input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens,
        "cost_usd": answer.cost_usd, "cached": answer.cached,
        "seconds": round(answer.seconds, 3), "call_id": answer.call_id,
    }  # fmt: skip


def _openai_line(answer: LLMResponse) -> dict[str, Any]:
    response = {
        "status_code": answer.http_status, "request_id": answer.call_id, "body": dict(answer.body),
    }  # fmt: skip
    failed = answer.status == "error"
    error = {"code": answer.error_code, "message": answer.error} if failed else None
    return {
        "id": f"batch_req_{answer.call_id or answer.index}", "custom_id": answer.request_id,
        "response": response, "error": error, "index": answer.index,
    }  # fmt: skip
