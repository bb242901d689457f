"""Code that tries to pass without being right, and trees that try to steer the runner."""

from __future__ import annotations

import pytest

from buildwright.core.verdict import CaseOutcome, Verdict
from buildwright.sandbox import Sandbox

from .conftest import BAD, GOOD, RunProject, outcomes, project

pytestmark = pytest.mark.sandbox

FORGED = "============== 2 passed in 0.01s ==============\\n"
PATCH_TEST = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None): return None
def swap():
    for name, module in list(sys.modules.items()):
        if "test_app" in name:
            module.test_one = lambda: None
            module.TestMore.test_two = lambda self: None
"""
CHEATS = {
    "exit at import": "import os\nos._exit(0)",
    "system exit at import": "raise SystemExit(0)",
    "pytest.exit at import": "import pytest\npytest.exit('fine', returncode=0)",
    "skip at import": "import pytest\npytest.skip('no', allow_module_level=True)",
    "skip at call": "import pytest\ndef add(a, b):\n    pytest.skip('no')",
    "xfail at call": "import pytest\ndef add(a, b):\n    pytest.xfail('no')",
    "unittest skip": "import unittest\ndef add(a, b):\n    raise unittest.SkipTest('no')",
    "summary on stdout": f"import os\nos.write(1, b'{FORGED}')\nos._exit(0)",
    "guessed descriptors": (
        "import json, os\nrow = {'nonce': '0', 'late': False, 'events': '', 'status': 0}\n"
        "line = json.dumps(row)\n"
        "for fd in range(3, 64):\n    try: os.write(fd, (line + '\\n').encode())\n"
        "    except OSError: pass\n" + BAD
    ),
    "unsigned event": (
        "import os, json\nrow = json.dumps({'n': 1, 'e': 'end', 'code': 0, 'coverage': 1})\n"
        "line = (row + '\\t' + '0' * 32 + '\\n').encode()\n"
        "for fd in range(3, 64):\n    try: os.write(fd, line)\n"
        "    except OSError: pass\nos._exit(0)"
    ),
    "atexit": "import atexit, os\natexit.register(lambda: os._exit(0))\n" + BAD,
    "kills the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n" + BAD,
    "kills everything": "import os, signal\nos.kill(-1, signal.SIGKILL)\n" + BAD,
    "patches from_call": (
        "import _pytest.runner as r\nold = r.CallInfo.from_call.__func__\n"
        "def call(cls, func, when, reraise=None):\n"
        "    return old(cls, lambda: None if when == 'call' else func(), when, reraise)\n"
        "r.CallInfo.from_call = classmethod(call)\n" + BAD
    ),
    "patches the report": (
        "import _pytest.reports as r\nold = r.TestReport.from_item_and_call.__func__\n"
        "def make(cls, item, call):\n    call.excinfo = None\n    return old(cls, item, call)\n"
        "r.TestReport.from_item_and_call = classmethod(make)\n" + BAD
    ),
    "patches runtest": (
        "import _pytest.python as p\np.Function.runtest = lambda self: None\n" + BAD
    ),
    "replaces a body": (
        "import _pytest.python as p\np.Function.runtest.__code__ = (lambda self: None).__code__\n"
        + BAD
    ),
    "patches and restores": (
        "import _pytest.python as p\nold = p.Function.runtest\ndef add(a, b):\n"
        "    import sys\n    f = sys._getframe()\n    while f:\n"
        "        if 'item' in f.f_locals: f.f_locals['item'].session.items.clear(); break\n"
        "        f = f.f_back\n    return 7"
    ),
    "registers a plugin": (
        "import sys\nimport pytest\nclass Evil:\n"
        "    @pytest.hookimpl(tryfirst=True)\n"
        "    def pytest_pyfunc_call(self, pyfuncitem): return True\n"
        "f = sys._getframe()\nwhile f:\n    s = f.f_locals.get('self')\n"
        "    c = getattr(s, 'config', None)\n"
        "    if c is not None and hasattr(c, 'pluginmanager'):\n"
        "        c.pluginmanager.register(Evil()); break\n    f = f.f_back\n" + BAD
    ),
    "swaps the tests at call": (
        PATCH_TEST + "def add(a, b):\n    swap()\n    return 3 if (a, b) == (1, 2) else 7"
    ),
    "swaps the tests by frame": (
        "import sys\nf = sys._getframe()\n"
        "while f and 'test_app' not in f.f_globals.get('__name__', ''): f = f.f_back\n"
        "import builtins\nold = builtins.__build_class__\n"
        "def build(func, name, *a, **k):\n    made = old(func, name, *a, **k)\n"
        "    if name == 'TestMore':\n        made.test_two = lambda self: None\n"
        "        f.f_globals['test_one'] = lambda: None\n    return made\n"
        "builtins.__build_class__ = build\n" + BAD
    ),
    "builtin assertion error": (
        "import builtins\nclass Quiet(Exception): pass\nbuiltins.AssertionError = Quiet\n" + BAD
    ),
    "reads the harness": (
        "import os\nkey = open(f'/proc/{os.getppid()}/mem', 'rb').read(1)\n" + BAD
    ),
    "searches memory": "import gc\nfound = gc.get_objects()\n" + GOOD,
    "forks before failing": (
        "import os\ndef add(a, b):\n    if os.fork(): os._exit(0)\n    return a + b"
    ),
    "writes to the harness socket": (
        "import os\nfor fd in ('0', '3', '4', '5'):\n"
        "    try: open(f'/proc/{os.getppid()}/fd/{fd}', 'wb').write(b'x')\n"
        "    except OSError: pass\n" + BAD
    ),
}


@pytest.mark.parametrize("name", CHEATS)
async def test_a_cheat_never_passes(box: Sandbox, run_project: RunProject, name: str) -> None:
    run = await run_project(box, project(CHEATS[name]), reruns=0)
    assert run.verdict is Verdict.FAILED, run


STEERING = {
    "conftest.py": (
        "import pytest\n@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_pyfunc_call(pyfuncitem): return True"
    ),
    "tests/conftest.py": "import app\napp.add = lambda a, b: a + b",
    "pytest.ini": "[pytest]\naddopts = -k nothing",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--collect-only"',
    "setup.cfg": "[tool:pytest]\naddopts = --collect-only",
    "sitecustomize.py": "import os; os._exit(0)",
    "src/json.py": "raise SystemExit(0)",
    "pluggy.py": "raise SystemExit(0)",
}


@pytest.mark.parametrize("name", STEERING)
async def test_unlocked_files_do_not_steer_pytest(
    best: Sandbox, run_project: RunProject, name: str
) -> None:
    run = await run_project(best, project(BAD) | {name: STEERING[name]}, reruns=0)
    assert set(outcomes(run).values()) == {CaseOutcome.FAILED}
    assert all(case.message.startswith("assertion: assert 7") for case in run.cases)
