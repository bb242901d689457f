"""Running the locked tests of a workbench in the sandbox, failures summarised."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from buildwright.core.chat import ToolSpec
from buildwright.core.tree import RenderedFile
from buildwright.core.verdict import CaseOutcome, TestRun
from buildwright.workflow.tools.tool import schema
from buildwright.workflow.workbench import Workbench

MOST_FAILURES = 12
MESSAGE_CHARS = 1_500
RunTests = Callable[[tuple[RenderedFile, ...]], Awaitable[TestRun]]


class TestExecutionTool:
    """A sandboxed run of the tests; `run_tests` takes the files and returns the verdict."""

    __test__ = False

    spec = ToolSpec("test_execution", "Run the tests of the project in the sandbox.", schema(()))

    def __init__(self, bench: Workbench, run_tests: RunTests) -> None:
        self._bench, self._run_tests = bench, run_tests

    async def run(self, arguments: Mapping[str, Any]) -> str:
        """Run the tests over the files as they are now."""
        return summary(await self._run_tests(self._bench.rendered("model")))


def summary(run: TestRun) -> str:
    """Return verdict, counts and the first failures."""
    passed = sum(1 for case in run.cases if case.outcome is CaseOutcome.PASSED)
    lines = [f"{run.verdict.value}: {passed} of {len(run.cases)} passed. {run.reason}"]
    for case in run.failures[:MOST_FAILURES]:
        lines.append(f"- {case.id}: {case.outcome.value}: {case.message[:MESSAGE_CHARS]}")
    return "\n".join(lines)
