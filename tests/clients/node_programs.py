"""Small Node programs against a served gateway: their packages, and one run of them."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import IN_CI

HERE = Path(__file__).with_name("node")
PARTS = ("package.json", "package-lock.json")
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")


def installed(folder: Path) -> Path:
    """Install the locked packages in a folder; skip the test where there is no npm."""
    if shutil.which("npm") is None and not IN_CI:
        pytest.skip("npm is not installed (apt-get install npm)")
    for name in PARTS:
        shutil.copy(HERE / name, folder)
    done = subprocess.run(INSTALL, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


async def run(script: str, what: str, url: str, modules: Path) -> Any:
    """Run one conversation of a script; return what it printed."""
    process = await asyncio.create_subprocess_exec(
        "node", str(HERE / script), what, url, str(modules),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return json.loads(out)
