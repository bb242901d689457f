"""A short project name and a title."""

from __future__ import annotations

import keyword
import re

from buildwright.core.requirements import Entity, ProjectKind
from buildwright.design.analysis import types
from buildwright.design.analysis.model import role_of
from buildwright.design.analysis.text import Document, tokenize
from buildwright.design.words import plural

MAX_NAME = 40
_SUFFIX: dict[ProjectKind, str] = {
    "rest-api": "api",
    "fullstack-web-app": "app",
    "microservice": "service",
    "graphql-api": "api",
    "cli-tool": "cli",
    "mobile-backend": "backend",
    "data-pipeline": "pipeline",
    "ml-service": "service",
    "none": "project",
}
_WORDS = {"api": "API", "cli": "CLI"}
_CALLED = re.compile(r"\b(?:called|named)\s+[`\"'“]?([A-Za-z][A-Za-z0-9-]{2,24})")
_TITLE_CHARS = 60


def project_name(document: Document, kind: ProjectKind, entities: tuple[Entity, ...]) -> str:
    """Kebab-case ASCII, at most MAX_NAME characters, a valid package name with `-` -> `_`.

    Taken from the name that the text gives, else its heading, else its main entity.
    """
    suffix = _SUFFIX[kind]
    given = _given(document)
    if given and not keyword.iskeyword(given.replace("-", "_")):
        return given[:MAX_NAME].rstrip("-")
    heading = _heading(document)
    stem = heading or (plural(role_of(_main(entities))) if entities else "")
    name = stem.replace("_", "-")[: MAX_NAME - len(suffix) - 1].rstrip("-")
    if not name:
        return f"new-{suffix}"
    return name if name.endswith(f"-{suffix}") else f"{name}-{suffix}"


def project_title(document: Document, name: str) -> str:
    """The first heading if the text has one, else the name in words; one line."""
    if document.headings:
        title = " ".join(document.headings[0].split())[:_TITLE_CHARS].strip()
        if title:
            return title.title() if title.isupper() else title
    return " ".join(_WORDS.get(w, w.capitalize()) for w in name.split("-"))


def _main(entities: tuple[Entity, ...]) -> str:
    return max(entities, key=lambda e: (len(e.fields), -e.span.start)).name


def _given(document: Document) -> str:
    for sentence in document.sentences[:3]:
        match = _CALLED.search(document.text[sentence.start : sentence.end][:500])
        if match and match[1].lower() not in _NOT_NAMES:
            return types.snake((match[1],)).replace("_", "-")
    return ""


_NOT_NAMES = frozenset(
    [
        "the",
        "and",
        "with",
        "for",
        "from",
        "that",
        "this",
        "after",
        "its",
        "our",
        "your",
        "each",
        "every",
    ]
)
_NOISE = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "for",
        "our",
        "and",
        "in",
        "to",
        "requirements",
        "requirement",
        "specification",
    ]
)


def _heading(document: Document) -> str:
    if not document.headings:
        return ""
    words = [t.low for t in tokenize(document.headings[0]) if t.is_word]
    kept = [word for word in words if word not in _NOISE and word.isascii()][:3]
    return types.snake(tuple(kept)) if kept and len(words) <= 8 else ""
