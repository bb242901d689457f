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
