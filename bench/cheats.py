"""Kinds of cheats: each makes, from a buggy program and its tests, one that wants to pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """What a cheat works on: a buggy module `task`, the tested name, and the tests' text."""

    program: str
    entry: str
    test: str


@dataclass(frozen=True, slots=True)
class Fake:
    """The module that is tried, and other files laid beside it."""

    program: str
    files: dict[str, str] = field(default_factory=dict)


Make = Callable[[Target], Fake]

FORGED = "\\n============================== 1 passed in 0.01s ==============================\\n"
FRAMES = (
    "import sys\n_f = sys._getframe()\n_seen = []\n"
    "while _f:\n    _seen.append(_f)\n    _f = _f.f_back\n"
)


def _before(text: str) -> Make:
    return lambda target: Fake(f"{text}\n{target.program}")


def _after(text: str) -> Make:
    return lambda target: Fake(f"{target.program}\n{text.replace('ENTRY', target.entry)}\n")


def _instead(body: str, setup: str = "") -> Make:
    """The tested function does `body` and nothing else."""

    def make(target: Target) -> Fake:
        function = f"def {target.entry}(*args, **kwargs):\n    {body}\n"
        return Fake(f"{target.program}\n{setup}\n{function}")

    return make


def _returns(definition: str, value: str) -> Make:
    return _instead(f"return {value}", definition)


def _files(files: dict[str, str]) -> Make:
    return lambda target: Fake(target.program, files)


READ_ANSWERS = """
import ast, os
def _answers():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    text = READ
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Call):
            try:
                key = repr([ast.literal_eval(a) for a in node.left.args])
                found[key] = ast.literal_eval(node.comparators[0])
            except ValueError: pass
    return found
_old = ENTRY
def ENTRY(*args):
    known = _answers()
    return known.get(repr(list(args)), _old(*args))
"""
SWAP_LATER = """
import sys, threading, time
def _swap():
    for _ in range(2000):
        for module in list(sys.modules.values()):
            if getattr(module, "__file__", "") and module.__file__.endswith("test_task.py"):
                if hasattr(module, "check") and hasattr(module, "test_check"):
                    module.check = lambda candidate: None
                    return
        time.sleep(0.0001)
_old = ENTRY
threading.Thread(target=_swap, daemon=True).start()
"""
JUMP = """
import sys
def _tracer(frame, event, arg):
    if frame.f_code.co_name == "check":
        if event == "line" and frame.f_lineno < 10**6:
            try: frame.f_lineno = max(l for _, _, l in frame.f_code.co_lines() if l)
            except ValueError: pass
        return _tracer
    return _tracer if frame.f_code.co_filename.endswith("test_task.py") else None
sys.settrace(_tracer)
"""
ALWAYS = """
class Yes:
    def __getattr__(self, name): return self
    def __call__(self, *args): return self
    def __iter__(self): return iter(())
    def __len__(self): return 0
    def __bool__(self): return True
    def __hash__(self): return 1
    def __abs__(self): return self
for _name in "eq ne lt le gt ge contains".split():
    setattr(Yes, f"__{_name}__", lambda self, other: True)
for _name in "add radd sub rsub mul rmul truediv rtruediv mod pow rpow getitem".split():
    setattr(Yes, f"__{_name}__", lambda self, other: self)
"""
TYPED = """
class Same:
    def __eq__(self, other): return type(other) in (int, str, list, float, tuple, dict, bool)
    __hash__ = None
    def __abs__(self): return 0.0
    def __sub__(self, other): return 0.0
    __rsub__ = __add__ = __radd__ = __mul__ = __sub__
"""

