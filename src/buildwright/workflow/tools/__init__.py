"""Tools of the agent, each usable on its own from Python and by other doors.

A tool has a `spec` (name, description, JSON schema) and `run(arguments) -> str`; what it
returns is meant for a model to read. Wrong arguments are answered, never raised.
"""

from buildwright.workflow.tools.analysis import CodeAnalysisTool
from buildwright.workflow.tools.documentation import DocumentationTool
from buildwright.workflow.tools.files import FileOperationTool
from buildwright.workflow.tools.generation import CodeGenerationTool
from buildwright.workflow.tools.testing import TestExecutionTool
from buildwright.workflow.tools.tool import Tool, run_tool

__all__ = [
    "CodeAnalysisTool",
    "CodeGenerationTool",
    "DocumentationTool",
    "FileOperationTool",
    "TestExecutionTool",
    "Tool",
    "run_tool",
]
