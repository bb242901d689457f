"""The documentation is executed, and what is generated is compared with the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
TUTORIALS = [path for path in PAGES if "```console" in path.read_text()]


def commands(path: Path) -> list[tuple[str, int]]:
    blocks = re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    found = []
    for line in lines:
        wanted = re.search(r"# exit (\d+)$", line)
        found.append((line, int(wanted.group(1)) if wanted else 0))
    return found


@pytest.mark.build
@pytest.mark.sandbox
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda path: path.name)
def test_every_command_of_a_tutorial_runs_as_it_stands(page: Path, tmp_path: Path) -> None:
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "BUILDWRIGHT_HOME": str(tmp_path / "home"),
    }
    where = tmp_path / "a folder with spaces"
    where.mkdir()
    assert commands(page)
    for line, wanted in commands(page):
        done = subprocess.run(
            ["bash", "-c", line], cwd=where, env=env, capture_output=True, text=True
        )
        assert done.returncode == wanted, f"{line}\n{done.stdout}{done.stderr}"


def test_generated_pages_are_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "tools/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []
