"""Objections to a batch that would land where it should, and still must not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from buildwright.workspace.edits.forms import Batch, EditKind
from buildwright.workspace.edits.placeholders import placeholders
from buildwright.workspace.edits.scope import matches
from buildwright.workspace.edits.symbols import lost_symbols
from buildwright.workspace.edits.syntax import syntax_fault
from buildwright.workspace.edits.weakening import weakened

TEST_GLOBS = (
    "**/test/**",
    "**/tests/**",
    "**/__tests__/**",
    "**/test_*.py",
    "**/*_test.py",
    "**/conftest.py",
    "**/*.test.*",
    "**/*.spec.*",
)


class Tests(StrEnum):
    """LOCKED: no test file may change. GROW: tests may be added, not weakened. FREE: any."""

    __test__ = False

    LOCKED = "locked"
    GROW = "grow"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Policy:
    """What an edit may touch, and how large it may be; sizes in bytes, globs over whole paths.

    `max_growth` is how many times its size a file may become, counted from `small_file_bytes` on.
    """

    allowed: tuple[str, ...] = ("**",)
    protected: tuple[str, ...] = TEST_GLOBS
    tests: Tests = Tests.LOCKED
    max_file_bytes: int = 1_000_000
    max_batch_bytes: int = 5_000_000
    max_files: int = 200
    max_growth: float = 10.0
    small_file_bytes: int = 20_000


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason to bounce a batch; `line` is 1-based in the file it is about, 0 for the whole."""

    path: str
    line: int
    rule: str
    reason: str
    next_step: str

    @property
    def text(self) -> str:
        """What can be sent back to a model."""
        return f"{self.path}:{self.line}: {self.reason}\nnext: {self.next_step}\n"


def check(
    batch: Batch, before: Mapping[str, bytes], after: Mapping[str, bytes], policy: Policy
) -> tuple[Objection, ...]:
    """Return what speaks against a batch that turns `before` into `after`, in path order."""
    changed = sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )
    found = list(_size_of_batch(changed, before, after, policy))
    for path in changed:
        found += _scope(path, before.get(path), after.get(path), policy)
        if path in after:
            source = _source(batch, path)
            old = before.get(source)
            found += _size(path, old, after[path], policy)
            found += _content(path, old, after[path])
    found += _lost_symbols(batch, before, after)
    return tuple(sorted(found, key=lambda one: (one.path, one.line, one.rule)))


def _source(batch: Batch, path: str) -> str:
    """Return where the file of this path was before the batch."""
    renames = (e for e in batch.edits if e.kind is EditKind.RENAME and e.new_path == path)
    return next((edit.path for edit in renames), path)


def _size_of_batch(
    changed: list[str], before: Mapping[str, bytes], after: Mapping[str, bytes], policy: Policy
) -> Iterator[Objection]:
    grown = sum(max(0, len(after.get(p, b"")) - len(before.get(p, b""))) for p in changed)
    step = "make a smaller change, or several one after the other"
    first = changed[0] if changed else ""
    if len(changed) > policy.max_files:
        reason = f"the batch changes {len(changed)} files, at most {policy.max_files} are allowed"
        yield Objection(first, 0, "size", reason, step)
    if grown > policy.max_batch_bytes:
        reason = f"the batch adds {grown} bytes, at most {policy.max_batch_bytes} are allowed"
        yield Objection(first, 0, "size", reason, step)


def _size(path: str, old: bytes | None, new: bytes, policy: Policy) -> Iterator[Objection]:
    step = "write only what is needed; keep data out of the code"
    if len(new) > max(policy.max_file_bytes, len(old or b"")):
        reason = f"the file gets {len(new)} bytes, at most {policy.max_file_bytes} are allowed"
        yield Objection(path, 0, "size", reason, step)
        return
    base = max(len(old), policy.small_file_bytes) if old is not None else 0
    if base and len(new) > base * policy.max_growth:
        reason = f"the file grows from {len(old or b'')} to {len(new)} bytes"
        yield Objection(path, 0, "size", reason, step)


def _scope(path: str, old: bytes | None, new: bytes | None, policy: Policy) -> Iterator[Objection]:
    if not matches(path, policy.allowed):
        reason = f"the file is out of scope; in scope: {', '.join(policy.allowed)}"
        yield Objection(path, 0, "scope", reason, "change files in scope only")
    if policy.tests is Tests.FREE or not matches(path, policy.protected):
        return
    if policy.tests is Tests.LOCKED:
        what = "deleted" if new is None else "added" if old is None else "changed"
        step = "leave the tests as they are; change the code they test"
        yield Objection(path, 0, "tests", f"a test file is {what}, and tests are locked", step)
        return
    for line, reason in weakened(path, old, new):
        yield Objection(path, line, "tests", reason, "keep every test as strict as it was")


def _content(path: str, old: bytes | None, new: bytes) -> Iterator[Objection]:
    fault = syntax_fault(path, new)
    if fault is not None and (old is None or syntax_fault(path, old) is None):
        yield Objection(path, fault.line, "syntax", fault.reason, "correct the syntax")
    for line, text in placeholders(path, old, new):
        reason = f"{text!r} stands for code that is left out"
        step = "write the code itself, or edit only the lines that change"
        yield Objection(path, line, "placeholder", reason, step)


def _lost_symbols(
    batch: Batch, before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> Iterator[Objection]:
    """A file that is deleted by name takes its names with it; all else must say so."""
    for path in sorted({edit.path for edit in batch.edits} & before.keys()):
        renames = (e.new_path for e in batch.edits if e.path == path)
        target = next((new for new in renames if new), path)
        if target not in after:
            continue
        for name, line in sorted(lost_symbols(path, before[path], after[target]).items()):
            if not _is_declared(name, path, batch.removes):
                yield _lost(target, line, name)


def _is_declared(name: str, path: str, removes: frozenset[str]) -> bool:
    owner = name.rpartition(".")[0]
    return not removes.isdisjoint({name, f"{path}:{name}", owner} - {""})


def _lost(path: str, line: int, name: str) -> Objection:
    return Objection(
        path,
        line,
        "symbols",
        f"public name {name!r} is lost (it stood at line {line} before)",
        f"keep it, or say 'REMOVES: {name}' (tool calls: removes) when that is meant",
    )
