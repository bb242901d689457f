"""The files of an attempt in memory: a model changes them only by edits that hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from buildwright.core.redact import MARK
from buildwright.core.tree import RenderedFile
from buildwright.workflow.redacting import newly_marked
from buildwright.workspace import edits

MODEL_TESTS = "tests/test_item_*.py"
"""Where a model may add tests; all others are locked."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What became of an answer: landed or not, and what to tell the model."""

    landed: bool
    text: str
    paths: tuple[str, ...] = ()


class Workbench:
    """A tree being changed: every edit is bound to what was shown, lands whole or not at all."""

    def __init__(self, files: Sequence[RenderedFile], policy: edits.Policy) -> None:
        self._given = {file.path: file for file in files}
        self._policy = policy
        self.files: dict[str, bytes] = {file.path: file.content for file in files}
        self.shown: dict[str, str] = {}
        self.touched: set[str] = set()

    @classmethod
    def of_folder(cls, folder: Path, policy: edits.Policy | None = None) -> Workbench:
        """Return a workbench over the regular files of a folder; the folder is only read."""
        files = [
            RenderedFile(path.relative_to(folder).as_posix(), path.read_bytes(), "user")
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and ".git" not in path.parts
        ]
        return cls(files, policy or edits.Policy())

    def show(self, path: str) -> bytes | None:
        """Return a file and remember that the model has seen it in this state."""
        content = self.files.get(path)
        if content is not None:
            self.shown[path] = hashlib.sha256(content).hexdigest()
        return content

    def take_answer(self, text: str) -> Landing:
        """Land the edits of an answer, or say why none of them landed."""
        try:
            requests = edits.parse(text)
        except edits.EditRefused as error:
            return Landing(False, str(error))
        return self.take(requests)

    def take(self, requests: Sequence[edits.Request]) -> Landing:
        """Land requests whole or not at all."""
        outcome = edits.resolve(requests, self.files, self.shown)
        if isinstance(outcome, edits.Refusals):
            return Landing(False, outcome.text)
        after = edits.apply_in_memory(outcome, self.files)
        found = edits.check(outcome, self.files, after, self._policy)
        objections = [one.text for one in found if not self._is_own_test(one)]
        marked = newly_marked(self.files, after)
        if marked:
            objections.append(f"{marked}: it holds {MARK}, which only stands for a hidden secret")
        if objections:
            return Landing(False, "\n".join(objections))
        changed = tuple(sorted(path for path, _ in outcome.outcome))
        self.files = dict(after)
        self.touched |= set(changed)
        for path in changed:
            self.show(path)
        what = f"changed: {', '.join(changed)}" if changed else "nothing to change: already so"
        return Landing(True, what, changed)

    def _is_own_test(self, objection: edits.Objection) -> bool:
        new = objection.path not in self._given
        return objection.rule == "tests" and new and fnmatch(objection.path, MODEL_TESTS)

    def rendered(self, source: str) -> tuple[RenderedFile, ...]:
        """Return the files with their provenance; `source` is that of what was changed."""
        return tuple(self._file(path, content, source) for path, content in self.files.items())

    def _file(self, path: str, content: bytes, source: str) -> RenderedFile:
        given = self._given.get(path)
        if given is not None and given.content == content:
            return given
        return RenderedFile(path, content, source, given.executable if given else False)


def text_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that are text."""
    return {path: content for path, content in files.items() if b"\0" not in content}
