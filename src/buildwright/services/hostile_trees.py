"""Hostile names, links, archives and words, tried on the code that has to refuse them."""

from __future__ import annotations

import os
import re
import socket
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from buildwright.core.errors import BuildwrightError
from buildwright.core.report import Report
from buildwright.core.tree import FileEntry, RenderedFile, Tree
from buildwright.design.documents import report_pages
from buildwright.sandbox.selftest import Answer, Outcome
from buildwright.sandbox.snapshot import take_snapshot
from buildwright.workspace import delivery, snapshots
from buildwright.workspace.paths import checked_path, refuse_collisions

LEAVING = ("/etc/passwd", "../x", "a/../../x", "a/..", "..", "", "C:/x", "..\\x", "a\\..\\..\\x")
ODD = ("a\nb", "a\0b", "\x1b[31mred", "\u202egpj.exe", "x" * 256, "a/" * 40 + "b", "tab\there")
METADATA = (
    ".git/config",
    ".git/hooks/post-checkout",
    "vendor/.git/hooks/post-checkout",
    ".GIT/config",
    ".hg/hgrc",
    ".vscode/tasks.json",
    ".idea/workspace.xml",
)
MARKUP = ('<script>alert("x")</script>', '"><img src=x onerror=alert(1)>', "javascript:alert(1)")
OUTSIDE = "kept as it was"


def leaving_paths() -> Answer:
    """T35: paths that do not stay below their root."""
    return _all_refused("workspace paths", {name: _checking(name) for name in LEAVING})


def odd_names() -> Answer:
    """T39: control characters, too long, too deep, and two names that differ by case."""
    deeds = {repr(name)[:20]: _checking(name) for name in ODD}
    deeds["case"] = lambda: refuse_collisions(("Readme.md", "README.md"))
    deeds["file and folder"] = lambda: refuse_collisions(("a", "a/b"))
    return _all_refused("workspace paths", deeds)


def tool_metadata() -> Answer:
    """T42: files that a tool of the host would run later."""
    return _all_refused("workspace paths", {name: _checking(name) for name in METADATA})


def planted_links() -> Answer:
    """T36: a link where a folder, a file or the whole target is expected."""
    with tempfile.TemporaryDirectory() as folder:
        outside = Path(folder, "outside")
        outside.mkdir()
        (outside / "x").write_text(OUTSIDE)
        for number, plant in enumerate((_plant_folder, _plant_file, _plant_target)):
            target = Path(folder, f"target{number}")
            plant(target, outside)
            _quietly(partial(delivery.materialise, _files("sub/x", "x"), target))
        if sorted(p.name for p in outside.iterdir()) != ["x"]:
            return Answer(Outcome.NOT_HELD, "", "a file was made through a link")
        if (outside / "x").read_text() != OUTSIDE:
            return Answer(Outcome.NOT_HELD, "", "a file was written through a link")
    return Answer(Outcome.HELD, "workspace delivery", "3 planted links")


def special_files() -> Answer:
    """T37: only regular files of a tree reach the copy that is run."""
    with tempfile.TemporaryDirectory() as folder:
        tree, secret = Path(folder, "tree"), Path(folder, "secret")
        tree.mkdir()
        secret.write_text(OUTSIDE)
        os.mkfifo(tree / "pipe")
        (tree / "link").symlink_to(secret)
        (tree / "folder").symlink_to(Path(folder))
        (tree / "real.py").write_text("x = 1\n")
        with socket.socket(socket.AF_UNIX) as ear:
            ear.bind(str(tree / "socket"))
            snapshot = take_snapshot(tree, {})
        try:
            names = sorted(path.name for path in snapshot.root.rglob("*"))
        finally:
            snapshot.remove()
    if names != ["real.py"]:
        return Answer(Outcome.NOT_HELD, "", f"copied: {', '.join(names)}")
    return Answer(Outcome.HELD, "sandbox snapshot", "only the regular file was copied")


