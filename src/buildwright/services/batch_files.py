"""Files of prompts and answers: a JSON object a line, ours or as OpenAI's batch files have it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from buildwright.core.errors import DiskError, UsageError
from buildwright.services.batch import LLMRequest, LLMResponse

WIRES = {"/v1/chat/completions": "chat", "/v1/embeddings": "embeddings"}
OURS = ("prompt", "system", "temperature", "max_tokens", "messages", "model", "id")


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
        lines = raw.decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error}") from error
    rows = [
        (number, _row(path, number, line)) for number, line in enumerate(lines, 1) if line.strip()
    ]
    if not rows:
        raise UsageError(f"{str(path)!r} has no lines", next_step='write {"prompt": "..."} lines')
    openai = "custom_id" in rows[0][1] or "body" in rows[0][1]
    read = _openai if openai else _ours
    requests = tuple(read(path, number, row, model) for number, row in rows)
    digest = blake2b(raw + model.encode(), digest_size=8).hexdigest()
    return Prompts(requests, openai, f"batch-{digest}")


def finished(path: Path) -> dict[int, LLMResponse | None]:
    """Return what an earlier run wrote, by place; a torn last line is dropped from the file."""
    if not path.exists():
        return {}
    found: dict[int, LLMResponse | None] = {}
    whole = 0
    with path.open("rb") as handle:
        for line in handle:
            try:
                row = json.loads(line)
                if not line.endswith(b"\n") or not isinstance(row["index"], int):
                    break
            except (ValueError, KeyError, TypeError):
                break
            whole += len(line)
            if row.get("error") is None:
                found[row["index"]] = None
    if whole != path.stat().st_size:
        os.truncate(path, whole)
    return found


def open_results(path: Path) -> IO[bytes]:
    """Open the answers' file to add to it; raises DiskError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab", buffering=0)
    except OSError as error:
        raise DiskError(f"{str(path)!r} cannot be written: {error.strerror}") from error


def write_result(handle: IO[bytes], answer: LLMResponse, *, openai: bool) -> None:
    """Add one answer as a line; raises DiskError, and what is written stays."""
    row = _openai_line(answer) if openai else _our_line(answer)
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


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
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
    if not isinstance(row.get("prompt", ""), str) or not (row.get("prompt") or row.get("messages")):
        raise UsageError(f"{path.name}, line {number}: prompt is missing or no text")
    chosen = str(row.get("model") or model)
    if not chosen:
        raise UsageError(
            f"{path.name}, line {number}: model is missing", next_step="name one with --model"
        )
    return LLMRequest(
        row.get("prompt", ""),
        chosen,
        row.get("temperature"),
        row.get("max_tokens"),
        row.get("system", ""),
        tuple(row.get("messages") or ()),
        str(row.get("id", "")),
    )


def _openai(path: Path, number: int, row: Mapping[str, Any], model: str) -> LLMRequest:
    url, body = row.get("url", "/v1/chat/completions"), row.get("body")
    if url not in WIRES:
        raise UsageError(
            f"{path.name}, line {number}: url is {url!r}; expected one of {', '.join(WIRES)}"
        )
    if not isinstance(body, dict) or not row.get("custom_id"):
        raise UsageError(f"{path.name}, line {number}: custom_id or body is missing")
    wire = "embeddings" if WIRES[url] == "embeddings" else "chat"
    chosen = "" if body.get("model") else model
    return LLMRequest(model=chosen, request_id=str(row["custom_id"]), body=body, wire=wire)  # type: ignore[arg-type]


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
