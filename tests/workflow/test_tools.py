"""The five tools, each usable on its own: confined, honest about refusals, never raising."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from buildwright.core.chat import ChatReply, ChatRequest, ToolCall
from buildwright.core.tree import RenderedFile
from buildwright.core.verdict import CaseOutcome, CaseResult, TestRun, Verdict
from buildwright.workflow.tools import (
    CodeAnalysisTool,
    CodeGenerationTool,
    DocumentationTool,
    FileOperationTool,
    TestExecutionTool,
    Tool,
    run_tool,
)
from buildwright.workflow.workbench import Workbench
from buildwright.workspace import edits

SOURCE = 'def add(a, b):\n    """Add."""\n    return a - b\n'


@pytest.fixture
def bench() -> Workbench:
    files = (
        RenderedFile("src/calc.py", SOURCE.encode(), "template t@1"),
        RenderedFile("tests/test_calc.py", b"def test_add(): assert False\n", "template t@1"),
    )
    return Workbench(files, edits.Policy(protected=("tests/**",)))


async def call(tool: Tool, **arguments: object) -> str:
    made = ToolCall("1", tool.spec.name, json.dumps(arguments))
    return await run_tool({tool.spec.name: tool}, made)


async def test_files_are_listed_read_and_searched(bench: Workbench) -> None:
    tool = FileOperationTool(bench)
    assert await call(tool, action="list") == "src/calc.py\ntests/test_calc.py"
    assert await call(tool, action="read", path="src/calc.py") == SOURCE
    assert await call(tool, action="search", text="a - b") == "src/calc.py:3: return a - b"
    assert await call(tool, action="search", text="zzz") == "no hits"


async def test_an_edit_lands_in_a_file_that_was_read(bench: Workbench) -> None:
    tool = FileOperationTool(bench)
    await call(tool, action="read", path="src/calc.py")
    answer = await call(tool, action="edit", path="src/calc.py", old_text="a - b", new_text="a + b")
    assert answer == "changed: src/calc.py"
    assert b"a + b" in bench.files["src/calc.py"]
    sources = {file.path: file.source for file in bench.rendered("model m")}
    assert sources == {"src/calc.py": "model m", "tests/test_calc.py": "template t@1"}


async def test_an_edit_of_a_file_nobody_read_is_refused(bench: Workbench) -> None:
    answer = await call(
        FileOperationTool(bench), action="edit", path="src/calc.py", old_text="-", new_text="+"
    )
    assert answer.startswith("refused")


@pytest.mark.parametrize(
    "path", ["../x.py", "/etc/passwd", "a/../../x", ".git/config", "tests/test_calc.py",
             "tests/conftest.py", "tests/test_other.py"],
)  # fmt: skip
async def test_writing_outside_or_into_the_tests_is_refused(bench: Workbench, path: str) -> None:
    before = dict(bench.files)
    answer = await call(FileOperationTool(bench), action="write", path=path, content="x = 1\n")
    assert answer.startswith("refused") or "failed" in answer
    assert bench.files == before


async def test_a_model_may_add_tests_of_its_own(bench: Workbench) -> None:
    text = "def test_it():\n    assert True\n"
    tool = FileOperationTool(bench)
    answer = await call(tool, action="write", path="tests/test_item_fr1.py", content=text)
    assert answer == "changed: tests/test_item_fr1.py"
    assert (await call(tool, action="delete", path="src/calc.py")).startswith("changed")


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("file_operations", "{}", "unknown tool 'file_operations': did you mean 'file_operation'"),
        ("file_operation", "{", "no JSON"),
        ("file_operation", "[]", "must be an object"),
        ("file_operation", '{"action": 3}', "expected text"),
        ("file_operation", '{"action": "fly", "path": "x"}', "is none of"),
        ("file_operation", '{"action": "read", "path": "none.py"}', "there is no file"),
    ],
)
async def test_a_wrong_call_is_told_and_never_raised(
    bench: Workbench, name: str, arguments: str, told: str
) -> None:
    tools: dict[str, Tool] = {"file_operation": FileOperationTool(bench)}
    assert told in await run_tool(tools, ToolCall("1", name, arguments))


async def test_analysis_scores_the_files_as_they_are_now(bench: Workbench) -> None:
    answer = await call(CodeAnalysisTool(bench))
    assert "security 100 of 100" in answer
    assert "maintainability" in answer


async def test_documentation_lists_symbols(bench: Workbench) -> None:
    assert "`add(a, b)`: Add" in await call(DocumentationTool(bench))


async def test_a_test_run_is_summarised(bench: Workbench) -> None:
    async def run(files: tuple[RenderedFile, ...]) -> TestRun:
        case = CaseResult("tests/test_calc.py::test_add", CaseOutcome.FAILED, "assert False")
        return TestRun(Verdict.FAILED, "1 failed", (case,))

    answer = await call(TestExecutionTool(bench, run))
    assert answer.splitlines() == [
        "failed: 0 of 1 passed. 1 failed",
        "- tests/test_calc.py::test_add: failed: assert False",
    ]


class Answering:
    """A gateway that gives one answer."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.requests: list[ChatRequest] = []

    async def complete(self, request: ChatRequest) -> ChatReply:
        self.requests.append(request)
        return ChatReply(self.text)


async def test_one_model_call_yields_edits(bench: Workbench) -> None:
    text = "src/new.py\n```\nX = 1\n```\n"
    tool = CodeGenerationTool(bench, Answering(text), ChatRequest("m", ()))
    assert await call(tool, instruction="Add src/new.py.") == "changed: src/new.py"
    prose = CodeGenerationTool(bench, Answering("I would rather not."), ChatRequest("m", ()))
    assert (await call(prose, instruction="Try.")).startswith("refused")


def test_a_workbench_over_a_folder_leaves_links_and_git_alone(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("")
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert set(Workbench.of_folder(tmp_path).files) == {"a.py"}