def hostile_archive() -> Answer:
    """T40: a stored snapshot whose names leave the folder, and one whose content was changed."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "snapshots")
        root.mkdir()
        deeds: dict[str, Callable[[], object]] = {}
        for name in ("../../evil", "/tmp/evil", "a/../../evil"):  # noqa: S108 - only a name
            tree = Tree((FileEntry(name, "0" * 64, 1, "user"),))
            with zipfile.ZipFile(root / f"{tree.id}.zip", "w") as archive:
                archive.writestr(name, "x")
            deeds[name] = partial(snapshots.load, root, tree)
        kept = snapshots.save(root, _files("a.py"))
        with zipfile.ZipFile(root / f"{kept.id}.zip", "w") as archive:
            archive.writestr("a.py", "changed")
        deeds["changed content"] = lambda: snapshots.load(root, kept)
        answer = _all_refused("workspace snapshots", deeds)
        left = sorted(path.name for path in Path(folder).iterdir())
    if left != ["snapshots"]:
        return Answer(Outcome.NOT_HELD, "", f"written outside: {', '.join(left)}")
    return answer


def hostile_pages() -> Answer:
    """T46: a report whose every text is markup; dashboard and bot are not built yet."""
    found = []
    for words in MARKUP:
        page = hostile_report_page(words)
        if words.startswith("javascript:"):
            found += re.findall(r"(?:href|src)\s*=\s*[\"']?javascript:", page)
        elif words in page:
            found.append(words)
        if words.split("(")[0].strip("<>\"'")[:6] not in page:
            return Answer(Outcome.UNPROVEN, "", "the words are not on the page at all")
    if found:
        return Answer(Outcome.NOT_HELD, "", f"on the page as it is: {found[0]}")
    return Answer(
        Outcome.HELD, "escaping templates", "report page; bot and dashboard not built yet"
    )


def _checking(name: str) -> Callable[[], object]:
    return lambda: checked_path(name)


def _all_refused(layer: str, deeds: dict[str, Callable[[], object]]) -> Answer:
    taken = [name for name, deed in deeds.items() if not _quietly(deed)]
    if taken:
        return Answer(Outcome.NOT_HELD, "", f"taken: {', '.join(taken[:3])}")
    return Answer(Outcome.HELD, layer, f"{len(deeds)} refused")


def _quietly(deed: Callable[[], object]) -> bool:
    """True when `deed` was refused with an error of ours."""
    try:
        deed()
    except BuildwrightError:
        return True
    return False


def _files(*names: str) -> tuple[RenderedFile, ...]:
    return tuple(RenderedFile(name, b"x = 1\n", "user") for name in names)


def _plant_folder(target: Path, outside: Path) -> None:
    target.mkdir()
    (target / "sub").symlink_to(outside)


def _plant_file(target: Path, outside: Path) -> None:
    target.mkdir()
    (target / "x").symlink_to(outside / "x")


def _plant_target(target: Path, outside: Path) -> None:
    target.symlink_to(outside)


def hostile_report_page(words: str) -> str:
    """The HTML report of a build in which every text is `words`."""
    pages = {Path(file.path).name: file.content.decode() for file in report_pages(filled(words))}
    return pages["report.html"]


def filled(words: str) -> Report:
    """A report in which every text, in every list, is `words`."""
    report: Report = _value(Report, words)
    return report


def _value(kind: Any, words: str) -> Any:
    """A value of the type `kind`; lists have one entry, numbers are 1."""
    origin, parts = get_origin(kind), [part for part in get_args(kind) if part is not type(None)]
    if kind is str:
        return words
    if origin in (tuple, Union, UnionType):
        one = _value(parts[0], words)
        return (one,) if origin is tuple else one
    if origin is Literal:
        return parts[0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[-1]
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{field.name: _value(hints[field.name], words) for field in fields(kind)})
    return kind(1)
