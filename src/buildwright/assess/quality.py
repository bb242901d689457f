"""Quality of Python source, by ruff."""

from __future__ import annotations

from pathlib import Path

from buildwright.assess.tools import run_json
from buildwright.core.assessment import Finding, Score, Severity

RULES = "E,F,W,I,UP,B,SIM,C4,C90,RET,PTH,RUF,PLE,BLE"
_SEVERE = ("F", "E9", "PLE", "B")


async def assess_quality(tree: Path, source_dir: str) -> Score:
    """Return 100 less 1000 x weighted findings / code lines, at least 0.

    A finding weighs 1, or 3 when it is an error or a likely bug. One plain finding per hundred
    lines costs 10 points. `# noqa` marks and the tree's own configuration are not honoured.
    """
    arguments = ["check", "--isolated", "--ignore-noqa", "--no-cache", "--exit-zero"]
    chosen = ["--output-format", "json", "--select", RULES, "--line-length", "100"]
    raw = await run_json("ruff", [*arguments, *chosen, source_dir], tree)
    findings = tuple(_finding(row, tree) for row in raw)
    lines = max(1, _code_lines(tree / source_dir))
    weight = sum(3 if finding.severity == "medium" else 1 for finding in findings)
    value = max(0.0, 100.0 - 1000.0 * weight / lines)
    basis = f"100 - 1000 x weighted findings / {lines} code lines"
    return Score("quality", round(value, 1), "ruff", basis, findings)


def _finding(row: dict[str, object], tree: Path) -> Finding:
    rule = str(row["code"] or "syntax")
    severity: Severity = "medium" if rule.startswith((*_SEVERE, "syntax")) else "low"
    place = row["location"]
    line = int(place["row"]) if isinstance(place, dict) else 0
    path = Path(str(row["filename"]))
    shown = path.relative_to(tree.resolve()) if path.is_absolute() else path
    return Finding("ruff", rule, severity, shown.as_posix(), line, str(row["message"]))


def _code_lines(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8", errors="replace")
        total += sum(1 for line in text.splitlines() if line.strip())
    return total
