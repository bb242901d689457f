"""Working on a project that is there already: what stands in for a template, and landing a diff."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from buildwright.core.errors import OutputError
from buildwright.core.tree import RenderedFile
from buildwright.design.catalog import Template, load_template
from buildwright.workspace import edits, snapshots

NAME = "existing-project"
LOCKS = ("requirements-dev.txt", "requirements-test.txt", "requirements.txt")
TESTS = (
    "tests/*",
    "test/*",
    "*/tests/*",
    "test_*.py",
    "*/test_*.py",
    "*_test.py",
    "conftest.py",
    "*/conftest.py",
    "pyproject.toml",
    "pytest.ini",
    "setup.cfg",
    "tox.ini",
    "*.test.*js",
    "*.test.*ts",
    "*.test.?sx",
    "*.spec.*js",
    "*.spec.*ts",
    "*.spec.?sx",
    "package.json",
    "package-lock.json",
)
"""What the verdict rests on in a project of anybody's; `*` matches folders too."""
OWN_LOCK = ".buildwright-requirements.txt"


def existing_template(
    files: Mapping[str, bytes], bare: str, extra: Sequence[Path] = ()
) -> Template:
    """Return what stands in for a template; `bare` names the one whose lock is the fallback."""
    lock = next((path for path in LOCKS if _locks_pytest(files.get(path, b""))), OWN_LOCK)
    source = "src" if any(path.startswith("src/") for path in files) else "."
    return Template(
        name=NAME,
        version="1",
        kind="none",
        title="Existing project",
        description="A project of the user's, changed in place",
        root=load_template(bare, extra).root,
        lock=lock,
        source_dir=source,
        tests=TESTS,
        run=(),
        test=(),
        questions=(),
        provides=(),
    )


def lock_of(template: Template, files: Mapping[str, bytes]) -> bytes:
    """Return the lock of the environment in which the tests run."""
    if template.lock in files:
        return files[template.lock]
    return (template.root / "files" / "requirements-dev.txt").read_bytes()


def land(
    before: Sequence[RenderedFile], after: Sequence[RenderedFile], folder: Path, journal: Path
) -> tuple[str, ...]:
    """Make the difference in the user's folder, whole or not at all; return the changed paths.

    `journal` is a file outside of the folder that lasts as long as the change takes. Raises
    OutputError when a file was changed since the build began; nothing is touched then.
    """
    old = {file.path: file.content for file in before}
    requests = [_request(file) for file in after if old.get(file.path) != file.content]
    left = old.keys() - {file.path for file in after}
    requests += [edits.Request(path, edits.EditKind.DELETE) for path in sorted(left)]
    shown = {entry.path: entry.sha256 for entry in snapshots.tree_of(before).files}
    batch = edits.resolve(requests, old, shown)
    try:
        if isinstance(batch, edits.Refusals):
            raise OutputError(batch.text, next_step="see .buildwright/changes.diff")
        journal.parent.mkdir(parents=True, exist_ok=True)
        return edits.apply(batch, folder, journal=journal)
    except edits.EditRefused as error:
        raise OutputError(
            f"{error.message}; nothing was changed in {str(folder)!r}",
            next_step="apply .buildwright/changes.diff by hand, or build again",
        ) from error


def difference(before: Sequence[RenderedFile], after: Sequence[RenderedFile]) -> str:
    """Return a unified diff from before to after, text files only."""
    old = {file.path: file.content.decode("utf-8", "replace") for file in before}
    new = {file.path: file.content.decode("utf-8", "replace") for file in after}
    parts: list[str] = []
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            parts += difflib.unified_diff(
                old.get(path, "").splitlines(keepends=True),
                new.get(path, "").splitlines(keepends=True),
                f"a/{path}" if path in old else "/dev/null",
                f"b/{path}" if path in new else "/dev/null",
            )
    return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def _request(file: RenderedFile) -> edits.Request:
    text = file.content.decode("utf-8", "surrogateescape")
    return edits.Request(file.path, edits.EditKind.WRITE, content=text, exact_end=True)


def _locks_pytest(content: bytes) -> bool:
    return b"--hash=" in content and b"pytest==" in content
