"""What a user wishes, checked before anything is stored or written."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from buildwright.core.errors import RequirementError, UnknownNameError, UsageError
from buildwright.core.requirements import Analysis
from buildwright.core.settings import Settings, gateway_tree
from buildwright.core.tree import RenderedFile
from buildwright.gateway.targets import Directory
from buildwright.workflow.choose import check_answers, choose_template, read_requirement


@dataclass(frozen=True, slots=True)
class Wish:
    """A requirement and the choices that came with it; `out` None means `folder/NAME`.

    `tests` is a folder of acceptance tests to lock, `into` a project to work on within `scope`.
    """

    text: str
    folder: Path
    out: Path | None = None
    template: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    tests: Path | None = None
    into: Path | None = None
    scope: tuple[str, ...] = ()


def decode_requirement(raw: bytes, source: str) -> str:
    """Return the text of bytes from a file or pipe; raises RequirementError for anything else."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequirementError(
            f"{source} is not UTF-8 text (byte {error.start})",
            next_step="save it as plain text in UTF-8",
        ) from error
    return text


def check_text(text: str, settings: Settings) -> str:
    """Return the requirement text, line ends unified; raises RequirementError that says why not."""
    limit = settings.build.max_requirement_kib
    size = len(text.encode(errors="replace"))
    if size > limit * 1024:
        raise RequirementError(
            f"the requirement has {size / 1024:.0f} KiB; at most {limit} KiB are read",
            next_step="shorten it, or raise build.max_requirement_kib",
        )
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise RequirementError(
            "the requirement is binary, not text", next_step="give plain text in UTF-8"
        )
    cleaned = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not any(char.isalpha() for char in cleaned):
        what = "is empty" if not cleaned else f"{cleaned[:40]!r} holds no word"
        raise RequirementError(
            f"the requirement {what}",
            next_step='say what to build, e.g. "A REST API that tracks books with a title"',
        )
    return cleaned


MOST_TESTS = 2000
MOST_TEST_BYTES = 16 << 20


def read_tests(folder: Path) -> tuple[RenderedFile, ...]:
    """Return the user's acceptance tests under `tests/acceptance/`, without links and hidden files.

    Raises UsageError when the folder does not exist, holds no test, or is far too large.
    """
    if not folder.is_dir():
        raise UsageError(f"tests folder {str(folder)!r} is no folder", next_step="check --tests")
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and not _hidden(path.relative_to(folder))
    ]
    if len(paths) > MOST_TESTS or sum(path.stat().st_size for path in paths) > MOST_TEST_BYTES:
        raise UsageError(
            f"tests folder {str(folder)!r} has {len(paths)} files; at most {MOST_TESTS} files and "
            f"{MOST_TEST_BYTES >> 20} MiB are taken",
            next_step="name the folder that holds the tests only",
        )
    if not any(path.name.startswith("test_") and path.suffix == ".py" for path in paths):
        raise UsageError(
            f"tests folder {str(folder)!r} holds no test_*.py", next_step="check --tests"
        )
    return tuple(
        RenderedFile(
            f"tests/acceptance/{path.relative_to(folder).as_posix()}", path.read_bytes(), "user"
        )
        for path in paths
    )


def read_project(folder: Path) -> tuple[RenderedFile, ...]:
    """Return the files of a project to work on; raises UsageError when it is far too large.

    Left out, and never touched: links, hidden folders, environments, caches and large files.
    """
    files = []
    for path in sorted(walk_source(folder)):
        inner = path.relative_to(folder)
        files.append(RenderedFile(inner.as_posix(), path.read_bytes(), "user", _executable(path)))
    if not files or len(files) > MOST_FILES or sum(len(f.content) for f in files) > MOST_BYTES:
        raise UsageError(
            f"project {str(folder)!r} has {len(files)} files; from 1 to {MOST_FILES} files and at "
            f"most {MOST_BYTES >> 20} MiB can be worked on",
            next_step="name the folder of one project",
        )
    return tuple(files)


MOST_FILES = 5_000
MOST_BYTES = 64 << 20
MOST_FILE_BYTES = 4 << 20
NOT_SOURCE = frozenset({"node_modules", "__pycache__", "venv", "env", "build", "dist", "site"})


def walk_source(folder: Path) -> Iterator[Path]:
    """Yield the files that somebody may have written, without those named at `read_project`."""
    for path in folder.iterdir():
        if path.is_symlink() or (path.name.startswith(".") and path.is_dir()):
            continue
        if path.is_dir() and path.name not in NOT_SOURCE and not path.name.endswith(".egg-info"):
            yield from walk_source(path)
        elif path.is_file() and path.stat().st_size <= MOST_FILE_BYTES:
            yield path


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _check_into(wish: Wish, settings: Settings) -> None:
    if wish.into is None or not wish.into.is_dir():
        raise UsageError(f"project {str(wish.into)!r} is no folder", next_step="check --into")
    if settings.model == "none":
        raise UsageError(
            "rules alone cannot change a project that is there already",
            next_step="add --model, e.g. --model ollama/qwen2.5-coder",
        )
    if wish.out is not None or wish.template is not None or wish.answers:
        raise UsageError(
            "--into goes with neither --out, --template nor answers",
            next_step="leave them away: the project is changed in place",
        )


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _check_model(settings: Settings) -> None:
    directory = Directory(gateway_tree(settings), random.random)
    try:
        directory.plan(settings.model)
    except UnknownNameError as error:
        raise UnknownNameError(
            "model",
            settings.model,
            ("none", *directory.known()),
            next_step="--model none builds by rules",
        ) from error


def read_wish(wish: Wish, settings: Settings) -> tuple[str, Analysis]:
    """Return the checked text and its analysis; raises UsageError when nothing can be built."""
    text = check_text(wish.text, settings)
    if settings.model != "none":
        _check_model(settings)
    analysis = read_requirement(text)
    if wish.into is not None:
        _check_into(wish, settings)
        return text, analysis
    bare = wish.tests is not None
    fit = choose_template(analysis, wish.template, settings.templates, bare=bare)
    check_answers(fit.template, analysis, wish.answers)
    return text, analysis
