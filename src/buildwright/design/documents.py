"""Documents of a build: report and design as Markdown, HTML and JSON, and the project's own.

Everything that comes from a requirement, a test or a model is escaped for its target; the HTML
pages hold their style and load nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from buildwright.core import codec
from buildwright.core.plan import Plan
from buildwright.core.report import Report
from buildwright.core.requirements import Analysis
from buildwright.core.tree import RenderedFile
from buildwright.design import formats
from buildwright.design.codemap import map_code
from buildwright.design.diagram import entity_diagram, entity_mermaid

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = ".buildwright"


def report_pages(report: Report) -> tuple[RenderedFile, ...]:
    """Return `.buildwright/report.md`, `.html` and `.json`."""
    source = f"buildwright {report.version}"
    pages = {
        "report.md": _page("report.md.j2", report=report),
        "report.html": _page("report.html.j2", report=report),
        "report.json": codec.dump_pretty(report),
    }
    return _files(pages, source)


def design_pages(analysis: Analysis, plan: Plan, version: str) -> tuple[RenderedFile, ...]:
    """Return `.buildwright/design.md`, `.html`, `.json` and `answers.yaml`."""
    data = {
        "analysis": analysis,
        "plan": plan,
        "version": version,
        "mermaid": entity_mermaid(analysis),
        "diagram": entity_diagram(analysis),
    }
    pages = {
        "design.md": _page("design.md.j2", **data),
        "design.html": _page("design.html.j2", **data),
        "design.json": f'{{"analysis": {codec.dump(analysis)}, "plan": {codec.dump(plan)}}}\n',
        "answers.yaml": _answers(analysis, plan),
    }
    return _files(pages, f"buildwright {version}")


def project_documents(
    analysis: Analysis, plan: Plan, files: Sequence[RenderedFile], version: str
) -> tuple[RenderedFile, ...]:
    """Return the documents computed from plan and tree: requirements, code map, changelog."""
    have = {file.path for file in files}
    python = {file.path: file.content for file in files if file.path.endswith(".py")}
    source = {path: text for path, text in python.items() if not path.startswith("tests/")}
    pages = {
        "docs/requirements.md": _page("requirements.md.j2", analysis=analysis, plan=plan),
        "docs/code.md": code_page(source),
        "CHANGELOG.md": _page("changelog.md.j2", analysis=analysis, plan=plan),
    }
    return tuple(
        RenderedFile(path, text.encode(), f"buildwright {version}")
        for path, text in pages.items()
        if path not in have
    )


def code_page(files: Mapping[str, bytes]) -> str:
    """Return modules, public symbols and HTTP routes of Python files as Markdown."""
    return _page("code.md.j2", code=map_code(files))


def _files(pages: Mapping[str, str], source: str) -> tuple[RenderedFile, ...]:
    return tuple(
        RenderedFile(f"{FOLDER}/{name}", text.encode("utf-8", "replace"), source)
        for name, text in pages.items()
    )


def _answers(analysis: Analysis, plan: Plan) -> str:
    questions = {
        question.id: {
            "question": question.text,
            "options": list(question.options),
            "built": question.default,
            "why": question.why,
        }
        for question in analysis.questions
    }
    document = {
        "template": f"{plan.template}@{plan.template_version}",
        "answers": dict(plan.answers),
        "questions": questions,
        "requirement": analysis.text,
    }
    head = "# What this project was built from. `answers` can be given to another build:\n"
    usage = "#   buildwright build --file requirement.txt --answers answers.yaml\n"
    body: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=96)
    return head + usage + body


def _page(name: str, **data: object) -> str:
    return _environment().get_template(name).render(**data)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "md": formats.markdown,
        "quote": formats.quote,
        "when": _when,
        "percent": lambda ratio: "not measured" if ratio is None else f"{ratio:.0%}",
    }
    return made


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
