"""Security of Python source, by bandit."""

from __future__ import annotations

import os
from pathlib import Path

from buildwright.assess.tools import run_json
from buildwright.core.assessment import Finding, Score, Severity

PENALTY: dict[Severity, float] = {"high": 40.0, "medium": 15.0, "low": 2.0}


async def assess_security(tree: Path, source_dir: str) -> Score:
    """Return 100 less 40, 15 and 2 points for each high, medium and low finding, at least 0.

    Neither `# nosec` marks nor a `.bandit` file of the assessed tree can hide a finding.
    """
    arguments = ["-q", "-f", "json", "--exit-zero", "--ignore-nosec", "--ini", os.devnull]
    raw = await run_json("bandit", [*arguments, "-r", source_dir], tree)
    findings = tuple(
        Finding(
            "bandit",
            f"{result['test_id']} {result['test_name']}",
            result["issue_severity"].lower(),
            result["filename"].removeprefix("./"),
            int(result["line_number"]),
            result["issue_text"],
        )
        for result in raw["results"]
    )
    value = max(0.0, 100.0 - sum(PENALTY[finding.severity] for finding in findings))
    return Score(
        "security", value, "bandit", "100 - 40 per high, 15 per medium, 2 per low finding", findings
    )
