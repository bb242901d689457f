"""Files and edits for the tests of edits."""

from __future__ import annotations

from collections.abc import Mapping

from buildwright.workspace.edits import (
    Batch,
    Hunk,
    Reason,
    Refusals,
    Request,
    apply_in_memory,
    parse,
    resolve,
)
from buildwright.workspace.edits.forms import EditKind, sha256

CODE = b"""import os


class Shop:
    def total(self, items):
        result = 0
        for item in items:
            result += item.price
        return result

    def names(self, items):
        return [item.name for item in items]


def largest(values):
    best = values[0]
    for value in values:
        if value > best:
            best = value
    return best
"""


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: sha256(data) for path, data in files.items()}


def block(path: str, old: str, new: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


def batch_of(answer: object, files: Mapping[str, bytes]) -> Batch | Refusals:
    assert isinstance(answer, str | dict | list)
    return resolve(parse(answer), files, hashes(files))


def landed(answer: object, files: Mapping[str, bytes]) -> dict[str, bytes]:
    batch = batch_of(answer, files)
    assert isinstance(batch, Batch), batch.text
    return apply_in_memory(batch, files)


def changed(old: str, new: str, data: bytes = CODE) -> bytes:
    """The file after one block."""
    return landed(block("a.py", old, new), {"a.py": data})["a.py"]


def why(answer: object, files: Mapping[str, bytes]) -> list[Reason]:
    """The reasons of the refusal."""
    refused = batch_of(answer, files)
    assert isinstance(refused, Refusals)
    return [item.reason for item in refused.items]


def refusal(old: str, new: str, data: bytes = CODE) -> Reason:
    (reason,) = why(block("a.py", old, new), {"a.py": data})
    return reason


def hunk_request(old: str, new: str, path: str = "a.py") -> Request:
    lines = tuple(old.splitlines()), tuple(new.splitlines())
    return Request(path, EditKind.MODIFY, (Hunk(*lines),))
