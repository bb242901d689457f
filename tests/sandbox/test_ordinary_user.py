"""The same contract for an ordinary user, where the suite itself runs as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildwright.sandbox import ensure_environment

from .conftest import LOCK

NOBODY = "65534"
SYSTEM_PYTHON = Path("/usr/bin/python3")
VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
CHOSEN = (
    "not unsafe and not time_is_up and not fork_bomb and (lifetimes or coverage"
    " or segfault or memory or kills or patches_the_report or threat_is_answered)"
)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder outside of pytest's own, which other runs may close to other users."""
    with tempfile.TemporaryDirectory(prefix="ordinary-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "home")
        path.mkdir()
        path.chmod(0o777)
        yield path


def other_version() -> str:
    """Why the system's Python cannot load our packages; empty when it can."""
    if not SYSTEM_PYTHON.exists() or not shutil.which("setpriv"):
        return "no python3 of the system, or no setpriv"
    told = subprocess.run([SYSTEM_PYTHON, "-c", VERSION], capture_output=True, text=True).stdout
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return "" if told.strip() == ours else f"the system has Python {told.strip()}, we {ours}"


@pytest.mark.sandbox
@pytest.mark.skipif(os.geteuid() != 0, reason="the suite runs as an ordinary user already")
async def test_it_holds_for_an_ordinary_user_too(home: Path) -> None:
    if reason := other_version():
        pytest.skip(reason)
    prepared = home.parent / "environments"
    await ensure_environment(LOCK.read_bytes(), root=prepared, python=SYSTEM_PYTHON)
    here = Path(__file__).parent
    packages = next(place for place in sys.path if place.endswith("site-packages"))
    ended = subprocess.run(
        [
            *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
            *(SYSTEM_PYTHON, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-p", "no:randomly", f"--basetemp={home}/pytest", "-k", CHOSEN),
            *(
                here / f"test_{name}.py"
                for name in ("boxes", "lifetimes", "verdict", "cheats", "selftest")
            ),
        ],
        cwd=here.parents[1],
        env={
            "PYTHONPATH": f"{here.parents[1] / 'src'}:{packages}",
            "HOME": str(home),
            "TMPDIR": str(home),
            "PATH": "/usr/bin:/bin",
            "BUILDWRIGHT_TEST_ENVIRONMENTS": str(prepared),
        },
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    assert "skipped" not in ended.stdout.splitlines()[-1]
