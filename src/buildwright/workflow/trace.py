"""Traceability, computed: item -> capability -> files and tests -> what the run said of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from buildwright.core.plan import Plan
from buildwright.core.report import ItemStatus, ItemTrace
from buildwright.core.requirements import Item, Priority
from buildwright.core.verdict import CaseOutcome, TestRun


def marked_tests(files: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
    """Return capability -> ids of the tests marked `@pytest.mark.covers("capability", ...)`."""
    found: dict[str, list[str]] = {}
    for path, content in sorted(files.items()):
        try:
            module = ast.parse(content)
        except (SyntaxError, ValueError, RecursionError):
            continue
        for test_id, needs in _marks(module.body, path, ()):
            for need in needs:
                found.setdefault(need, []).append(test_id)
    return {need: tuple(ids) for need, ids in found.items()}


def _marks(
    body: Sequence[ast.stmt], prefix: str, inherited: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _marks(node.body, f"{prefix}::{node.name}", inherited + _covers(node))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            needs = inherited + _covers(node)
            if node.name.startswith("test") and needs:
                yield f"{prefix}::{node.name}", needs


def _covers(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    needs: list[str] = []
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.covers":
            needs += [str(arg.value) for arg in mark.args if isinstance(arg, ast.Constant)]
    return tuple(needs)


def trace_items(
    items: Sequence[Item], plan: Plan, marks: Mapping[str, tuple[str, ...]], run: TestRun
) -> tuple[ItemTrace, ...]:
    """Return for every item what covers it, and whether the tests that prove it passed."""
    outcomes = {case.id: case.outcome for case in run.cases}
    return tuple(_trace(item, plan, marks, outcomes) for item in items)


def _trace(
    item: Item,
    plan: Plan,
    marks: Mapping[str, tuple[str, ...]],
    outcomes: Mapping[str, CaseOutcome],
) -> ItemTrace:
    tests = tuple(dict.fromkeys(test for need in item.needs for test in marks.get(need, ())))
    files = tuple(dict.fromkeys(p for need in item.needs for p in plan.provides.get(need, ())))
    decisions = tuple(d.id for d in plan.decisions if item.id in d.items)
    status, why = _status(item, plan, marks, outcomes)
    return ItemTrace(
        item.id,
        item.text,
        item.priority.value,
        item.scenario,
        status,
        item.needs,
        decisions,
        files if status in ("covered", "failing") else (),
        tests if status in ("covered", "failing") else (),
        why,
    )


def _status(
    item: Item,
    plan: Plan,
    marks: Mapping[str, tuple[str, ...]],
    outcomes: Mapping[str, CaseOutcome],
) -> tuple[ItemStatus, str]:
    if item.priority is Priority.WONT:
        return "out_of_scope", "the text rules it out or puts it off"
    if not item.needs:
        return "uncovered", "no rule knows what would cover it; a model could"
    missing = [need for need in item.needs if need not in plan.provides]
    if missing:
        return "uncovered", f"the template does not provide {', '.join(missing)}; a model could"
    unproved = [need for need in item.needs if not marks.get(need)]
    if unproved:
        return "uncovered", f"no test proves {', '.join(unproved)}"
    bad = [
        test
        for need in item.needs
        for test in marks[need]
        if outcomes.get(test) is not CaseOutcome.PASSED
    ]
    if bad:
        return "failing", f"did not pass: {', '.join(dict.fromkeys(bad))}"
    return "covered", ""
