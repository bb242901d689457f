"""What a model is shown: the items, the plan, a map of the tree, and some files in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from buildwright.core.build import Attempt, BuildState
from buildwright.core.plan import Plan
from buildwright.core.requirements import Analysis, Priority
from buildwright.design.codemap import map_code
from buildwright.workflow.prompts import prompt
from buildwright.workflow.repair import Approach

FILES_BUDGET = 24_000
WIDER_BUDGET = 80_000
"""Characters of files shown in full; about 8,000 and 27,000 tokens."""
MESSAGE_CHARS = 1_500
MOST_FAILURES = 12


def task_prompt(
    analysis: Analysis,
    plan: Plan,
    files: Mapping[str, bytes],
    shown: Iterable[str],
    memory: Iterable[str] = (),
) -> str:
    """Return the first message of an attempt; `shown` are paths to show in full, in order."""
    hits = "\n".join(f"- {hit}" for hit in memory)
    return prompt(
        "task",
        requirement="\n".join(f"> {line}" for line in analysis.text.splitlines()),
        items=_items(analysis, plan),
        design=_design(analysis, plan),
        map=tree_map(files),
        memory=f"\n# From earlier builds\n\n{hits}\n" if hits else "",
        files="\n".join(_file(path, files[path]) for path in shown if path in files),
    )


def repair_prompt(attempt: Attempt, how: Approach) -> str:
    """Return what failed, in as few words as tell it, and how to go on."""
    advice = {
        Approach.FEEDBACK: "Find the cause and correct it.",
        Approach.WIDER: "The last change did not help. More of the project is shown now.",
        Approach.AFRESH: "Two changes did not help. Forget them: plan the failing part anew and "
        "write it again from the requirement.",
    }
    lines = [
        f"- {case.id}: {case.outcome.value}\n{_indented(case.message)}"
        for case in attempt.run.failures[:MOST_FAILURES]
    ]
    more = len(attempt.run.failures) - MOST_FAILURES
    if more > 0:
        lines.append(f"- and {more} more")
    failures = "\n".join(lines) or attempt.run.reason
    return prompt("repair", failures=failures, advice=advice.get(how, ""))


def files_to_show(state: BuildState, files: Mapping[str, bytes], how: Approach) -> tuple[str, ...]:
    """Return paths worth showing in full: tests given by the user, then source, small first."""
    given = [entry.path for entry in state.request.tests.files] if state.request.tests else []
    source = sorted(
        (path for path in files if path.endswith((".py", ".toml")) and path not in given),
        key=lambda path: (not path.startswith("src/"), len(files[path]), path),
    )
    budget = FILES_BUDGET if how is Approach.FEEDBACK else WIDER_BUDGET
    chosen: list[str] = []
    for path in (*given, *source):
        size = len(files.get(path, b""))
        if path in files and size <= budget:
            chosen.append(path)
            budget -= size
    return tuple(chosen)


def tree_map(files: Mapping[str, bytes]) -> str:
    """Return the paths, and under each Python file its public symbols."""
    python = {path: content for path, content in files.items() if path.endswith(".py")}
    symbols: dict[str, list[str]] = {}
    for symbol in map_code(python).symbols:
        symbols.setdefault(symbol.module, []).append(f"    {symbol.kind} {symbol.signature}")
    lines: list[str] = []
    for path in sorted(files):
        lines += [path, *symbols.get(path, [])]
    return "\n".join(lines)


def _items(analysis: Analysis, plan: Plan) -> str:
    lines = []
    for item in analysis.items:
        if item.priority is Priority.WONT:
            continue
        done = "" if item.id in plan.uncovered else " (done by the template)"
        lines.append(f"- {item.id}{done}: {item.text}\n  accepted when: {item.scenario}")
    return "\n".join(lines) or "- the requirement as a whole"


def _design(analysis: Analysis, plan: Plan) -> str:
    lines = [f"Template {plan.template}@{plan.template_version}."]
    lines += [f"- {d.title}: {d.choice} ({d.why})" for d in plan.decisions]
    for entity in analysis.entities:
        fields = ", ".join(f"{field.name}: {field.type}" for field in entity.fields)
        lines.append(f"- {entity.name}({fields})")
    lines += [f"- {r.source} {r.kind} {r.target} as {r.role}" for r in analysis.relations]
    return "\n".join(lines)


def _file(path: str, content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    fence = "```"
    while fence in text:
        fence += "`"
    return f"\n{path}\n{fence}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"


def _indented(text: str) -> str:
    short = (
        text
        if len(text) <= MESSAGE_CHARS
        else text[: MESSAGE_CHARS // 2] + "\n…\n" + text[-MESSAGE_CHARS // 2 :]
    )
    return "\n".join(f"    {line}" for line in short.splitlines())
