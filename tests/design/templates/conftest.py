"""Projects rendered to disk, and one environment in which all of them run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from buildwright.core.requirements import Analysis
from buildwright.design.catalog import load_template
from buildwright.design.rendering import render_project

Write = Callable[[Analysis], Path]


def write(analysis: Analysis, folder: Path, template: str = "rest-api") -> Path:
    """Render a project into a folder."""
    for file in render_project(load_template(template), analysis, {}):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Write:
    """Return what renders an analysis into a folder of the test's own."""
    return lambda analysis: write(analysis, tmp_path / "the project")


@pytest.fixture(scope="session")
def python() -> Path:
    """Return the interpreter of an environment made from the template's lock, kept by its hash."""
    import uv

    lock = load_template("rest-api").root / "files" / "requirements-dev.txt"
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    place = Path(tempfile.gettempdir()) / f"buildwright-test-env-{os.getuid()}-{digest}"
    interpreter = place / "bin" / "python"
    if not (place / "complete").exists():
        tool = uv.find_uv_bin()
        made = place.with_name(f"{place.name}.{os.getpid()}")
        subprocess.run([tool, "venv", "-q", "--python", sys.executable, made], check=True)
        install = [tool, "pip", "install", "-q", "--require-hashes", "-r", str(lock), "--python"]
        subprocess.run([*install, str(made / "bin" / "python")], check=True)
        (made / "complete").touch()
        if place.exists():
            return made / "bin" / "python"
        made.rename(place)
    return interpreter


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module in a project, without leaving anything in it."""
    return subprocess.run(
        [python, "-B", "-m", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
