"""Rendered projects run: their tests pass on the code, and fail on stubs of it."""

from __future__ import annotations

import ast
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from buildwright.core.requirements import Analysis

from .analyses import ALL, BOOKS, CIRCLES, SHOP, drawn
from .conftest import Write, run

pytestmark = pytest.mark.build

RUNNING = {
    **{name: ALL[name] for name in ("every_type", "circles", "names", "hostile", "nothing")},
    "drawn": drawn(1),
}
Stub = Callable[[ast.FunctionDef | ast.AsyncFunctionDef], list[ast.stmt]]


def raises(_node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    return ast.parse("raise NotImplementedError").body


def returns_nothing(_node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    return ast.parse("return None").body


def answers_empty(_node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    body = "from fastapi.responses import JSONResponse\nreturn JSONResponse({})"
    return ast.parse(body).body


def stub(folder: Path, make: Stub, *parts: str) -> None:
    """Replace the body of every function in some files below src/."""
    for path in folder.glob("src/*/**/*.py"):
        if not parts or any(part in path.as_posix() for part in parts):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    node.body = make(node)
            path.write_text(ast.unparse(tree))


def outcomes(python: Path, folder: Path, *more: str) -> dict[str, int]:
    """Run the tests of a project; return how many passed, failed and so on."""
    done = run(python, folder, "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", *more)
    last = done.stdout.strip().rpartition("\n")[2]
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", last)}
    assert counts, done.stdout + done.stderr
    return counts


def passed(python: Path, folder: Path, *more: str) -> set[str]:
    """Return the ids of the tests that pass."""
    done = run(python, folder, "pytest", "-p", "no:cacheprovider", "-rp", "-q", "--tb=no", *more)
    return set(re.findall(r"^PASSED (.+)$", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("name", RUNNING)
def test_the_tests_of_a_project_pass(project: Write, python: Path, name: str) -> None:
    # Of 60 odd names every test runs but the one with wrong values: it halves the time.
    few = ("-k", "not wrong_value") if name == "names" else ()
    counts = outcomes(python, project(RUNNING[name]), *few)
    assert set(counts) <= {"passed", "deselected"}
    assert counts["passed"] >= 12


def test_the_tests_of_a_project_pass_where_nothing_can_be_written(
    project: Write, python: Path
) -> None:
    folder = project(BOOKS)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    counts = outcomes(python, folder)
    assert set(counts) == {"passed"}
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize("one", [BOOKS, SHOP], ids=["books", "shop"])
def test_the_tests_reach_nearly_every_line(project: Write, python: Path, one: Analysis) -> None:
    folder = project(one)
    done = run(python, folder, "coverage", "run", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    run(python, folder, "coverage", "json", "-q")
    report = json.loads((folder / "coverage.json").read_text())
    assert report["totals"]["percent_covered"] >= 95


@pytest.mark.parametrize("make", [raises, returns_nothing, answers_empty])
def test_no_test_passes_on_a_stub_of_everything(project: Write, python: Path, make: Stub) -> None:
    folder = project(SHOP)
    stub(folder, make)
    assert passed(python, folder) == set()


@pytest.mark.parametrize("make", [raises, returns_nothing, answers_empty])
def test_no_test_of_records_passes_on_a_stub_of_the_routes(
    project: Write, python: Path, make: Stub
) -> None:
    folder = project(CIRCLES)
    stub(folder, make, "/routes/")
    tests = [path.relative_to(folder).as_posix() for path in folder.glob("tests/test_*_api.py")]
    assert passed(python, folder, *tests) == set()


Fault = tuple[str, str, str, str]
FAULTS: list[list[Fault]] = [
    [
        ("schemas/review.py", "ge=1, le=5", "ge=1", "review.*bounds"),
        ("schemas/order.py", 'extra="forbid"', 'extra="ignore"', "unknown_field_of_order"),
        ("routes/product.py", "Product.price >= value", "Product.price > value", "to_a_range"),
        ("routes/customer.py", 'Location"] = f"', 'Location"] = f"/x', "customer_is_read_back"),
        ("models/tag.py", "unique=True", "unique=False", "migrations_make"),
        ("listing.py", "le=200", "le=2000", "odd_parameters.*limit-201"),
        ("errors.py", "404: ", "400: ", "an_unknown_tag_is_not_found"),
    ],
    [
        ("schemas/review.py", "ge=1, le=5", "le=5", "review.*bounds"),
        ("schemas/order.py", "status: OrderStatus\n", "status: str\n", "order_takes_only_the_li"),
        ("routes/product.py", "Product.sku == value", "Product.sku != value", "to_a_value.*sku"),
        ("routes/order.py", "Order.customer_id == value", "Order.id > 0", "order_belongs_to_cust"),
        ("records.py", "model.id != own", "model.id > 0", "tags_share_a_unique_value"),
        ("listing.py", ".offset(query.offset)", "", "tags_come_in_pages"),
        ("database.py", "foreign_keys = ON", "foreign_keys = OFF", "not_deleted_while_in_use"),
    ],
    [
        ("schemas/product.py", "name: ShortText\n", "name: ShortText = ''\n", "cannot_be_mi.*name"),
        ("routes/product.py", '"name": Product.name', '"name": Product.id', "are_sorted.*name"),
        ("routes/product.py", "pairs.product_id ==", "0 !=", "product_and_tag_are_linked"),
        (
            "routes/customer.py",
            "[Customer.name, Customer.email]",
            "[Customer.name]",
            "part_of.*email",
        ),
        ("records.py", "if missing:", "if False:", "order_belongs_to_customer"),
        ("columns.py", "value.astimezone(dt.UTC)\n\n", "None\n\n", "order_is_read_back"),
        ("health.py", 'status="ok"', 'status="bad"', "service_that_works"),
    ],
    [
        ("records.py", "if taken:", "if False:", "customers_share_a_unique_value"),
        ("records.py", "session.delete(record)", "session.flush()", "review_is_deleted"),
        ("listing.py", "autoescape=True", "autoescape=False", "part_of_a_text"),
        ("listing.py", ".desc()", ".asc()", "customers_are_sorted"),
        ("columns.py", "scaleb(-self.scale)", "scaleb(-self.scale + 1)", "product_is_read_back"),
        (
            "errors.py",
            "ValidationError, _invalid)",
            "ValidationError, _http)",
            "wrong_value_in_order",
        ),
        ("values.py", "strip_whitespace=True, min_length=1", "min_length=0", "wrong_value_in_tag"),
    ],
]


@pytest.mark.parametrize("faults", FAULTS)
def test_a_small_fault_is_noticed_by_the_test_of_that_behaviour(
    project: Write, python: Path, faults: list[Fault]
) -> None:
    folder = project(SHOP)
    for name, before, after, _test in faults:
        path = next(folder.glob(f"src/*/**/{name}"))
        text = path.read_text()
        assert before in text, (name, before)
        path.write_text(text.replace(before, after))
    done = run(python, folder, "pytest", "-p", "no:cacheprovider", "-rf", "-q", "--tb=no")
    failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    unnoticed = [f for f in faults if not any(re.search(f[3], test) for test in failed)]
    assert unnoticed == []
