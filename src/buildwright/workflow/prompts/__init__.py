"""What is said to a model, as files: `$name` marks are filled in, nothing else is added."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template


def prompt(name: str, **parts: str) -> str:
    """Return a prompt with its parts filled in; an unknown or missing part is a KeyError."""
    return _template(name).substitute(parts)


@cache
def _template(name: str) -> Template:
    return Template(Path(__file__).with_name(f"{name}.md").read_text(encoding="utf-8"))
