"""From a template and an analysis to the files of a project, always the same bytes."""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

from buildwright.core.errors import UsageError
from buildwright.core.requirements import Analysis
from buildwright.core.tree import RenderedFile
from buildwright.design.answers import complete
from buildwright.design.catalog import Rule, Template
from buildwright.design.context import make_project
from buildwright.design.engine import file_text, holds, text_of
from buildwright.design.views import Project

SUFFIX = ".j2"
FILES = "files"


def render_project(
    template: Template, analysis: Analysis, answers: Mapping[str, str]
) -> tuple[RenderedFile, ...]:
    """Render every file of a template, sorted by path.

    Raises UnknownNameError or UsageError for answers the template does not take, and UsageError
    where the template itself is at fault (a path outside the project, two files of one name).
    """
    project = make_project(analysis)
    data = {
        "project": project,
        "answers": complete(template, analysis, answers),
        "template": {"name": template.name, "version": template.version},
    }
    made: dict[str, RenderedFile] = {}
    seen: dict[str, str] = {}
    for name in _sources(template.root):
        for scope in _scopes(name, project):
            path = _path(template, name, {**data, **scope})
            if path is None:
                continue
            if path.casefold() in seen:
                raise _fault(template, f"{name!r} and {seen[path.casefold()]!r} both make {path!r}")
            seen[path.casefold()] = name
            made[path] = RenderedFile(
                path=path,
                content=_content(template, name, {**data, **scope}),
                source=template.source,
                executable=any(fnmatch.fnmatch(path, glob) for glob in template.executable),
            )
    return tuple(made[path] for path in sorted(made))


def provided(template: Template, analysis: Analysis) -> dict[str, tuple[str, ...]]:
    """Return what the rendered project can do: capability -> sorted paths that implement it."""
    project = make_project(analysis)
    found: dict[str, set[str]] = {}
    for rule in template.provides:
        for scope in _things(rule, project):
            data = {"project": project, **scope}
            if holds(template.root, rule.when, **data):
                name = text_of(template.root, rule.capability, **data)
                paths = {text_of(template.root, path, **data) for path in rule.files}
                found[name] = found.get(name, set()) | paths
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


@cache
def _sources(root: Path) -> tuple[str, ...]:
    folder = root / FILES
    paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    for path in paths:
        if path.is_symlink():
            raise UsageError(
                f"template {root.name!r}: {path.name!r} is a symbolic link",
                next_step="put the file itself into the template",
            )
    return tuple(path.relative_to(folder).as_posix() for path in paths)


def _scopes(name: str, project: Project) -> Iterator[Mapping[str, object]]:
    if "{{ entity." in name or "{{entity." in name:
        yield from ({"entity": entity} for entity in project.entities)
    else:
        yield {}


def _things(rule: Rule, project: Project) -> Iterator[Mapping[str, object]]:
    if rule.each == "project":
        yield {}
        return
    for entity in project.entities:
        if rule.each == "entity":
            yield {"entity": entity}
        else:
            several = {
                "field": entity.fields,
                "relation": entity.relations,
                "link": entity.links,
            }[rule.each]
            yield from ({"entity": entity, rule.each: one} for one in several)


def _path(template: Template, name: str, data: Mapping[str, object]) -> str | None:
    path = text_of(template.root, name.removesuffix(SUFFIX), **data)
    parts = path.split("/")
    if not path.startswith("/") and "" in (part.strip() for part in parts):
        return None
    odd = any(unicodedata.category(c).startswith("C") or c in '\\:*?"<>|' for c in path)
    if odd or PurePosixPath(path).is_absolute() or {".", ".."} & set(parts):
        raise _fault(template, f"{name!r} makes the path {path!r}, which leaves the project")
    return path


def _content(template: Template, name: str, data: Mapping[str, object]) -> bytes:
    if name.endswith(SUFFIX):
        return file_text(template.root, f"{FILES}/{name}", **data).encode()
    return _raw(template.root / FILES / name)


@cache
def _raw(path: Path) -> bytes:
    return path.read_bytes()


def _fault(template: Template, what: str) -> UsageError:
    step = "correct the template's file names"
    return UsageError(f"template {template.name!r}: {what}", next_step=step)
