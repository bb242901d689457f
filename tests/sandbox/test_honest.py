"""Honest tests use much of pytest and of the machine, and must not be taken for cheats."""

from __future__ import annotations

import pytest

from buildwright.core.verdict import CaseOutcome, Verdict
from buildwright.sandbox import Sandbox

from .conftest import GOOD, RunProject, outcomes, project

pytestmark = pytest.mark.sandbox

CONFTEST = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true")

def pytest_collection_modifyitems(items):
    items.reverse()

@pytest.fixture(autouse=True)
def prepared(monkeypatch):
    monkeypatch.setenv("PREPARED", "yes")
    yield

@pytest.fixture(scope="module")
def number():
    yield 4
"""
TEST = """
import asyncio, functools, gc, logging, multiprocessing, os, socket, subprocess, sys, threading
import unittest, warnings
from unittest import mock
import pytest
import app

def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

@mock.patch("app.add", return_value=9)
def test_mocked(fake):
    assert app.add(1, 2) == 9

@mock.patch("builtins.open", mock.mock_open(read_data="x"))
def test_mocked_open():
    assert open("anything").read() == "x"

@traced
def test_wrapped(number):
    assert app.add(number, 0) == 4

def test_patched(monkeypatch):
    monkeypatch.setattr("app.add", lambda a, b: 0)
    monkeypatch.setattr("builtins.print", lambda *a: None)
    monkeypatch.setattr("builtins.isinstance", isinstance)
    assert app.add(1, 1) == 0
    assert os.environ["PREPARED"] == "yes"

def test_captured(capsys, caplog, tmp_path):
    print("out")
    logging.getLogger("x").warning("careful")
    (tmp_path / "f").write_text("x")
    assert capsys.readouterr().out == "out\\n"
    assert "careful" in caplog.text

@pytest.mark.parametrize("a", ["x[0]", "::", "é"])
@pytest.mark.parametrize("b", [1, 2])
def test_odd_parameters(a, b):
    assert a * b

class TestGrouped:
    @pytest.fixture
    def one(self):
        return 1

    @pytest.mark.parametrize("n", [1, 2])
    def test_method(self, one, n):
        assert app.add(one, n) == n + 1

    @staticmethod
    def test_static():
        assert True

class Old(unittest.TestCase):
    def setUp(self):
        self.value = 3

    def test_old(self):
        self.assertEqual(app.add(1, 2), self.value)

    @mock.patch("app.add", return_value=5)
    def test_old_mocked(self, fake):
        self.assertEqual(app.add(0, 0), 5)

def test_machine():
    gc.collect()
    sys._getframe().f_code
    done = []
    thread = threading.Thread(target=done.append, args=(1,))
    thread.start(); thread.join()
    assert subprocess.run([sys.executable, "-c", "print(3)"], capture_output=True).stdout
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(abs, [-1]) == [1]
    assert done == [1]

def test_loopback():
    async def talk():
        async def answer(reader, writer):
            writer.write(b"hello"); writer.close()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        got = await reader.read()
        writer.close(); server.close()
        return got
    assert asyncio.run(talk()) == b"hello"

def test_warned():
    with pytest.warns(UserWarning):
        warnings.warn("x")
    with pytest.raises(ZeroDivisionError):
        1 / 0

@pytest.mark.xfail(reason="known")
def test_known():
    assert app.add(1, 1) == 3

@pytest.mark.xfail
def test_known_but_right():
    assert app.add(1, 1) == 2
"""


async def test_an_honest_project_passes(best: Sandbox, run_project: RunProject) -> None:
    files = project(GOOD, TEST) | {"tests/conftest.py": CONFTEST}
    run = await run_project(best, files, locked=("tests/conftest.py",))
    assert run.verdict is Verdict.PASSED, run
    assert outcomes(run)["test_known"] is CaseOutcome.SKIPPED
    assert outcomes(run)["test_known_but_right"] is CaseOutcome.PASSED
    assert len(run.cases) == 15


CURIOUS = """
import inspect, linecache, logging, pathlib, tempfile, traceback, warnings
def add(a, b):
    try: raise ValueError("x")
    except ValueError: logging.getLogger("app").exception("careful")
    traceback.format_stack(); inspect.stack(); warnings.warn("x", stacklevel=2)
    inspect.getsource(add); linecache.getline(__file__, 1)
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder, "test_app.py")
        made.write_text("def test_made(): pass")
        assert made.read_text()
        assert list(pathlib.Path(folder).iterdir()) == [made]
    return a + b
"""
COMPARED = """
import datetime, decimal, enum
from dataclasses import dataclass
from unittest.mock import ANY
import pytest
import app
from app import Money

def test_money():
    assert Money(3) == 3 and Money(2) < Money(5)
    assert [Money(1)] == [Money(1)]
    assert {"id": app.add(1, 2), "at": Money(4)} == {"id": ANY, "at": ANY}
    assert app.add(0.1, 0.2) == pytest.approx(0.3)
    assert decimal.Decimal("1.0") == 1 and datetime.date(2024, 1, 1) != datetime.date(2024, 1, 2)
    assert Money(1) in {Money(1), Money(2)}
"""
MONEY = """
import functools
def add(a, b): return a + b
@functools.total_ordering
class Money:
    def __init__(self, cents): self.cents = cents
    def __eq__(self, other): return self.cents == getattr(other, "cents", other)
    def __lt__(self, other): return self.cents < other.cents
    def __hash__(self): return hash(self.cents)
"""


async def test_code_that_logs_where_it_is_called_from_passes(
    best: Sandbox, run_project: RunProject
) -> None:
    test = "from app import add\n\ndef test_one():\n    assert add(1, 2) == 3\n"
    run = await run_project(best, project(CURIOUS, test))
    assert run.verdict is Verdict.PASSED, run


async def test_objects_with_comparisons_of_their_own_pass(
    best: Sandbox, run_project: RunProject
) -> None:
    run = await run_project(best, project(MONEY, COMPARED))
    assert run.verdict is Verdict.PASSED, run
