"""Security, quality and maintainability of the files of a workbench."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from buildwright.assess import assess_tree
from buildwright.core.chat import ToolSpec
from buildwright.workflow.tools.tool import schema
from buildwright.workflow.workbench import Workbench
from buildwright.workspace import delivery

MOST_FINDINGS = 30


class CodeAnalysisTool:
    """Scores 0 to 100 with findings, by real analysers."""

    spec = ToolSpec(
        "code_analysis",
        "Score security, quality and maintainability of the source, with findings.",
        schema(()),
    )

    def __init__(self, bench: Workbench, source_dir: str = "src") -> None:
        self._bench, self._source_dir = bench, source_dir

    async def run(self, arguments: Mapping[str, Any]) -> str:
        """Assess the files as they are now."""
        with tempfile.TemporaryDirectory(prefix="buildwright-assess-") as folder:
            tree = Path(folder, "tree")
            delivery.materialise(self._bench.rendered("model"), tree)
            (tree / self._source_dir).mkdir(parents=True, exist_ok=True)
            assessment = await assess_tree(tree, self._source_dir)
        lines = []
        for score in assessment.scores:
            lines.append(f"{score.kind} {score.value:.0f} of 100 ({score.basis})")
            lines += [
                f"  {f.severity} {f.rule} {f.path}:{f.line} {f.message}"
                for f in score.findings[:MOST_FINDINGS]
            ]
        return "\n".join(lines)
