"""Edits that models send: read, bound to what was shown, checked, and landed whole or not at all.

parse → resolve → apply_in_memory → check → apply
"""

from buildwright.workspace.edits.applying import apply, recover
from buildwright.workspace.edits.blocks import parse_blocks
from buildwright.workspace.edits.calls import parse_call
from buildwright.workspace.edits.diffs import parse_diff
from buildwright.workspace.edits.fences import parse_files
from buildwright.workspace.edits.forms import (
    Batch,
    Edit,
    EditKind,
    EditRefused,
    Hunk,
    Reason,
    Refusal,
    Refusals,
    Request,
)
from buildwright.workspace.edits.gates import Objection, Policy, Tests, check
from buildwright.workspace.edits.memory import apply_in_memory
from buildwright.workspace.edits.parsing import parse
from buildwright.workspace.edits.resolving import resolve

__all__ = [
    "Batch",
    "Edit",
    "EditKind",
    "EditRefused",
    "Hunk",
    "Objection",
    "Policy",
    "Reason",
    "Refusal",
    "Refusals",
    "Request",
    "Tests",
    "apply",
    "apply_in_memory",
    "check",
    "parse",
    "parse_blocks",
    "parse_call",
    "parse_diff",
    "parse_files",
    "recover",
    "resolve",
]
