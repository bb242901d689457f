"""Scores come from real analysers, and the assessed tree cannot talk them round."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildwright.assess import assess_tree
from buildwright.assess.tools import run_json
from buildwright.core.assessment import Assessment
from buildwright.core.errors import MachineError

CLEAN = '"""Doc."""\n\n\ndef add(a: int, b: int) -> int:\n    """Add."""\n    return a + b\n'
DANGEROUS = "import subprocess\n\n\ndef run(text):\n    subprocess.call(text, shell=True)\n"
TANGLED = "def f(x):\n" + "".join(
    f"    if x == {i}:\n        return {i}\n" for i in range(15)
) + "    return 0\n"  # fmt: skip


async def assessed(tmp_path: Path, **files: str) -> Assessment:
    source = tmp_path / "src"
    source.mkdir()
    for name, text in files.items():
        (source / f"{name}.py").write_text(text)
    return await assess_tree(tmp_path, "src")


async def test_clean_code_scores_full_marks_for_security_and_quality(tmp_path: Path) -> None:
    result = await assessed(tmp_path, clean=CLEAN)
    assert (result.value("security"), result.value("quality")) == (100.0, 100.0)
    assert (result.value("maintainability") or 0) > 80


async def test_a_shell_call_costs_security_points_and_says_where(tmp_path: Path) -> None:
    result = await assessed(tmp_path, bad=DANGEROUS)
    security = result.scores[0]
    worst = next(f for f in security.findings if f.severity == "high")
    assert security.value < 60
    assert (worst.path, worst.line) == ("src/bad.py", 5)


async def test_marks_and_configuration_in_the_tree_hide_nothing(tmp_path: Path) -> None:
    marked = DANGEROUS.replace("shell=True)", "shell=True)  # nosec # noqa")
    (tmp_path / ".bandit").write_text("[bandit]\nskips: B602,B404,B603\nexclude: /\n")
    (tmp_path / "ruff.toml").write_text("exclude = ['*']\n")
    (tmp_path / "setup.cfg").write_text("[radon]\nexclude = *\n")
    result = await assessed(tmp_path, bad=marked + "import os  # noqa\n")
    assert [score.value < 60 for score in result.scores[:2]] == [True, True]
    assert "0 code lines" not in result.scores[2].basis


async def test_a_complex_function_is_a_finding(tmp_path: Path) -> None:
    result = await assessed(tmp_path, tangled=TANGLED)
    findings = result.scores[2].findings
    assert [f.rule for f in findings] == ["CC 16"]


async def test_code_that_does_not_parse_is_scored_not_fatal(tmp_path: Path) -> None:
    result = await assessed(tmp_path, broken="def (:\n")
    assert any(f.rule == "syntax" or "syntax" in f.rule for s in result.scores for f in s.findings)


async def test_an_empty_tree_has_no_maintainability_to_speak_of(tmp_path: Path) -> None:
    result = await assessed(tmp_path)
    assert result.value("maintainability") == 0.0


async def test_a_tool_that_prints_no_json_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="analyser platform failed"):
        await run_json("platform", [], tmp_path)
    with pytest.raises(MachineError, match="No module named"):
        await run_json("no_such_tool", [], tmp_path)
