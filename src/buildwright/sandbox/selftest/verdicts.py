"""T47 to T53, T57, T58: projects that try to be called passed."""

from __future__ import annotations

from buildwright.sandbox.selftest.model import Cheat, Threat
from buildwright.sandbox.selftest.projects import breaks_in_mid_run, changed_test, stale_report

BAD = "def add(a, b):\n    return 7\n"
GOOD = "def add(a, b):\n    return a + b\n"
LEFT = "left with exit code"
FORGED = "============== 2 passed in 0.01s ==============\\n"
GUESSED = (
    "import json, os\nrow = json.dumps({'nonce': '0', 'late': False, 'events': '', 'status': 0})\n"
    "for fd in range(0, 64):\n    try: os.write(fd, (row + '\\n').encode())\n"
    "    except OSError: pass\n" + BAD
)
SWALLOWED = (
    "import _pytest.runner as r\nold = r.CallInfo.from_call.__func__\n"
    "def call(cls, func, when, reraise=None):\n"
    "    return old(cls, lambda: None if when == 'call' else func(), when, reraise)\n"
    "r.CallInfo.from_call = classmethod(call)\n" + BAD
)
EQUAL = (
    "class Same:\n    def __eq__(self, other): return True\n    __hash__ = None\n"
    "def add(a, b):\n    return Same()\n"
)
EQUAL_INT = (
    "class Same(int):\n    def __eq__(self, other): return isinstance(other, int)\n"
    "    __hash__ = int.__hash__\ndef add(a, b):\n    return Same(7)\n"
)
READS = (
    "import ast, pathlib\nROOT = pathlib.Path(__file__).parents[2]\n"
    "TEXT = (ROOT / 'tests' / 'test_app.py').read_text()\n"
    "def add(a, b):\n    key = f'add({a}, {b}) == '\n"
    "    return int(TEXT.partition(key)[2].split()[0])\n"
)
GIT = (
    "import subprocess\ndef add(a, b):\n"
    "    told = subprocess.run(['git', 'log', '-p'], capture_output=True, text=True)\n"
    "    return int(told.stdout.partition(f'{a}, {b} = ')[2].split()[0])\n"
)
STEERING = {
    "conftest.py": (
        "import pytest\n@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_pyfunc_call(pyfuncitem): return True\n"
    ),
    "tests/conftest.py": "import app\napp.add = lambda a, b: a + b\n",
    "pytest.ini": "[pytest]\naddopts = -k nothing\n",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--collect-only"\n',
    "sitecustomize.py": "import os; os._exit(0)\n",
    "pluggy.py": "raise SystemExit(0)\n",
}
EDITS = (
    "import os, pathlib\nROOT = pathlib.Path(__file__).parents[2]\n"
    "for p in ROOT.rglob('test_*.py'):\n"
    "    for deed in (lambda: p.write_text('def test_one(): pass'), p.unlink,\n"
    "                 lambda: p.rename(p.with_name('gone'))):\n"
    "        try: deed()\n        except OSError: pass\n" + BAD
)
EMPTY_TEST = "from app import add\n\ndef test_one():\n    add(1, 2)\n"
FLAKY = "import os\ndef add(a, b):\n    return a + b if os.environ.get('TURN') == '2' else 0\n"

VERDICTS = (
    Threat(
        "T47",
        "forged summary and end marker",
        ("harness",),
        (
            Cheat(f"import os\nos.write(1, b'{FORGED}')\nos._exit(0)", "failed", LEFT),
            Cheat(GUESSED, "failed"),
        ),
    ),
    Threat(
        "T48",
        "leaves early with exit code 0",
        ("harness",),
        (
            Cheat("import os\nos._exit(0)", "failed", LEFT),
            Cheat("raise SystemExit(0)", "failed"),
            Cheat("import atexit, os\natexit.register(lambda: os._exit(0))\n" + BAD, "failed"),
        ),
    ),
    Threat(
        "T49",
        "conftest, plugins and settings that steer or patch the runner",
        ("harness",),
        (
            Cheat(BAD, "failed", "assert 7 == 3", files=STEERING),
            Cheat(SWALLOWED, "failed", "cannot be trusted"),
            Cheat("import pytest\ndef add(a, b):\n    pytest.skip('no')", "failed", "skipped by"),
            Cheat("import pytest\ndef add(a, b):\n    pytest.xfail('no')", "failed", "skipped by"),
            Cheat(EQUAL, "failed", "equal to anything"),
            Cheat(EQUAL_INT, "failed", "equal to anything"),
        ),
    ),
    Threat(
        "T50",
        "edits, deletes or weakens the tests",
        ("read-only mount", "landlock", "harness"),
        (Cheat(EDITS, "failed", "assert 7 == 3"), changed_test),
    ),
    Threat("T51", "a stale report is left behind", ("harness",), (stale_report,)),
    Threat(
        "T52",
        "answers read from the tests or from git history",
        ("harness",),
        (
            Cheat(READS, "failed", "read the locked tests"),
            Cheat(GIT, "failed", files={".git/logs": "1, 2 = 3 2, 2 = 4"}),
        ),
    ),
    Threat("T53", "the sandbox breaks in mid-run", ("harness",), (breaks_in_mid_run,)),
    Threat("T58", "a flaky test", ("harness",), (Cheat(FLAKY, "flaky", "passed only", reruns=1),)),
)
