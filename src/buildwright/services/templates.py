"""What can be built, as plain rows for doors."""

from __future__ import annotations

from buildwright.core.settings import Settings
from buildwright.design.catalog import Template, list_templates, load_template


def known_templates(settings: Settings) -> list[dict[str, str]]:
    """Return name, version, kind and title of every template."""
    return [_row(template) for template in list_templates(settings.templates)]


def one_template(settings: Settings, name: str) -> dict[str, str]:
    """Return a template with its description; raises UnknownNameError."""
    template = load_template(name, settings.templates)
    return {**_row(template), "description": template.description}


def _row(template: Template) -> dict[str, str]:
    return {
        "name": template.name,
        "version": template.version,
        "kind": template.kind,
        "title": template.title,
    }
