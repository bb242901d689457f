"""Whatever a model sent: search/replace blocks, diffs, whole files and tool calls, mixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildwright.workspace.edits.blocks import read_blocks
from buildwright.workspace.edits.calls import parse_calls
from buildwright.workspace.edits.diffs import read_diffs
from buildwright.workspace.edits.fences import read_files
from buildwright.workspace.edits.forms import EditRefused, Request
from buildwright.workspace.edits.reading import FORMATS, lines_of


def parse(answer: str | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> tuple[Request, ...]:
    """Return the requests of a model's answer: its text, a tool call, or a list of calls.

    Prose is passed over. A whole file beside blocks or a diff for the same file is taken for an
    illustration. Raises EditRefused when there is no edit in it, or one is cut off or unclear.
    """
    if not isinstance(answer, str):
        return parse_calls(answer)
    found = _in_text(answer)
    if not found:
        raise EditRefused("the answer holds no edit", next_step=FORMATS)
    return found


def _without_fence(answer: str) -> str:
    """Return what is in the only fence of an answer that is nothing but JSON in a fence."""
    inner = answer.removeprefix("```json").removesuffix("```")
    return inner.strip() if len(inner) == len(answer) - 10 else answer


def _in_text(answer: str) -> tuple[Request, ...]:
    lines = lines_of(answer)
    bare = _without_fence(answer.strip())
    if bare[:1] + bare[-1:] in ("{}", "[]"):
        return parse_calls(bare)
    blocks, in_blocks = read_blocks(lines)
    left = ["" if number in in_blocks else line for number, line in enumerate(lines)]
    diffs, in_diffs = read_diffs(left, trusted=False)
    edited = {request.path for request in (*blocks, *diffs)}
    files = read_files(lines, in_blocks | in_diffs)
    return (*blocks, *diffs, *(file for file in files if file.path not in edited))
