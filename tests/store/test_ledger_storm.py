"""A small storm of clients on one cap, over processes that are killed and started again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench" / "ledger.py"


def test_no_kill_overspends_a_cap_or_loses_a_row(tmp_path: Path) -> None:
    report = tmp_path / "storm.json"
    command = [sys.executable, str(BENCH), "--storm", "--clients", "8", "--calls", "10000"]
    subprocess.run([*command, "--json", str(report)], check=True, capture_output=True)
    found = json.loads(report.read_text())
    assert found["overspend"] == found["lost_rows"] == found["lost_settlements"] == 0
    assert found["off_by"] == found["damaged"] == 0
    assert found["promised"] > 1000
    assert found["refused"] > 100
    assert found["kills"] >= 1
    assert found["cap"] - found["spent"] - found["held"] < 1000
