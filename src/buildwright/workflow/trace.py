"""Traceability, computed: item -> capability -> files and tests -> what the run said of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What can prove an item.

    `marks` are capability or item id -> ids of the tests that carry it; `acceptance` are the tests
    that the user brought: they prove every item that no template covers.
    """

    plan: Plan
    marks: Mapping[str, tuple[str, ...]]
    outcomes: Mapping[str, CaseOutcome]
    acceptance: tuple[str, ...] = ()

    def needs_of(self, item: Item) -> tuple[str, ...]:
        """Return the item's needs, or its own id where only a model or the user can prove it."""
        if item.needs and all(need in self.plan.provides for need in item.needs):
            return item.needs
        return (item.id,)

    def tests_of(self, item: Item) -> tuple[str, ...]:
        """Return the tests that prove an item, each once."""
        found = [test for need in self.needs_of(item) for test in self.marks.get(need, ())]
        if self.needs_of(item) == (item.id,):
            found += self.acceptance
        return tuple(dict.fromkeys(found))


def evidence_of(
    plan: Plan,
    run: TestRun,
    tests: Mapping[str, bytes],
    *,
    hollow: Sequence[str] = (),
    acceptance: Sequence[str] = (),
) -> Evidence:
    """Return the evidence of a run; tests that prove nothing are left out."""
    outcomes = {case.id: case.outcome for case in run.cases}
    marks = {
        need: tuple(test for test in ids if test not in hollow)
        for need, ids in marked_tests(tests).items()
    }
    given = tuple(test for test in outcomes if test.partition("::")[0] in acceptance)
    return Evidence(plan, marks, outcomes, given)


def trace_items(items: Sequence[Item], evidence: Evidence) -> tuple[ItemTrace, ...]:
    """Return for every item what covers it, and whether the tests that prove it passed."""
    return tuple(_trace(item, evidence) for item in items)


def _trace(item: Item, evidence: Evidence) -> ItemTrace:
    plan = evidence.plan
    files = tuple(dict.fromkeys(p for need in item.needs for p in plan.provides.get(need, ())))
    decisions = tuple(d.id for d in plan.decisions if item.id in d.items)
    status, why = _status(item, evidence)
    proven = status in ("covered", "failing")
    return ItemTrace(
        item.id,
        item.text,
        item.priority.value,
        item.scenario,
        status,
        item.needs,
        decisions,
        files if proven else (),
        evidence.tests_of(item) if proven else (),
        why,
    )


def _status(item: Item, evidence: Evidence) -> tuple[ItemStatus, str]:
    if item.priority is Priority.WONT:
        return "out_of_scope", "the text rules it out or puts it off"
    tests = evidence.tests_of(item)
    if not tests or _unproved(item, evidence):
        return "uncovered", _why_not(item, evidence)
    bad = [test for test in tests if evidence.outcomes.get(test) is not CaseOutcome.PASSED]
    if bad:
        return "failing", f"did not pass: {', '.join(bad)}"
    return "covered", ""


def _unproved(item: Item, evidence: Evidence) -> list[str]:
    if evidence.needs_of(item) == (item.id,):
        return []
    return [need for need in item.needs if not evidence.marks.get(need)]


def _why_not(item: Item, evidence: Evidence) -> str:
    missing = [need for need in item.needs if need not in evidence.plan.provides]
    if missing:
        return f"the template does not provide {', '.join(missing)}; a model could"
    unproved = _unproved(item, evidence)
    if unproved:
        return f"no test proves {', '.join(unproved)}"
    return "no rule knows what would cover it; a model could"