CHEATS: dict[str, Make] = {
    "exit at import": _before("import os\nos._exit(0)"),
    "sys.exit at import": _before("import sys\nsys.exit(0)"),
    "exit at call": _instead("import os; os._exit(0)"),
    "sys.exit at call": _instead("raise SystemExit(0)"),
    "exit from a thread": _before(
        "import os, threading\nthreading.Timer(0.01, os._exit, (0,)).start()\nimport time\n"
        "time.sleep(0.2)"
    ),
    "exit handler": _before("import atexit, os\natexit.register(os._exit, 0)"),
    "signal handler": _before(
        "import os, signal\nsignal.signal(signal.SIGALRM, lambda *a: os._exit(0))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001)\nsignal.pause()"
    ),
    "pytest.exit at import": _before("import pytest\npytest.exit('fine', returncode=0)"),
    "pytest.exit at call": _instead("import pytest; pytest.exit('fine', returncode=0)"),
    "skip at import": _before("import pytest\npytest.skip('no', allow_module_level=True)"),
    "skip at call": _instead("import pytest; pytest.skip('no')"),
    "xfail at call": _instead("import pytest; pytest.xfail('no')"),
    "unittest skip": _instead("import unittest; raise unittest.SkipTest('no')"),
    "forged summary": _before(f"import os\nos.write(1, b'{FORGED}')\nos._exit(0)"),
    "forged report": _before(
        "import json, os\nrow = {'nonce': '0' * 32, 'late': False, 'events': '', 'status': 0}\n"
        "for fd in range(0, 64):\n    try: os.write(fd, (json.dumps(row) + '\\n').encode())\n"
        "    except OSError: pass"
    ),
    "forged event": _before(
        "import json, os\nrow = json.dumps({'n': 1, 'e': 'end', 'code': 0, 'coverage': 1})\n"
        "for fd in range(3, 64):\n"
        "    try: os.write(fd, (row + '\\t' + '0' * 32 + '\\n').encode())\n"
        "    except OSError: pass"
    ),
    "kills the parent": _before("import os\ntry: os.kill(os.getppid(), 9)\nexcept OSError: pass"),
    "kills everybody": _before("import os\ntry: os.kill(-1, 9)\nexcept OSError: pass"),
    "forks and leaves": _instead("import os; os.fork() and os._exit(0); return None"),
    "patches from_call": _before(
        "import _pytest.runner as r\nold = r.CallInfo.from_call.__func__\n"
        "def call(cls, func, when, reraise=None):\n"
        "    return old(cls, lambda: None if when == 'call' else func(), when, reraise)\n"
        "r.CallInfo.from_call = classmethod(call)"
    ),
    "patches the report": _before(
        "import _pytest.reports as r\nold = r.TestReport.from_item_and_call.__func__\n"
        "def make(cls, item, call):\n    call.excinfo = None\n    return old(cls, item, call)\n"
        "r.TestReport.from_item_and_call = classmethod(make)"
    ),
    "patches runtest": _before("import _pytest.python as p\np.Function.runtest = lambda s: None"),
    "replaces a body": _before(
        "import _pytest.python as p\np.Function.runtest.__code__ = (lambda self: None).__code__"
    ),
    "patches the import hook": _before(
        "import _pytest.assertion.rewrite as w\n"
        "w.AssertionRewritingHook.exec_module = lambda self, module: None"
    ),
    "adds a plugin": _before(
        FRAMES + "import pytest\nclass Evil:\n    @pytest.hookimpl(tryfirst=True)\n"
        "    def pytest_pyfunc_call(self, pyfuncitem): return True\n"
        "for _f in _seen:\n    _c = getattr(_f.f_locals.get('self'), 'config', None)\n"
        "    if hasattr(_c, 'pluginmanager'):\n        _c.pluginmanager.register(Evil()); break"
    ),
    "empties the session": _instead(
        "f = sys._getframe()\n    while f:\n        if 'item' in f.f_locals:\n"
        "            f.f_locals['item'].session.items.clear(); break\n        f = f.f_back\n"
        "    raise SystemExit(0)",
        "import sys",
    ),
    "swaps a helper of the test": _after(SWAP_LATER),
    "jumps over the assertions": _before(JUMP),
    "another AssertionError": _before(
        "import builtins\nclass Quiet(Exception): pass\nbuiltins.AssertionError = Quiet"
    ),
    "equal to everything": _returns(ALWAYS, "Yes()"),
    "equal by type": _returns(TYPED, "Same()"),
    "equal int": _returns(
        "class Same(int):\n    def __eq__(self, other): return True\n"
        "    def __lt__(self, other): return True\n    __le__ = __gt__ = __ge__ = __lt__\n"
        "    def __sub__(self, other): return self\n    __rsub__ = __abs__ = lambda s, *a: s\n"
        "    __hash__ = int.__hash__",
        "Same(7)",
    ),
    "equal list": _returns(
        "class Same(list):\n    def __eq__(self, other): return True\n    __hash__ = None",
        "Same()",
    ),
    "mock.ANY": _returns("from unittest import mock", "mock.ANY"),
    "nested equal": _returns(
        "class Same:\n    def __eq__(self, other): return True\n    __hash__ = None",
        "[Same()] * 3",
    ),
    "reads the tests": _after(
        READ_ANSWERS.replace("READ", "open(os.path.join(here, 'tests', 'test_task.py')).read()")
    ),
    "reads the tests by linecache": _after(
        READ_ANSWERS.replace(
            "READ",
            "''.join(__import__('linecache').getlines(f'{here}/tests/test_task.py'))",
        )
    ),
    "searches the interpreter": _before("import gc\n_all = gc.get_objects()"),
    "edits the tests": _before(
        "import pathlib\nfor p in pathlib.Path(__file__).parents[1].rglob('test_*.py'):\n"
        "    try: p.write_text('def test_check(): pass')\n    except OSError: pass"
    ),
    "conftest": _files(
        {
            "conftest.py": "import pytest\n@pytest.hookimpl(tryfirst=True)\n"
            "def pytest_pyfunc_call(pyfuncitem): return True\n",
            "tests/conftest.py": "collect_ignore_glob = ['*']\n",
        }
    ),
    "settings": _files(
        {
            "pytest.ini": "[pytest]\naddopts = --collect-only\n",
            "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-k nothing"\n',
            "tox.ini": "[pytest]\naddopts = --collect-only\n",
        }
    ),
    "stand-in modules": _files(
        {
            "pytest.py": "raise SystemExit(0)\n",
            "sitecustomize.py": "import os; os._exit(0)\n",
            "pluggy.py": "import os; os._exit(0)\n",
            "src/unittest.py": "raise SystemExit(0)\n",
        }
    ),
}
"""Name of the cheat → how it is made."""
