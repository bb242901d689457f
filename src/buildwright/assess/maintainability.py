"""Maintainability of Python source, by radon."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from buildwright.assess.tools import run_json
from buildwright.core.assessment import Finding, Score

COMPLEX = 10
PENALTY = 5.0


async def assess_maintainability(tree: Path, source_dir: str) -> Score:
    """Return radon's maintainability index, mean over code lines, less 5 per complex block.

    The index is the Visual Studio variant from 0 to 100 (radon's `mi`); a block is complex when
    its cyclomatic complexity is above 10.
    """
    index, blocks, raw = await asyncio.gather(
        _radon("mi", tree, source_dir),
        _radon("cc", tree, source_dir),
        _radon("raw", tree, source_dir),
    )
    weighed = [
        (float(row["mi"]), max(1, int(raw.get(path, {}).get("sloc", 1))))
        for path, row in index.items()
        if "mi" in row
    ]
    total = sum(weight for _, weight in weighed)
    mean = sum(value * weight for value, weight in weighed) / total if total else 0.0
    findings = _findings(index, blocks)
    value = max(0.0, mean - PENALTY * len(findings))
    basis = f"mean maintainability index over {total} code lines, less 5 per complex block"
    return Score("maintainability", round(value, 1), "radon", basis, findings)


async def _radon(command: str, tree: Path, source_dir: str) -> dict[str, Any]:
    # From "/", because radon takes settings from the folder it runs in: here the assessed tree.
    rows = await run_json("radon", [command, "-j", str(tree / source_dir)], Path("/"))
    return {path.removeprefix(f"{tree}/"): row for path, row in rows.items()}


def _findings(index: dict[str, Any], blocks: dict[str, Any]) -> tuple[Finding, ...]:
    broken = [
        Finding("radon", "syntax", "high", path, 0, str(row["error"]))
        for path, row in index.items()
        if "error" in row
    ]
    complex_blocks = [
        Finding(
            "radon",
            f"CC {block['complexity']}",
            "medium",
            path,
            int(block["lineno"]),
            f"{block['name']} has cyclomatic complexity {block['complexity']}, above {COMPLEX}",
        )
        for path, rows in blocks.items()
        if isinstance(rows, list)
        for block in rows
        if block["complexity"] > COMPLEX
    ]
    return (*broken, *complex_blocks)
