"""What the code offers, as Markdown, read from its syntax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildwright.core.chat import ToolSpec
from buildwright.design.documents import code_page
from buildwright.workflow.tools.tool import schema
from buildwright.workflow.workbench import Workbench


class DocumentationTool:
    """Modules, public symbols and HTTP routes of a workbench."""

    spec = ToolSpec(
        "documentation", "Describe modules, public symbols and routes of the project.", schema(())
    )

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def run(self, arguments: Mapping[str, Any]) -> str:
        """Return the code map of the files as they are now."""
        python = {p: c for p, c in self._bench.files.items() if p.endswith(".py")}
        return code_page(python)
