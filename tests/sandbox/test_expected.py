"""Which tests a file holds, without importing it."""

from __future__ import annotations

import pytest

from buildwright.sandbox import expected_tests
from buildwright.sandbox.expected import skippable_tests

SOURCE = b"""
import pytest, unittest
raise SystemExit("never imported")

def test_b(): pass
async def test_a(): pass
def helper(): pass
@pytest.fixture
def test_fixture(): pass
class TestC:
    def test_m(self): pass
    def other(self): pass
    class TestInner:
        def test_deep(self): pass
class TestMade:
    def __init__(self): pass
    def test_no(self): pass
class TestOff:
    __test__ = False
    def test_no(self): pass
class Cases(unittest.TestCase):
    def testOld(self): pass
if True:
    def test_conditional(): pass
@pytest.mark.parametrize("x", [1, 2])
def test_p(x): pass
def test_b(): pass
"""


def test_functions_and_classes_are_found_in_order() -> None:
    found = expected_tests({"tests/test_x.py": SOURCE})
    assert [name.removeprefix("tests/test_x.py::") for name in found] == [
        "test_b",
        "test_a",
        "TestC::test_m",
        "TestC::TestInner::test_deep",
        "Cases::testOld",
        "test_p",
    ]


def test_files_come_in_path_order_and_only_test_files_count() -> None:
    one = b"def test_it(): pass"
    files = {
        "b_test.py": one,
        "a/test_a.py": one,
        "conftest.py": one,
        "x.py": one,
        "test_t.txt": one,
    }
    assert expected_tests(files) == ("a/test_a.py::test_it", "b_test.py::test_it")


@pytest.mark.parametrize("content", [b"def test_x(:", b"\x00\xff", b"x = '"])
def test_a_file_that_is_not_python_is_expected_as_a_whole(content: bytes) -> None:
    assert expected_tests({"test_x.py": content}) == ("test_x.py",)


def test_a_module_that_is_no_test_gives_nothing() -> None:
    assert expected_tests({"test_x.py": b"__test__ = False\ndef test_a(): pass"}) == ()


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("@pytest.mark.skip\ndef test_a(): pass", True),
        ("@pytest.mark.skipif(x, reason='')\ndef test_a(): pass", True),
        ("pytestmark = [pytest.mark.xfail]\ndef test_a(): pass", True),
        ("@mark.skip\nclass TestA:\n  def test_a(self): pass", True),
        ("def test_a():\n  pytest.skip('x')", True),
        ("x = pytest.importorskip('x')\ndef test_a(): pass", True),
        ("def test_a():\n  code_under_test()", False),
        ("@pytest.mark.parametrize('a', [1])\ndef test_a(a): pass", False),
    ],
)
def test_a_skip_is_allowed_only_by_the_locked_text(text: str, allowed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert bool(skippable_tests({"test_x.py": text.encode()})) is allowed
