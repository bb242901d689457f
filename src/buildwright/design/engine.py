"""Jinja2, sandboxed and strict: templates are code of ours, everything else is data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from buildwright.core.errors import UsageError
from buildwright.design import formats
from buildwright.design.catalog import SHARED

if TYPE_CHECKING:
    from jinja2 import Template as JinjaTemplate
    from jinja2.sandbox import SandboxedEnvironment

T = TypeVar("T")


@cache
def environment(root: Path) -> SandboxedEnvironment:
    """Return the environment of a template folder; compiled templates stay in it."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([root, SHARED]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=2000,
    )
    made.filters |= {
        "py": formats.literal,
        "py_long": formats.long_literal,
        "shell_json": formats.shell_json,
        "docstring": formats.docstring,
        "comment": formats.comment,
        "toml": formats.toml,
        "yaml": formats.yaml,
        "md": formats.markdown,
        "quote": formats.quote,
        "html": formats.markup,
        "one_line": formats.one_line,
    }
    made.globals |= {
        "fit": formats.fit,
        "imports": formats.imports,
        "member_order": formats.member_order,
        "width": formats.width,
    }
    return made


def text_of(root: Path, text: str, **data: object) -> str:
    """Render a short text of a manifest or a path; `text` never comes from a requirement."""
    return _attempt(root, text, lambda: _compiled(root, text).render(**data))


def holds(root: Path, expression: str, **data: object) -> bool:
    """Evaluate a condition of a manifest."""
    return _attempt(root, expression, lambda: bool(_condition(root, expression)(**data)))


def file_text(root: Path, name: str, **data: object) -> str:
    """Render a template file by its path below `root`."""
    return _attempt(root, name, lambda: environment(root).get_template(name).render(**data))


@cache
def _compiled(root: Path, text: str) -> JinjaTemplate:
    return environment(root).from_string(text)


@cache
def _condition(root: Path, expression: str) -> Callable[..., object]:
    return environment(root).compile_expression(expression, undefined_to_none=False)


def _attempt(root: Path, what: str, make: Callable[[], T]) -> T:
    from jinja2 import TemplateError

    try:
        return make()
    except TemplateError as exc:
        place = f", line {exc.lineno}" if hasattr(exc, "lineno") else ""
        raise UsageError(
            f"template {root.name!r}: {what!r}{place}: {exc}",
            next_step="correct the template; templates/README.md lists what it can use",
        ) from exc
